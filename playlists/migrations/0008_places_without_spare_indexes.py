"""Drop the indexes of a place's two foreign keys, beside those who read and write (see tests/test_migrations.py)."""

import django.db.models.deletion
from django.db import migrations, models

TABLE = "playlists_playlisttrack"
COLUMNS = ("playlist_id", "track_id")


def drop(apps, editor):
    beside = "CONCURRENTLY" if editor.connection.vendor == "postgresql" else ""
    with editor.connection.cursor() as cursor:
        for name, found in editor.connection.introspection.get_constraints(cursor, TABLE).items():
            if found["index"] and not found["unique"] and found["columns"] in ([column] for column in COLUMNS):
                editor.execute(f"DROP INDEX {beside} IF EXISTS {editor.quote_name(name)}")


def make(apps, editor):
    beside = "CONCURRENTLY" if editor.connection.vendor == "postgresql" else ""
    for column in COLUMNS:
        editor.execute(f"DROP INDEX {beside} IF EXISTS {TABLE}_{column}")  # what an interruption left is not valid
        editor.execute(f"CREATE INDEX {beside} {TABLE}_{column} ON {TABLE} ({column})")


def spare(to, name):
    return models.ForeignKey(to=to, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name=name)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalogue", "0007_room_for_other_tags"),
        ("playlists", "0007_company"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop, make)],
            state_operations=[
                migrations.AlterField("playlisttrack", "playlist", spare("playlists.playlist", "entries")),
                migrations.AlterField("playlisttrack", "track", spare("catalogue.track", "+")),
            ],
        ),
    ]
