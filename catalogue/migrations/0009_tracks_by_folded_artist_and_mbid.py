"""Index what a scrobbler's listens are looked up by, beside those who write tracks (see tests/test_migrations.py)."""

from django.db import migrations, models
from django.db.models.functions import Lower


def make(apps, editor):
    is_postgresql = editor.connection.vendor == "postgresql"
    beside = "CONCURRENTLY" if is_postgresql else ""
    room = "WITH (fillfactor = 50)" if is_postgresql else ""  # as 0007 leaves it
    drop(apps, editor)  # what an interruption left is not valid
    editor.execute(f"CREATE INDEX {beside} track_by_folded_artist ON catalogue_track (LOWER(artist)) {room}")
    editor.execute(f"CREATE INDEX {beside} track_by_mbid ON catalogue_track (mbid) {room} WHERE mbid > ''")


def drop(apps, editor):
    beside = "CONCURRENTLY" if editor.connection.vendor == "postgresql" else ""
    for name in ("track_by_folded_artist", "track_by_mbid"):
        editor.execute(f"DROP INDEX {beside} IF EXISTS {name}")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalogue", "0008_one_open_activation"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make, drop)],
            state_operations=[
                migrations.AddIndex("track", models.Index(Lower("artist"), name="track_by_folded_artist")),
                migrations.AddIndex(
                    "track", models.Index(fields=["mbid"], condition=models.Q(mbid__gt=""), name="track_by_mbid")
                ),
            ],
        ),
    ]
