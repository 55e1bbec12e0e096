import django.db.models.deletion
from django.db import migrations, models

FIND = """
UPDATE playlists_neverartist SET track_id = (
    SELECT MIN(t.id) FROM catalogue_track AS t WHERE t.artist = playlists_neverartist.artist
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("catalogue", "0009_tracks_by_folded_artist_and_mbid"),
        ("playlists", "0008_places_without_spare_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="neverartist",
            name="track",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                help_text="one by the artist, who is known by it once an import spells the name otherwise",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="catalogue.track",
            ),
        ),
        migrations.RunSQL(FIND, migrations.RunSQL.noop),
    ]
