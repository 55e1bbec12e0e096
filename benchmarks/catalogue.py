"""Measure the catalogue on a PostgreSQL of its own: imports beside psql's \\copy, clusterings, memory, in one run.

    .venv/bin/python -m benchmarks.catalogue FILE [LARGER_FILE]

FILE is a MuSe CSV. Times are of whole commands, the start of Python included; memory is the peak of the process.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.servers import ROOT, Postgres, environment, manage, server_folder

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
        finally:
            server.stop()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
