"""Is it well, on a real PostgreSQL and Redis: with both, with a table that is locked, with a Redis that hangs."""

import json

import pytest

from tests.prepared import MIGRATED
from tests.servers import Redis, environment, manage, server_folder

LOOK = """
import json, os, signal, threading, time
import psycopg
from django.db import connection
from django.test import Client
from django.test.utils import setup_test_environment
from emotune.workers import FACES, JOBS, Voice
from tests.factories import make_capture, make_user

setup_test_environment()
boss = make_user(is_staff=True, is_superuser=True)
make_capture(boss, source="camera", status="failed")
client = Client(HTTP_HOST="localhost")
client.force_login(boss)
for role in (FACES, JOBS):
    voice = Voice(role)
    voice.name, voice.is_warm = role, True
    voice.say()

def look():
    start = time.monotonic()
    page = client.get("/admin/health/")
    seconds = time.monotonic() - start
    parts = page.context["report"].parts
    figures = {f"{part.title}: {each.name}": each.value for part in parts for each in part.figures}
    return {"status": page.status_code, "seconds": seconds, "figures": figures}

look()  # the first one loads templates
found = {"both": look()}
with psycopg.connect(os.environ["DATABASE_URL"]) as other:
    other.execute("LOCK TABLE detection_capture IN ACCESS EXCLUSIVE MODE")
    found["locked"] = look()
    other.rollback()
with connection.cursor() as cursor:
    cursor.execute("SHOW statement_timeout")
    found["left behind"] = cursor.fetchone()[0]
redis = int(os.environ["REDIS_PID"])
os.kill(redis, signal.SIGSTOP)
found["hung"] = look()
found["still hung"] = look()
os.kill(redis, signal.SIGCONT)
time.sleep(1)
found["goes on"] = look()
os.kill(redis, signal.SIGKILL)
time.sleep(0.5)
found["gone"] = look()
print(json.dumps(found))
"""
# What the page may take, with something to spare for a busy machine.
SECONDS = 10


@pytest.fixture(scope="module")
def found(postgres, tmp_path_factory):
    with server_folder("checkup") as folder:
        redis = Redis(folder)
        env = environment(
            tmp_path_factory.mktemp("checkup"),
            DATABASE_URL=postgres.url("checkup", like=MIGRATED),
            REDIS_URL=redis.url,
            REDIS_PID=str(redis.pid),
        )
        try:
            return json.loads(manage("shell", "-v0", "-c", LOOK, env=env))
        finally:
            redis.stop()


def test_both_servers_are_asked(found):
    figures = found["both"]["figures"]
    assert figures["Workers: Warm readers"] == figures["Workers: Workers for jobs"] == 1
    assert figures["Database: Server"].startswith("PostgreSQL ")
    assert figures["Database: Migrations that wait"] == 0
    assert figures["Queues: Memory of Redis"] > 100_000
    assert figures["Captures: Last hour"] == 1


def test_a_database_that_is_locked_hides_only_what_it_locks(found):
    figures = found["locked"]["figures"]
    assert figures["Captures: State"] is figures["Reader: State"] is None
    assert figures["Database: Migrations that wait"] == 0
    assert figures["Workers: Warm readers"] == 1
    assert found["left behind"] == "0"


@pytest.mark.parametrize("state", ["hung", "still hung", "gone"])
def test_a_redis_that_hangs_or_is_gone_hides_only_what_it_knows(found, state):
    figures = found[state]["figures"]
    assert figures["Queues: Redis"] == "does not answer"
    assert figures["Workers: Workers"] is None
    assert figures["Captures: Last hour"] == 1


def test_a_redis_that_goes_on_is_known_again(found):
    assert found["goes on"]["figures"]["Queues: Captures in the queue"] == 0


def test_the_page_comes_whatever_is_away(found):
    looks = {name: look for name, look in found.items() if name != "left behind"}
    assert {look["status"] for look in looks.values()} == {200}
    assert {name: look["seconds"] for name, look in looks.items() if look["seconds"] > SECONDS} == {}
