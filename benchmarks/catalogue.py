"""Measure the catalogue on a PostgreSQL of its own: imports beside psql's \\copy, clusterings, pages, memory.

    .venv/bin/python -m benchmarks.catalogue FILE [LARGER_FILE]

FILE is a MuSe CSV. Times are of whole commands, the start of Python included; memory is the peak of the process, and
processor time the command's own and PostgreSQL's, which says more than times on a machine that does other things. Pages
are asked of a real web process one after the other, as their p95, alone and in the rounds that are over while a
clustering is made and put in force by a command beside it.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

from tests.servers import (
    PROCESSES,
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

ROUNDS = 20
FEWEST = 10  # rounds of which a p95 is told
ALL = "all of them"
# Prints the cookie of somebody who is logged in.
LOG_IN = """
from django.test import Client
from accounts.models import User
client = Client()
client.force_login(User.objects.get_or_create(email="listener@example.org")[0])
print(client.cookies["sessionid"].value)
"""
PAGES = (
    "/tracks/", "/tracks/?page=last", "/tracks/?emotion=happy", "/tracks/?emotion=happy&page=last",
    "/tracks/?artist=artist+1234",
    "/map/bins/", "/map/bins/?zoom=2&x=40&y=40", "/api/v1/recommendations?emotion=sad",
)  # fmt: skip
BARE = """DROP TABLE IF EXISTS bare; CREATE TABLE bare (lastfm_url text, track text, artist text, seeds text,
number_of_emotion_tags float8, valence_tags float8, arousal_tags float8, dominance_tags float8, mbid text,
spotify_id text, genre text)"""


def copy(url: str, file: Path) -> float:
    quiet = os.environ | {"PGOPTIONS": "-c client_min_messages=error"}
    subprocess.run(["psql", "--quiet", url, "--command", BARE], check=True, env=quiet)
    begin = time.perf_counter()
    subprocess.run(["psql", "--quiet", url, "--command", f"\\copy bare from '{file}' csv header"], check=True)
    return time.perf_counter() - begin


@dataclass(frozen=True)
class Ran:
    """What a command printed, and what it took: seconds, MiB at most, processor time of its own and of PostgreSQL."""

    figures: dict[str, float]
    seconds: float
    memory: float
    own: float
    database: float

    def __str__(self) -> str:
        spent = f"processor {self.own:.2f} s and PostgreSQL's {self.database:.2f} s"
        return f"{self.seconds:.2f} s, {self.figures['seconds']:.2f} s of it inside; {spent}; {self.memory:.0f} MiB"


def command(server: Postgres, env: dict[str, str], *arguments: str) -> Ran:
    begin, before = time.perf_counter(), processor_of(server)
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments, "--json"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    words = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    seconds = time.perf_counter() - begin
    spent = processor_of(server) - before
    return Ran(json.loads(words), seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, spent)


def processor_of(server: Postgres) -> float:
    """Return the seconds of processor time of a server so far, with those of its processes that have ended."""
    parent = psutil.Process(server.pid)
    total = sum(parent.cpu_times()[:4])
    for child in parent.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(child.cpu_times()[:2])
    return total


def imports(server: Postgres, url: str, env: dict[str, str], file: Path) -> None:
    copied = min(copy(url, file) for _ in range(3))
    print(f"{file.name}: \\copy {copied:.2f} s, so an import may take {4 * copied + 2:.2f} s")
    for times in ("first", "again"):
        ran = command(server, env, "import_muse", str(file))
        rows = " ".join(f"{ran.figures[name]:,} {name}" for name in ("created", "updated", "unchanged", "rejected"))
        print(f"  import, {times}: {ran}; {rows}")


def ask(port: int, cookie: str, beside: "subprocess.Popen[bytes] | None" = None) -> list[dict[str, float]]:
    """Ask for the pages in turn; return the milliseconds of each by page, round by round.

    There are ROUNDS of them, or, beside a process, as many as are over while it runs.
    """
    rounds: list[dict[str, float]] = []
    with contextlib.closing(HTTPConnection("127.0.0.1", port)) as server:
        while beside.poll() is None if beside else len(rounds) < ROUNDS:
            spent = {page: asked(server, cookie, page) for page in PAGES}
            if beside is None or beside.poll() is None:
                rounds.append(spent)
    return rounds


def asked(server: HTTPConnection, cookie: str, page: str) -> float:
    begin = time.perf_counter()
    server.request("GET", page, headers={"Cookie": f"sessionid={cookie}"})
    answer = server.getresponse()
    answer.read()
    assert answer.status == 200, (page, answer.status)
    return 1000 * (time.perf_counter() - begin)


def pages(env: dict[str, str], folder: Path) -> None:
    """Time pages of a web process, alone and beside `cluster_catalogue --activate` in another one."""
    cookie = manage("shell", "--verbosity=0", "--command", LOG_IN, env=env).strip()
    port = free_port()
    web = Process(*PROCESSES, "web", f"127.0.0.1:{port}", log=folder / "web.log", env=env)
    try:
        wait_until("the web process", lambda: status_of(f"http://127.0.0.1:{port}/") == 200)
        ask(port, cookie)
        alone = ask(port, cookie)
        arguments = [sys.executable, "manage.py", "cluster_catalogue", "--method", "kmeans", "--activate"]
        with subprocess.Popen(arguments, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as process:
            beside = ask(port, cookie, process)
        if process.returncode:
            sys.exit(f"cluster_catalogue ended with {process.returncode} while pages were asked for.")
    finally:
        web.stop()
    few = f", too few for a p95: there must be {FEWEST}" if len(beside) < FEWEST else ""
    print(f"  pages: {len(alone)} rounds before an activation, {len(beside)} during it{few}")
    for page in () if few else (*PAGES, ALL):
        before, during = (p95(rounds, page) for rounds in (alone, beside))
        print(f"  {page}: p95 {before:.0f} ms, {during:.0f} ms during an activation ({during / before:.1f} times)")


def p95(rounds: list[dict[str, float]], page: str) -> float:
    """Return the 95th percentile of a page's milliseconds, or of those of all pages; none is above the longest."""
    times = [spent for each in rounds for name, spent in each.items() if page in (name, ALL)]
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def main(file: Path, *larger: Path) -> None:
    with server_folder("benchmark") as folder:
        server, store = Postgres(folder), Redis(folder)
        try:
            for number, path in enumerate((file, *larger)):
                url = server.url(f"catalogue{number}")
                env = environment(folder, DATABASE_URL=url, REDIS_URL=store.url)
                manage("migrate", "--verbosity=0", env=env)
                imports(server, url, env, path)
                for method in ("kmeans", "anchored") if path == file else ():
                    ran = command(server, env, "cluster_catalogue", "--method", method, "--activate")
                    print(f"  cluster_catalogue {method}: {ran}")
                pages(env, folder)
        finally:
            store.stop()
            server.stop()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if missing := [name for name in sys.argv[1:] if not Path(name).is_file()]:
        sys.exit(f"{missing[0]}: no such file; python -m benchmarks.shaped OUT writes one of MuSe's shape")
    main(*map(Path, sys.argv[1:]))
