"""Load one machine with people: python -m benchmarks.load [--people 50] [--minutes 5] [--rows 90001 --shaped FILE]

PostgreSQL, Redis, web and worker are started on free loopback ports and stopped at the end.
"""

import argparse
import contextlib
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import anonymous
from tests.browser import jpeg, smiling_photograph
from tests.servers import (
    READER_IS_WARM,
    ROOT,
    Postgres,
    Process,
    Redis,
    environment,
    free_port,
    manage,
    server_folder,
    status_of,
    wait_until,
)

PEOPLE = """
from django.contrib.auth.hashers import make_password
from accounts.models import User
from accounts.services import give_consent
password = make_password("a long enough phrase")
for n in range({people}):
    give_consent(user=User.objects.create(email=f"person{{n}}@example.org", password=password))
"""
ENDED = ("done", "unsure", "no_face", "failed", "expired")


def main() -> int:
    options = arguments()
    with installation(options) as (url, env, database):
        answer = {"people": options.people, "minutes": options.minutes, "workers": options.workers}
        answer |= people(url, env, options) | captures(database)
        if not options.without_plain:
            answer["anonymous"] = anonymous.compare(url, env, seconds=3, rounds=2)
    print(json.dumps(answer, indent=1))
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--workers", type=int, default=1, help="processes that read faces")
    parser.add_argument("--web", type=int, default=2, help="gunicorn's processes")
    parser.add_argument("--shaped", type=Path, help="a file of MuSe's shape to import; without one the demonstration")
    parser.add_argument("--without-plain", action="store_true", help="leave out the comparison with a bare view")
    return parser.parse_args()


@contextlib.contextmanager
def installation(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, str], str]]:
    """Give the address, environment and database of a running installation with people in it."""
    with contextlib.ExitStack() as stack:
        folders = [stack.enter_context(server_folder(name)) for name in ("pg", "redis", "emotune")]
        database, broker = Postgres(folders[0]), Redis(folders[1])
        stack.callback(database.stop)
        stack.callback(broker.stop)
        env = environment(
            folders[2],
            DATABASE_URL=(address := database.url("load")),
            REDIS_URL=broker.url,
            TRUSTED_PROXIES="1",
            WEB_WORKERS=str(options.web),
            WORKER_CONCURRENCY=str(options.workers),
            LOG_LEVEL="WARNING",
        )
        manage("migrate", "--verbosity=0", env=env)
        if options.shaped:
            manage("import_muse", str(options.shaped), env=env)
            manage("cluster_catalogue", "--activate", env=env)
        else:
            manage("load_demo", env=env)
        manage("shell", "-v0", "-c", PEOPLE.format(people=options.people), env=env)
        port = free_port()
        serve = (sys.executable, "-m", "emotune.serve")
        log = folders[2] / "worker.log"
        worker = Process(*serve, "worker", log=log, env=env | {"LOG_LEVEL": "INFO"})
        stack.callback(worker.stop)
        web = Process(*serve, "web", f"--bind=127.0.0.1:{port}", log=folders[2] / "web.log", env=env)
        stack.callback(web.stop)
        stack.push(lambda *error: sys.stderr.write(worker.words()[-3000:] + web.words()[-3000:]) if error[0] else None)
        wait_until("the web", lambda: status_of(f"http://127.0.0.1:{port}/") == 200)
        wait_until("a warm reader", lambda: READER_IS_WARM in worker.words(), seconds=120)
        yield f"http://127.0.0.1:{port}", env, address


def people(url: str, env: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """Let locust's people at it and return figures by what they did."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "face.jpg").write_bytes(jpeg(smiling_photograph().resize((640, 480))))
        locust = [sys.executable, "-m", "locust", "-f", str(ROOT / "benchmarks/load/people.py"), "--headless"]
        how = ["--host", url, "--users", str(options.people), "--spawn-rate", "5", "--csv", str(folder / "figures")]
        much = ["--run-time", f"{round(60 * options.minutes)}s", "--stop-timeout", "35", "--only-summary"]
        command, env = [*locust, *how, *much], env | {"EMOTUNE_LOAD": name}
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        sys.stderr.write(done.stderr[-4000:])
        with (folder / "figures_stats.csv").open() as file:
            rows = {row["Name"]: row for row in csv.DictReader(file)}
    return {"errors": int(rows["Aggregated"]["Failure Count"]), "figures": {k: figures(r) for k, r in rows.items()}}


def figures(row: dict[str, str]) -> dict[str, float]:
    return {
        "count": int(row["Request Count"]),
        "a_second": round(float(row["Requests/s"]), 2),
        "p50_ms": float(row["50%"]),
        "p95_ms": float(row["95%"]),
        "p99_ms": float(row["99%"]),
    }


def captures(database: str) -> dict[str, Any]:
    """Count captures by how they ended, and those that did not."""
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT status, count(*) FROM detection_capture GROUP BY status").fetchall()
    by_status: dict[str, int] = dict(rows)
    ended = sum(by_status.get(status, 0) for status in ENDED)
    return {"captures": by_status, "submitted": sum(by_status.values()), "ended": ended}


if __name__ == "__main__":
    os.environ.setdefault("EMOTUNE_REQUIRE_SERVERS", "1")
    sys.exit(main())
