"""Measure the catalogue on a PostgreSQL of its own: imports beside psql's \\copy, clusterings, pages, memory.

    .venv/bin/python -m benchmarks.catalogue FILE [LARGER_FILE]

FILE is a MuSe CSV. Times are of whole commands, the start of Python included; memory is the peak of the process. Pages
are asked for one after the other, as their p95, alone and while a clustering is made and put in force.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import ROOT, Postgres, environment, manage, server_folder

if TYPE_CHECKING:
    from django.test import Client

ROUNDS = 20
PAGES = (
    "/tracks/", "/tracks/?page=last", "/tracks/?emotion=happy", "/tracks/?emotion=happy&page=last",
    "/tracks/?artist=artist+1234",
    "/map/bins/", "/map/bins/?zoom=2&x=40&y=40",
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


def command(env: dict[str, str], *arguments: str) -> tuple[dict[str, float], float, float]:
    """Run a command; return what it printed, its seconds and the MiB of memory that it took at most."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments, "--json"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    words = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return json.loads(words), time.perf_counter() - begin, usage.ru_maxrss / 1024


def imports(url: str, env: dict[str, str], file: Path) -> None:
    copied = min(copy(url, file) for _ in range(3))
    print(f"{file.name}: \\copy {copied:.2f} s, so an import may take {4 * copied + 2:.2f} s")
    for times in ("first", "again"):
        figures, seconds, memory = command(env, "import_muse", str(file))
        rows = " ".join(f"{figures[name]:,} {name}" for name in ("created", "updated", "unchanged", "rejected"))
        print(
            f"  import, {times}: {seconds:.2f} s, {figures['seconds']:.2f} s of it importing; {memory:.0f} MiB; {rows}"
        )


def ask(client: "Client", pages: Sequence[str], until: Callable[[], bool]) -> dict[str, list[float]]:
    """Ask for the pages in turn, at least ROUNDS times and until told to stop; return milliseconds by page."""
    spent: dict[str, list[float]] = {page: [] for page in pages}
    rounds = 0
    while rounds < ROUNDS or not until():
        rounds += 1
        for page in pages:
            begin = time.perf_counter()
            assert client.get(page).status_code == 200
            spent[page].append(1000 * (time.perf_counter() - begin))
    return spent


def pages(url: str, env: dict[str, str]) -> None:
    """Time pages in this process, alone and beside `cluster_catalogue --activate` in another one."""
    import django
    from django.conf import settings

    from emotune.settings import database

    settings.DATABASES = {"default": database(url)}
    settings.LOGGING["root"]["level"] = "ERROR"
    django.setup()
    from django.test import Client

    from accounts.models import User

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get_or_create(email="listener@example.org")[0])
    ask(client, PAGES, lambda: True)
    alone = ask(client, PAGES, lambda: True)
    arguments = [sys.executable, "manage.py", "cluster_catalogue", "--method", "kmeans", "--activate"]
    with subprocess.Popen(arguments, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as process:
        beside = ask(client, PAGES, lambda: process.poll() is not None)
    for page in PAGES:
        before, during = (statistics.quantiles(times[page], n=20)[-1] for times in (alone, beside))
        print(f"  {page}: p95 {before:.0f} ms, {during:.0f} ms during an activation ({during / before:.1f} times)")


def main(file: Path, *larger: Path) -> None:
    with server_folder("benchmark") as folder:
        server = Postgres(folder)
        try:
            for number, path in enumerate((file, *larger)):
                url = server.url(f"catalogue{number}")
                env = environment(folder, DATABASE_URL=url)
                manage("migrate", "--verbosity=0", env=env)
                imports(url, env, path)
                for method in ("kmeans", "anchored") if path == file else ():
                    figures, seconds, memory = command(env, "cluster_catalogue", "--method", method, "--activate")
                    inside = f"{figures['seconds']:.2f} s of it fitting, tagging and writing"
                    print(f"  cluster_catalogue {method}: {seconds:.2f} s, {inside}; {memory:.0f} MiB")
                # a process knows one database
                subprocess.run([sys.executable, "-m", "benchmarks.catalogue", "--pages", url], check=True, env=env)
        finally:
            server.stop()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--pages":
        pages(sys.argv[2], dict(os.environ) | {"DATABASE_URL": sys.argv[2]})
        sys.exit()
    main(*map(Path, sys.argv[1:]))
