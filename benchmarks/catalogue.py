"""Measure the catalogue on a PostgreSQL of its own: imports beside psql's \\copy, clusterings, pages, memory.

    .venv/bin/python -m benchmarks.catalogue FILE [LARGER_FILE]

FILE is a MuSe CSV. Times are of whole commands, the start of Python included; memory is the peak of the process, and
processor time the command's own and PostgreSQL's, which says more than times on a machine that does other things. Pages
are asked of a real web process one after the other, as their p95, alone and while a clustering is made and put in
force by a command beside it.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
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


def ask(port: int, cookie: str, until: Callable[[], bool]) -> dict[str, list[float]]:
    """Ask for the pages in turn, at least ROUNDS times and until told to stop; return milliseconds by page."""
    spent: dict[str, list[float]] = {page: [] for page in PAGES}
    server = HTTPConnection("127.0.0.1", port)
    rounds = 0
    while rounds < ROUNDS or not until():
        rounds += 1
        for page in PAGES:
            begin = time.perf_counter()
            server.request("GET", page, headers={"Cookie": f"sessionid={cookie}"})
            answer = server.getresponse()
            answer.read()
            assert answer.status == 200, (page, answer.status)
            spent[page].append(1000 * (time.perf_counter() - begin))
    server.close()
    return spent


def pages(env: dict[str, str], folder: Path) -> None:
    """Time pages of a web process, alone and beside `cluster_catalogue --activate` in another one."""
    cookie = manage("shell", "--verbosity=0", "--command", LOG_IN, env=env).strip()
    port = free_port()
    web = Process(*PROCESSES, "web", f"127.0.0.1:{port}", log=folder / "web.log", env=env)
    try:
        wait_until("the web process", lambda: status_of(f"http://127.0.0.1:{port}/") == 200)
        ask(port, cookie, lambda: True)
        alone = ask(port, cookie, lambda: True)
        arguments = [sys.executable, "manage.py", "cluster_catalogue", "--method", "kmeans", "--activate"]
        with subprocess.Popen(arguments, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as process:
            beside = ask(port, cookie, lambda: process.poll() is not None)
    finally:
        web.stop()
    for page in (*PAGES, "all of them"):
        before, during = (statistics.quantiles(of_page(times, page), n=20)[-1] for times in (alone, beside))
        ratio, rounds = during / before, len(beside[PAGES[0]])
        print(
            f"  {page}: p95 {before:.0f} ms, {during:.0f} ms during an activation ({ratio:.1f} times, {rounds} rounds)"
        )


def of_page(times: dict[str, list[float]], page: str) -> list[float]:
    return times.get(page) or [one for several in times.values() for one in several]


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
    main(*map(Path, sys.argv[1:]))
