"""Migrations run while the version before goes on serving: none locks a table for as long as it has rows."""

import inspect
import json
import sys
from typing import Any, ClassVar

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from tests.prepared import MIGRATED
from tests.servers import environment, manage

# Up to here nobody runs emotune for other people: these migrations meet tables that are empty.
FIRST_RELEASE = {"accounts": "0004", "api": "0001", "catalogue": "0006", "detection": "0002", "playlists": "0007"}
LARGE = {"capture", "track", "playlist", "playlisttrack", "listen", "rating", "skip", "accountevent", "submission"}
# What is made beside whoever writes.
BESIDE_WRITERS = (AddIndexConcurrently, RemoveIndexConcurrently)
# All that is done to a large table: nothing here reads or writes its rows while others may not.
ON_LARGE = (migrations.AddField, migrations.AlterModelOptions, migrations.AlterModelManagers, *BESIDE_WRITERS)
# What takes away what the version before still asks for.
BREAKS = (migrations.RemoveField, migrations.RenameField, migrations.RenameModel, migrations.DeleteModel)
# Code of a migration's own can do anything: why this holds nobody up.
CODE = {
    ("catalogue", "0007_room_for_other_tags"): "says how full indexes are built from now on, and reads no row",
    ("catalogue", "0008_one_open_activation"): "ends some runs of those that are open, in a small table",
    ("catalogue", "0009_tracks_by_folded_artist_and_mbid"): "makes its indexes CONCURRENTLY",
    ("playlists", "0008_places_without_spare_indexes"): "drops and makes its indexes CONCURRENTLY",
    ("playlists", "0009_artists_known_by_a_track"): "writes a small table, and finds tracks by an index",
}
# In what only Django is told, these stand for an index that somebody has to make or drop.
NEEDS_INDEX = (migrations.AddIndex, migrations.RemoveIndex, migrations.AddConstraint, migrations.AlterField)


def later_migrations():
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app in FIRST_RELEASE and name[:4] > FIRST_RELEASE[app]:
            yield pytest.param(migration, id=f"{app}-{name}")


def is_large(operation):
    return getattr(operation, "model_name", getattr(operation, "name", "")).lower() in LARGE


def is_held_to_a_large_table(field):
    """Say whether the database itself sees to it that a field refers to a row of a large table."""
    if not isinstance(field, models.ForeignKey) or not getattr(field, "db_constraint", True):  # unknown to the stubs
        return False
    model = field.remote_field.model  # in a migration "catalogue.track", with whatever capitals
    return (model if isinstance(model, str) else model.__name__).rpartition(".")[2].lower() in LARGE


def walk(operations):
    """Give all that happens in the database, and not what only Django is told."""
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from walk(operation.database_operations)
        else:
            yield operation


def fault_of(operation, migration):
    """Return what the version before, or whoever writes, would notice of an operation; else nothing."""
    is_code = isinstance(operation, (migrations.RunPython, migrations.RunSQL))
    added: Any = operation.field if isinstance(operation, migrations.AddField) else None
    rules = {
        "say in CODE why it holds nobody up": is_code and (migration.app_label, migration.name) not in CODE,
        "the version before still asks for it": isinstance(operation, BREAKS),
        "the version before writes rows without it: let it be null, or give it a db_default": (
            added and not (added.null or added.has_db_default() or added.many_to_many)
        ),
        "its index is made while nobody may write: use AddIndexConcurrently": (
            added and is_large(operation) and (added.db_index or added.unique)
        ),
        "its constraint locks a large table, and refuses the version before to delete rows: db_constraint=False": (
            is_held_to_a_large_table(added)
        ),
        "this is not done to a large table; an index of one is made by AddIndexConcurrently": (
            is_large(operation) and not isinstance(operation, ON_LARGE)
        ),
        "this needs atomic = False": isinstance(operation, BESIDE_WRITERS) and migration.atomic,
    }
    return next((fault for fault, is_so in rules.items() if is_so), "")


def faults_of(migration):
    found = {operation.describe(): fault_of(operation, migration) for operation in walk(migration.operations)}
    return {what: fault for what, fault in found.items() if fault}


@pytest.mark.parametrize("migration", sorted(later_migrations(), key=str))
def test_the_version_before_goes_on_serving_and_writing(migration):
    assert faults_of(migration) == {}
    told = [each for each in migration.operations if isinstance(each, migrations.SeparateDatabaseAndState)]
    if any(is_large(inner) and isinstance(inner, NEEDS_INDEX) for each in told for inner in each.state_operations):
        assert migration.atomic is False
        assert "CONCURRENTLY" in inspect.getsource(sys.modules[migration.__module__])


def test_a_bad_migration_is_found_out():
    class Bad(migrations.Migration):
        operations: ClassVar = [
            migrations.AddField("share", "note", models.TextField(default="")),
            migrations.AddField("rating", "word", models.TextField(null=True, db_index=True)),
            migrations.RunPython(migrations.RunPython.noop),
            migrations.RunSQL("SELECT 1"),
            migrations.SeparateDatabaseAndState(
                database_operations=[migrations.RemoveField("share", "token")],
                state_operations=[migrations.DeleteModel("Skip")],
            ),
            migrations.RenameField("share", "token", "secret"),
            migrations.RenameModel("Share", "Link"),
            migrations.DeleteModel("Share"),
            migrations.AddIndex("listen", models.Index(fields=["source"], name="by_source")),
            migrations.AlterField("track", "title", models.TextField()),
            AddIndexConcurrently("skip", models.Index(fields=["seconds"], name="by_seconds")),
            migrations.AddField("share", "first", models.ForeignKey("catalogue.Track", models.SET_NULL, null=True)),
            # and what is well
            migrations.AddField(
                "share", "last", models.ForeignKey("catalogue.Track", models.SET_NULL, null=True, db_constraint=False)
            ),
            migrations.AddField(
                "share", "job", models.ForeignKey("playlists.HistoryImport", models.SET_NULL, null=True)
            ),
            migrations.AddField("rating", "weight", models.FloatField(db_default=1)),
            migrations.AddField("listen", "heard_s", models.FloatField(null=True)),
            migrations.AlterField("share", "token", models.CharField(max_length=64)),
            migrations.AlterModelOptions("listen", {}),
        ]

    faults = faults_of(Bad("0099_bad", "playlists"))
    assert list(faults) == [operation.describe() for operation in walk(Bad.operations)][:12]
    assert "db_default" in faults["Add field note to share"]
    assert "its index" in faults["Add field word to rating"]
    assert "CODE" in faults["Raw Python operation"]
    assert "still asks" in faults["Remove field token from share"]
    assert "atomic" in faults[Bad.operations[10].describe()]
    assert "db_constraint" in faults["Add field first to share"]


INDEXES = """
import json
from django.db import connection
with connection.cursor() as cursor:
    found = connection.introspection.get_constraints(cursor, "playlists_playlisttrack").values()
print(json.dumps(sorted(each["columns"] for each in found if each["index"] or each["unique"])))
"""
NEEDED = [["playlist_id", "rank"], ["playlist_id", "track_id"], ["track_id", "id"]]


TRACKS = """
import json
from django.db import connection
with connection.cursor() as cursor:
    names = connection.introspection.get_constraints(cursor, "catalogue_track")
    rooms = ()
    if connection.vendor == "postgresql":
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'catalogue_track'")
        rooms = ["fillfactor='50'" in definition for (definition,) in cursor.fetchall()]
print(json.dumps([sorted(name for name in names if name.startswith("track_by_")), all(rooms)]))
"""


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def env(request, prepared, tmp_path):
    if request.param == "SQLite":
        prepared.lay(MIGRATED, tmp_path)
        return environment(tmp_path)
    return environment(tmp_path, DATABASE_URL=request.getfixturevalue("postgres").url("indexes", like=MIGRATED))


def test_tracks_are_found_by_what_scrobblers_name_and_the_way_back_is_open(env):
    def indexes():
        return json.loads(manage("shell", "--verbosity=0", "--command", TRACKS, env=env))

    there = [["track_by_folded_artist", "track_by_mbid"], True]
    assert indexes() == there
    manage("migrate", "--verbosity=0", "catalogue", "0008", env=env)
    assert indexes() == [[], True]
    manage("migrate", "--verbosity=0", env=env)
    assert indexes() == there


def test_a_place_has_no_index_that_another_begins_with_and_the_way_back_is_open(env):
    def indexes():
        columns = json.loads(manage("shell", "--verbosity=0", "--command", INDEXES, env=env))
        return [each for each in columns if each != ["id"]]

    assert indexes() == NEEDED
    manage("migrate", "--verbosity=0", "playlists", "0007", env=env)
    assert indexes() == sorted([*NEEDED, ["playlist_id"], ["track_id"]])
    manage("migrate", "--verbosity=0", env=env)
    assert indexes() == NEEDED


KEPT_OUT = """
import json
from django.db import connection
from tests.factories import make_track, make_user

user, track = make_user(), make_track(artist="The Same")
make_track(artist="The Same")
rows = [(user.pk, artist, "2026-01-01 00:00:00") for artist in ("The Same", "Gone")]
with connection.cursor() as cursor:
    cursor.executemany("INSERT INTO playlists_neverartist (user_id, artist, created_at) VALUES (%s, %s, %s)", rows)
print(json.dumps(track.pk))
"""
# As the version before does, which knows nothing of the field.
LOST = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("DELETE FROM catalogue_track WHERE id = %s", [{track}])
"""
KNOWN_BY = """
import json
from playlists.models import NeverArtist
print(json.dumps(dict(NeverArtist.objects.values_list("artist", "track"))))
"""


@pytest.mark.short
def test_artists_who_are_kept_out_are_known_by_a_track_and_the_way_back_is_open(env):
    def known_by():
        return json.loads(manage("shell", "--verbosity=0", "--command", KNOWN_BY, env=env))

    manage("migrate", "--verbosity=0", "playlists", "0008", env=env)
    track = json.loads(manage("shell", "--verbosity=0", "--command", KEPT_OUT, env=env))
    for _ in range(2):
        manage("migrate", "--verbosity=0", env=env)
        assert known_by() == {"The Same": track, "Gone": None}
        manage("migrate", "--verbosity=0", "playlists", "0008", env=env)
    manage("migrate", "--verbosity=0", env=env)
    manage("shell", "--verbosity=0", "--command", LOST.format(track=track), env=env)
    assert known_by() == {"The Same": track, "Gone": None}, "whoever reads bears that it has gone"
