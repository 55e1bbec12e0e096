"""A first import on PostgreSQL builds the indexes of the tracks afterwards: all are there again, whatever happens."""

import psycopg
import pytest

from tests.catalogue_files import muse_row, write_muse
from tests.prepared import MIGRATED
from tests.servers import environment, manage

INDEXES = "SELECT indexdef FROM pg_indexes WHERE tablename = 'catalogue_track' ORDER BY 1"
CONSTRAINTS = "SELECT conname FROM pg_constraint WHERE conrelid = 'catalogue_track'::regclass ORDER BY 1"


def schema(url: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        return [*connection.execute(INDEXES).fetchall(), *connection.execute(CONSTRAINTS).fetchall()]


@pytest.mark.parametrize("rows", [150, 0])
def test_a_first_import_leaves_every_index_and_constraint_as_it_was(postgres, tmp_path, rows):
    url = postgres.url("staging", like=MIGRATED)
    env = environment(tmp_path, DATABASE_URL=url)
    before = schema(url)
    assert len(before) > 6
    hostile = muse_row(999, track=r"\N back\slash", seeds=r"['a\\b']")
    file = write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, rows + 1)], hostile)
    manage("import_muse", str(file), "--json", env=env)
    assert schema(url) == before
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT title, seeds FROM catalogue_track ORDER BY id DESC LIMIT 1").fetchone()
    assert found == (r"\N back\slash", ["a\\b"])
