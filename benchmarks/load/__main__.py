"""Load one machine with people: python -m benchmarks.load [--people 50] [--minutes 5] [--shaped FILE]

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
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks import anonymous
from benchmarks.load.resources import Resources
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
BURST = 120
# The first one wakes the worker; the time starts with the others.
BURST_OF_CAPTURES = f"""
import time
from accounts.models import User
from detection.models import OPEN, Capture
from detection.services import submit_capture
from benchmarks.frames import webcam_frame
user, frame = User.objects.first(), webcam_frame()
for count in (4, {BURST}):
    start = time.perf_counter()
    for _ in range(count):
        submit_capture(user=user, images=[frame], source="camera")
    while Capture.objects.filter(status__in=OPEN).exists():
        time.sleep(0.02)
print(time.perf_counter() - start)
"""
ENDED = ("done", "unsure", "no_face", "failed", "expired")


def main() -> int:
    options = arguments()
    with installation(options) as (url, env, database, processes):
        answer = {"people": options.people, "minutes": options.minutes, "workers": options.workers}
        resources = Resources(processes, database, env["REDIS_URL"])
        found, ledger = people(url, env, options)
        answer |= found | captures(database, ledger) | resources.used()
        answer["reader_limit_a_second"] = reader_limit(env)
        if not options.without_anonymous:
            answer["anonymous"] = anonymous.compare(url, env, seconds=3, rounds=2)
    print(json.dumps(answer, indent=1))
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--workers", type=int, default=1, help="processes that read faces")
    parser.add_argument("--web", type=int, default=4, help="gunicorn's processes")
    parser.add_argument(
        "--shaped", type=Path, help="a CSV to import, as benchmarks.shaped writes; without one the demonstration"
    )
    parser.add_argument("--without-anonymous", action="store_true", help="leave out the comparison with a bare view")
    return parser.parse_args()


@contextlib.contextmanager
def installation(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, str], str, dict[str, int]]]:
    """Give address, environment, database and process ids of a running installation with people in it."""
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
        pids = {"web": web.pid, "worker": worker.pid, "postgres": database.pid, "redis": broker.pid}
        yield f"http://127.0.0.1:{port}", env, address, pids


def people(url: str, env: dict[str, str], options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Let locust's people at it; return figures by what they did, and the ledger that they kept."""
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
        ledger = json.loads((folder / "ledger.json").read_text())
    pages = {
        "requests": len(ledger["answers"]),
        "a_second": round(len(ledger["answers"]) / (60 * options.minutes), 1),
        "p50_ms": round(percentile(ledger["answers"], 50)),
        "p95_ms": round(percentile(ledger["answers"], 95)),
        "p99_ms": round(percentile(ledger["answers"], 99)),
    }
    by_name = {name: figures(row) for name, row in rows.items() if name != "Aggregated"}
    return {"errors": int(rows["Aggregated"]["Failure Count"]), "pages": pages, "figures": by_name}, ledger


def figures(row: dict[str, str]) -> dict[str, float]:
    return {
        "count": int(row["Request Count"]),
        "a_second": round(float(row["Requests/s"]), 2),
        "p50_ms": float(row["50%"]),
        "p95_ms": float(row["95%"]),
        "p99_ms": float(row["99%"]),
    }


def percentile(values: list[float], share: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def captures(database: str, ledger: dict[str, list[Any]]) -> dict[str, Any]:
    """Hold the people's ledger against the database, once nothing waits any more: what was lost, and how it ended."""
    with psycopg.connect(database, autocommit=True) as connection:

        def by_id() -> dict[str, str]:
            return {str(i): status for i, status in connection.execute("SELECT id, status FROM detection_capture")}

        with contextlib.suppress(pytest.fail.Exception):
            wait_until("the last captures", lambda: set(by_id().values()) <= set(ENDED), seconds=30)
        kept = by_id()
    accepted = set(ledger["accepted"])
    return {
        "captures": dict(Counter(kept.values())),
        "submitted": len(kept),
        "ended": sum(status in ENDED for status in kept.values()),
        "accepted_and_lost": len(accepted - kept.keys()),
        "accepted_and_seen": len(accepted & set(ledger["seen"])),
    }


def reader_limit(env: dict[str, str]) -> float:
    """Return how many captures a second the worker reads when BURST of them wait and nobody else is here."""
    done = manage("shell", "-v0", "-c", BURST_OF_CAPTURES, env=env | {"CAPTURES_PER_MINUTE": "100000"})
    return round(BURST / float(done.split()[-1]), 1)


if __name__ == "__main__":
    os.environ.setdefault("EMOTUNE_REQUIRE_SERVERS", "1")
    sys.exit(main())
