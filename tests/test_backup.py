"""The commands for backup and restore in docs/deployment.md bring every row back, and leave nothing that came later."""

import os
import re
import stat
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.prepared import MIGRATED
from tests.servers import ROOT, manage

SEED = """
from accounts.models import User
from catalogue.models import Track
from playlists.models import Rating
user = User.objects.create_user("listener@example.org", "correct horse battery")
tracks = Track.objects.bulk_create(
    Track(key=str(i), title=f"Track {i} \\u266b", artist="Somebody", valence=5, arousal=5, dominance=5)
    for i in range(300)
)
Rating.objects.bulk_create(Rating(user=user, track=track, value=1) for track in tracks[:100])
"""
# What a newer version does to a database, and what is written and lost from then on.
UPGRADE = (
    "CREATE TABLE newer (id bigint PRIMARY KEY, track_id bigint NOT NULL REFERENCES catalogue_track (id))",
    "INSERT INTO newer SELECT 1, min(id) FROM catalogue_track",
    "ALTER TABLE playlists_rating ADD COLUMN newer integer NOT NULL DEFAULT 0",
    "DELETE FROM playlists_rating WHERE id % 2 = 0",
)
# Stand in for systemd and for Compose: services are noted, and what a container would run is run here.
SYSTEMCTL = '#!/bin/sh\necho "$@" >> services\n'
DOCKER = """#!/bin/sh
test "$1" = compose && shift
if test "$1" = exec; then shift 3; exec "$@"; fi
echo "$@" >> services
"""
ROLES = "web worker jobs beat"
UNITS = "emotune-web emotune-worker emotune-jobs emotune-beat"


def blocks():
    section = (ROOT / "docs/deployment.md").read_text().split("## Backup and restore")[1].split("\n## ")[0]
    backup, backup_by_compose, restore, restore_by_compose = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return {"systemd": (backup, restore), "compose": (backup_by_compose, restore_by_compose)}


def contents(url):
    with psycopg.connect(url) as connection:
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in sorted(tables)}


@pytest.fixture
def run(postgres, tmp_path):
    """Return what runs commands of the document in `tmp_path`, beside a database of the name that they have."""
    tools, programs = Path(postgres.arguments[0]).parent, tmp_path / "programs"
    programs.mkdir()
    for name, words in (("systemctl", SYSTEMCTL), ("docker", DOCKER)):
        (programs / name).write_text(words)
        (programs / name).chmod(0o755)
    service = tmp_path / "emotune.pgservice"
    service.write_text(f"[emotune]\nhost=127.0.0.1\nport={postgres.port}\ndbname=emotune\nuser=emotune\n")
    # a container of the database has it at hand
    there = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PATH": f"{programs}:{tools}:{os.environ['PATH']}"}
    places = {"/etc/emotune.pgservice": service, "/var/lib/emotune": tmp_path, "/data": tmp_path}

    def run(block):
        for place, here in places.items():
            block = block.replace(place, str(here))
        subprocess.run(["sh", "-ec", block], env=os.environ | there, cwd=tmp_path, check=True, timeout=60)

    return run


@pytest.mark.parametrize(("way", "services"), [("systemd", UNITS), ("compose", ROLES)])
def test_after_a_restore_the_database_is_what_it_was_whatever_was_done_to_it(run, postgres, tmp_path, way, services):
    backup, restore = blocks()[way]
    url = postgres.url("emotune", like=MIGRATED)
    manage("shell", "-v0", "-c", SEED, env=os.environ | {"DATABASE_URL": url, "EMOTUNE_DIR": str(tmp_path)})
    before = contents(url)
    assert len(before["playlists_rating"]) == 100
    run(backup)
    assert stat.S_IMODE((tmp_path / "emotune.dump").stat().st_mode) == 0o600
    assert (tmp_path / "last-backup").exists()
    with psycopg.connect(url) as connection:
        for change in UPGRADE:
            connection.execute(change)
    assert contents(url).keys() - before.keys() == {"newer"}
    run(restore)
    assert contents(url) == before
    # nobody writes in between
    assert (tmp_path / "services").read_text() == f"stop {services}\nstart {services}\n"
    commands = [line for line in restore.splitlines() if not line.startswith("export")]
    assert [" stop " in commands[0], " start " in commands[-1]] == [True, True]
