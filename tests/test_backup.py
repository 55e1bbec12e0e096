"""The commands for backup and restore in docs/deployment.md bring every row back."""

import os
import re
import stat
import subprocess
from pathlib import Path

import psycopg

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


def commands():
    section = (ROOT / "docs/deployment.md").read_text().split("## Backup and restore")[1]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block
    return block[1].strip().splitlines()


def contents(url):
    with psycopg.connect(url) as connection:
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in sorted(tables)}


def test_a_lost_database_comes_back_whole(postgres, tmp_path):
    first, backup, restore = commands()
    tools = Path(postgres.arguments[0]).parent
    url = postgres.url("backup", like=MIGRATED)
    env = os.environ | {"DATABASE_URL": url, "EMOTUNE_DIR": str(tmp_path), "PATH": f"{tools}:{os.environ['PATH']}"}
    service = tmp_path / "emotune.pgservice"
    service.write_text(f"[emotune]\nhost=127.0.0.1\nport={postgres.port}\ndbname=backup\nuser=emotune\n")
    first = first.replace("/etc/emotune.pgservice", str(service)).replace("/var/lib/emotune", str(tmp_path))
    manage("shell", "-v0", "-c", SEED, env=env)
    before = contents(env["DATABASE_URL"])
    assert len(before["playlists_rating"]) == 100
    subprocess.run(["sh", "-ec", f"{first}\n{backup}"], env=env, cwd=tmp_path, check=True, timeout=60)
    assert stat.S_IMODE((tmp_path / "emotune.dump").stat().st_mode) == 0o600
    assert (tmp_path / "last-backup").exists()
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    subprocess.run(["sh", "-ec", f"{first}\n{restore}"], env=env, cwd=tmp_path, check=True, timeout=60)
    assert contents(env["DATABASE_URL"]) == before
