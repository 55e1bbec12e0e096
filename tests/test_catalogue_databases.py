"""The catalogue on real database files and servers: the same on SQLite and PostgreSQL, whole whenever it is killed."""

import json
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue_files import muse_row, write_muse
from tests.prepared import MIGRATED, Prepared
from tests.servers import ROOT, environment, manage

# One process does a catalogue's whole life, outside any transaction of a test, and prints what it saw after each step.
LIFE = """
import json, sys
from io import StringIO
import django
django.setup()
from django.core.management import CommandError, call_command
from catalogue.models import Clustering, Track

def run(*arguments):
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        return str(error)
    answer = json.loads(out.getvalue())
    return [answer[name] for name in ("created", "updated", "unchanged", "rejected") if name in answer]

def state():
    tracks = Track.objects.order_by("id").values("title", "genre", "seeds", "tag_count", "emotion", "distance")
    return list(tracks), list(Clustering.objects.order_by("id").values_list("state", "centroids", "parameters"))

steps = []
for step in json.loads(sys.argv[1]):
    said = run(*step, "--json")
    steps.append((said, *state()))
print(json.dumps(steps))
"""
COUNT = """
import json
from catalogue.models import Clustering, Track
active = Clustering.objects.filter(state="active").count()
print(json.dumps([Track.objects.count(), Track.objects.exclude(emotion="").count(), active]))
"""
# Two jobs of one file: the first is taken from its worker while that reads the file, the second is left to it.
JOBS = """
import json, os
from threading import Thread
from django.core.files.base import ContentFile
from django.db import connection
from catalogue.models import Import, Track
from catalogue.work import import_file
from emotune import jobs

jobs.REPORT_S, step, steps = 0, jobs.Run.step, []

def take_away(pk):
    Import.objects.filter(pk=pk).update(state="queued")
    connection.close()

def step_once_taken(run, *progress):
    if not steps:
        (thread := Thread(target=take_away, args=(run.job.pk,))).start()
        thread.join()
    steps.append(progress)
    step(run, *progress)

found = []
for jobs.Run.step in (step_once_taken, step):
    job = Import.objects.create(name="muse.csv")
    with open(os.environ["MUSE"], "rb") as file:
        job.file.save(str(job.pk), ContentFile(file.read()))
    import_file(str(job.pk))
    job.refresh_from_db()
    found.append([job.state, job.error, job.attempts, job.created, Track.objects.count()])
print(json.dumps(found))
"""
# What an admin writes of tracks, in the order in which locks are taken and rows are written.
WRITES = """
import json
from django.contrib.admin import site
from django.db import connection
from django.test.utils import CaptureQueriesContext
from catalogue.models import Track
from tests.factories import make_track

tracks, pages, found = [make_track() for _ in range(3)], site.get_model_admin(Track), []
tracks[0].audio = "mine.mp3"
for write in (
    lambda: pages.save_model(None, tracks[0], None, True),
    lambda: pages.delete_model(None, tracks[1]),
    lambda: pages.delete_queryset(None, Track.objects.filter(pk=tracks[2].pk)),
):
    with CaptureQueriesContext(connection) as queries:
        write()
    found.append([query["sql"] for query in queries])
print(json.dumps(found))
"""
# Four presses of "Put in force", each of which has looked for an open run before any of them writes one.
PRESSES = """
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.db import connection
from catalogue import services
from catalogue.models import Clustering, ClusteringRun
from tests.factories import make_user

all_have_looked, submit = Barrier(4, timeout=60), services._submit_run

def submit_then(*run):
    all_have_looked.wait()
    return submit(*run)

services._submit_run = submit_then
users = [make_user() for _ in range(4)]
clustering, other = [Clustering.objects.create(method="kmeans", centroids={}) for _ in range(2)]

def press(user):
    try:
        return str(services.submit_activation(user=user, clustering=clustering).pk)
    finally:
        connection.close()

with ThreadPoolExecutor(4) as pool:
    pressed = set(pool.map(press, users))
services._submit_run = submit
another = services.submit_activation(user=users[0], clustering=other)
ClusteringRun.objects.update(state="failed")
again = services.submit_activation(user=users[0], clustering=clustering)
print(json.dumps([len(pressed), str(another.pk) in pressed, str(again.pk) in pressed, ClusteringRun.objects.count()]))
"""
# As the version before may have left them.
TWICE = """
from catalogue.models import Clustering, ClusteringRun
first, second = [Clustering.objects.create(method="kmeans", centroids={}) for _ in range(2)]
for method, clustering, state in (
    ("0", first, "queued"), ("1", first, "running"), ("2", first, "queued"), ("3", first, "done"),
    ("4", second, "queued"), ("5", second, "queued"), ("6", None, "queued"), ("7", None, "queued"),
):
    ClusteringRun.objects.create(method=method, clustering=clustering, state=state, activates=True)
ClusteringRun.objects.create(method="8", clustering=first)
"""
STATES = """
import json
from catalogue.models import ClusteringRun
print(json.dumps(list(ClusteringRun.objects.order_by("method").values_list("state", flat=True))))
"""
EMPTY = """
from catalogue.models import Clustering, Track
Track.objects.all().delete()
Clustering.objects.all().delete()
"""


def life(env: dict[str, str], *steps: tuple[str, ...]) -> Any:
    command = [sys.executable, "-W", "error", "-c", LIFE, json.dumps(steps)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_it_lives_the_same_life_on_sqlite_and_postgresql(prepared, postgres, tmp_path):
    rows = [muse_row(n) for n in range(1, 151)]
    first = write_muse(tmp_path / "first.csv", *rows, muse_row(1), muse_row(151, artist=""))
    more = [muse_row(n, genre="other" if n < 11 else "folk", number_of_emotion_tags="") for n in range(1, 161)]
    second = write_muse(tmp_path / "second.csv", *more)
    cut = tmp_path / "cut.csv"
    cut.write_text(first.read_text().replace("folk", "other")[:-60])
    steps = [
        ("import_muse", str(first)),
        ("import_muse", str(first)),
        ("import_muse", str(cut)),
        ("import_muse", str(second)),
        ("cluster_catalogue", "--activate"),
    ]
    prepared.lay(MIGRATED, tmp_path)
    lives = [
        life(environment(tmp_path), *steps),
        life(environment(tmp_path, DATABASE_URL=postgres.url("catalogue", like=MIGRATED)), *steps),
    ]
    assert lives[0] == lives[1]
    imported, again, refused, changed, clustered = lives[0]
    assert imported[0] == [150, 0, 0, 2]
    assert again == [[0, 0, 150, 2], *imported[1:]]
    assert refused == ["The file is cut off in the middle of line 153. Fetch it again.", *imported[1:]]
    assert changed[0] == [10, 150, 0, 0]
    assert all(track["emotion"] and track["distance"] for track in changed[1])
    assert [state for state, *_ in clustered[2]] == ["retired", "active"]


@pytest.fixture(params=["sqlite", "postgresql"])
def env(request: pytest.FixtureRequest, prepared: Prepared, tmp_path: Path) -> dict[str, str]:
    """The environment of commands on an empty, migrated database."""
    if request.param == "sqlite":
        prepared.lay(MIGRATED, tmp_path)
        return environment(tmp_path)
    return environment(tmp_path, DATABASE_URL=request.getfixturevalue("postgres").url("catalogue", like=MIGRATED))


def imported(file: Path, env: dict[str, str]) -> dict[str, int]:
    figures: dict[str, int] = json.loads(manage("import_muse", str(file), "--json", env=env))
    return figures


def count(env: dict[str, str]) -> Any:
    """How many tracks there are, how many of them are tagged, and how many clusterings are in force."""
    return json.loads(manage("shell", "--verbosity=0", "--command", COUNT, env=env))


def test_an_import_whose_job_was_taken_from_its_worker_changes_nothing(env, tmp_path, redis_url):
    file = write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 151)])
    asked = env | {"MUSE": str(file), "REDIS_URL": redis_url}
    taken, left = json.loads(manage("shell", "--verbosity=0", "--command", JOBS, env=asked))
    assert taken == ["queued", "", 1, 0, 0]
    assert left == ["done", "", 1, 150, 150]


def test_pressing_at_the_same_time_is_pressing_once(env, redis_url):
    asked = env | {"REDIS_URL": redis_url}
    pressed = json.loads(manage("shell", "--verbosity=0", "--command", PRESSES, env=asked))
    assert pressed == [1, False, False, 3]


def test_of_activations_that_were_open_twice_one_goes_on(env):
    manage("migrate", "--verbosity=0", "catalogue", "0007", env=env)
    manage("shell", "--verbosity=0", "--command", TWICE, env=env)
    manage("migrate", "--verbosity=0", env=env)
    states = json.loads(manage("shell", "--verbosity=0", "--command", STATES, env=env))
    of_first, of_second = ["cancelled", "running", "cancelled", "done"], ["queued", "cancelled"]
    assert states == [*of_first, *of_second, "queued", "queued", "queued"]


def test_an_admin_waits_for_bulk_writers_before_a_track_is_written(postgres, tmp_path):
    env = environment(tmp_path, DATABASE_URL=postgres.url("catalogue", like=MIGRATED))
    for writes in json.loads(manage("shell", "--verbosity=0", "--command", WRITES, env=env)):
        assert [sql.split()[0] for sql in writes[:2]] == ["BEGIN", "SELECT"]
        assert "pg_advisory_xact_lock" in writes[1]
        assert any("catalogue_track" in sql for sql in writes[2:])
        assert any('UPDATE "catalogue_clustering"' in sql for sql in writes[2:])


@pytest.mark.short
def test_imports_at_the_same_time_leave_one_clustering_in_force(env, tmp_path):
    files = [
        write_muse(tmp_path / f"{part}.csv", *[muse_row(n) for n in range(100 * part + 1, 100 * part + 1201)])
        for part in range(3)
    ]
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda file: imported(file, env), files))
    assert sum(figures["created"] for figures in done) == 1400
    assert count(env) == [1400, 1400, 1]


@pytest.mark.short
def test_killed_at_any_moment_the_catalogue_is_whole_and_the_next_run_completes(env, tmp_path):
    file = write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 30_001)])
    begin = time.monotonic()
    assert imported(file, env)["created"] == 30_000
    seconds = time.monotonic() - begin
    command = [sys.executable, "manage.py", "import_muse", str(file)]
    left = []
    for _ in range(10):
        manage("shell", "--verbosity=0", "--command", EMPTY, env=env)
        moment = random.uniform(0.2, 1) * seconds
        with subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
        tracks, tagged, active = count(env)
        assert (tracks, tagged, active) in ((0, 0, 0), (30_000, 30_000, 1)), f"killed after {moment} of {seconds} s"
        left.append(tracks)
    assert 0 in left
    assert imported(file, env)["rejected"] == 0
    assert count(env) == [30_000, 30_000, 1]
