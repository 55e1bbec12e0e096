"""Migrations run while the version before goes on serving: none locks a table for as long as it has rows."""

import inspect
import json
import sys

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations
from django.db.migrations.loader import MigrationLoader

from tests.prepared import MIGRATED
from tests.servers import environment, manage

# Up to here nobody runs emotune for other people: these migrations meet tables that are empty.
FIRST_RELEASE = {"accounts": "0004", "api": "0001", "catalogue": "0006", "detection": "0002", "playlists": "0007"}
LARGE = {"capture", "track", "playlist", "playlisttrack", "listen", "rating", "skip", "accountevent", "submission"}
# What reads or writes every row of a table while nobody else may.
SLOW = (migrations.AddIndex, migrations.RemoveIndex, migrations.AddConstraint, migrations.AlterField)
BESIDE_WRITERS = (AddIndexConcurrently, RemoveIndexConcurrently)


def later_migrations():
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app in FIRST_RELEASE and name[:4] > FIRST_RELEASE[app]:
            yield pytest.param(migration, id=f"{app}-{name}")


def touches_large(operation):
    model = getattr(operation, "model_name", getattr(operation, "name", "")).lower()
    return model in LARGE and isinstance(operation, SLOW)


@pytest.mark.parametrize("migration", list(later_migrations()))
def test_large_tables_are_changed_beside_their_writers(migration):
    for operation in migration.operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            if any(touches_large(inner) for inner in operation.state_operations):
                assert migration.atomic is False
                assert "CONCURRENTLY" in inspect.getsource(sys.modules[migration.__module__])
            continue
        if not touches_large(operation):
            continue
        assert isinstance(operation, BESIDE_WRITERS), f"{operation.describe()}: use AddIndexConcurrently"
        assert migration.atomic is False


INDEXES = """
import json
from django.db import connection
with connection.cursor() as cursor:
    found = connection.introspection.get_constraints(cursor, "playlists_playlisttrack").values()
print(json.dumps(sorted(each["columns"] for each in found if each["index"] or each["unique"])))
"""
NEEDED = [["playlist_id", "rank"], ["playlist_id", "track_id"], ["track_id", "id"]]


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_a_place_has_no_index_that_another_begins_with_and_the_way_back_is_open(database, request, prepared, tmp_path):
    if database == "SQLite":
        prepared.lay(MIGRATED, tmp_path)
        env = environment(tmp_path)
    else:
        env = environment(tmp_path, DATABASE_URL=request.getfixturevalue("postgres").url("places", like=MIGRATED))

    def indexes():
        columns = json.loads(manage("shell", "--verbosity=0", "--command", INDEXES, env=env))
        return [each for each in columns if each != ["id"]]

    assert indexes() == NEEDED
    manage("migrate", "--verbosity=0", "playlists", "0007", env=env)
    assert indexes() == sorted([*NEEDED, ["playlist_id"], ["track_id"]])
    manage("migrate", "--verbosity=0", env=env)
    assert indexes() == NEEDED
