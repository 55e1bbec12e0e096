"""Time the page "Is it well?": python -m benchmarks.health [CAPTURES OF A DAY] [LOOKS]

It starts a PostgreSQL and a Redis of its own and fills in a day of captures. Then it opens the page with everything
there, with the table of captures locked, with a Redis that hangs and with one that is gone; it prints seconds as JSON.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from typing import Any

# Five captures a second, all day.
CAPTURES, LOOKS = 432_000, 10
FILL = """
    INSERT INTO detection_capture (id, user_id, source, status, created_at, sent_at, claimed_at, finished_at, attempts,
        emotion, confidence, milliseconds, model_version, problem, chosen)
    SELECT gen_random_uuid(), %(user)s, 'camera', (ARRAY['done', 'done', 'no_face', 'unsure', 'failed'])[1 + n %% 5],
        at, at, at + interval '0.2 s', at + interval '0.3 s', 1, 'happy', 0.8, 60 + n %% 40, 'm', '', ''
    FROM generate_series(0, %(captures)s - 1) AS n,
        LATERAL (SELECT now() - n * interval '1 day' / %(captures)s) AS t (at)
"""


def look(captures: int, looks: int) -> dict[str, Any]:
    """Fill the database that the environment names and open the page; in a process of its own."""
    import psycopg
    from django.db import connection
    from django.test import Client

    import emotune.wsgi  # noqa: F401 - what a web process has done before it is asked for anything
    from emotune.workers import FACES, JOBS, Voice
    from tests.factories import make_user

    boss = make_user(is_staff=True, is_superuser=True)
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"user": boss.pk, "captures": captures})
        cursor.execute("ANALYZE")
    client = Client(headers={"host": "localhost"})
    client.force_login(boss)
    for role in (FACES, JOBS):
        voice = Voice(role)
        voice.name, voice.is_warm = role, True
        voice.say()

    def seconds(times: int) -> list[float]:
        found = []
        for _ in range(times):
            start = time.perf_counter()
            page = client.get("/admin/health/")
            found.append(round(time.perf_counter() - start, 3))
            if page.status_code != 200:
                raise SystemExit(f"the page answered {page.status_code}")
        return found

    redis = int(os.environ["REDIS_PID"])
    found: dict[str, list[float]] = {"the first of a process": seconds(1), "all there": seconds(looks)}
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        other.execute("LOCK TABLE detection_capture IN ACCESS EXCLUSIVE MODE")
        found["captures locked"] = seconds(looks)
    os.kill(redis, signal.SIGSTOP)
    found["Redis hangs"] = seconds(looks)
    os.kill(redis, signal.SIGKILL)
    found["Redis gone"] = seconds(looks)
    return {
        "captures": captures,
        "seconds": {name: {"median": statistics.median(each), "max": max(each)} for name, each in found.items()},
    }


def main(captures: int, looks: int) -> None:
    if os.environ.get("REDIS_PID"):
        sys.stdout.write(json.dumps(look(captures, looks), indent=1) + "\n")
        return
    # not in the process that looks, whose settings come from its environment
    from tests.servers import Postgres, Redis, environment, manage, server_folder

    with server_folder("health") as folder:
        postgres_folder, redis_folder = folder / "postgres", folder / "redis"
        for each in (postgres_folder, redis_folder):
            each.mkdir()
        postgres, redis = Postgres(postgres_folder), Redis(redis_folder)
        try:
            env = environment(
                folder,
                DATABASE_URL=postgres.url("health"),
                REDIS_URL=redis.url,
                REDIS_PID=str(redis.pid),
                DJANGO_SETTINGS_MODULE="emotune.settings",
                LOG_LEVEL="ERROR",
            )
            manage("migrate", "--verbosity=0", env=env)
            subprocess.run([sys.executable, "-m", "benchmarks.health", str(captures), str(looks)], env=env, check=True)
        finally:
            redis.stop()
            postgres.stop(by=signal.SIGQUIT)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [CAPTURES, LOOKS][len(given) :]))
