from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.utils import timezone

OPEN = ("queued", "running")


def end_second_ones(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Leave one open activation of each clustering: the one that is running, or else the first."""
    runs = apps.get_model("catalogue", "ClusteringRun").objects.using(schema_editor.connection.alias)
    kept = set()
    for run in runs.filter(activates=True, state__in=OPEN).exclude(clustering=None).order_by("-state", "created_at"):
        if run.clustering_id in kept:
            runs.filter(pk=run.pk).update(state="cancelled", finished_at=timezone.now())
        kept.add(run.clustering_id)


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0007_room_for_other_tags"),
    ]

    operations = [
        migrations.RunPython(end_second_ones, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="clusteringrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("activates", True), ("state__in", OPEN)),
                fields=("clustering",),
                name="one_open_activation_of_a_clustering",
            ),
        ),
    ]
