"""Run a benchmark on a PostgreSQL of its own: python -m benchmarks.on_postgres [--kept FOLDER] FILE SCRIPT [ARGUMENTS]

FILE is a MuSe CSV, which is imported, clustered and put in force; SCRIPT is one that asks the catalogue that
DATABASE_URL names, as benchmarks/ranking.py does. With --kept the filled PostgreSQL stays in FOLDER: a later run with
the same FILE works on a copy of it, and imports nothing. Without a SCRIPT it is only filled.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.servers import ROOT, Postgres, environment, manage, server_folder

DATABASE = "benchmark"
FILLED_FROM = "filled-from"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", type=Path, metavar="FOLDER")
    parser.add_argument("file", type=Path)
    parser.add_argument("script", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        kept = options.kept or stack.enter_context(server_folder("kept"))
        if (kept / "cluster").exists():
            check(kept, options.file)
        else:
            fill(kept, options.file)
        if not options.script:
            return 0
        here, folder = (stack.enter_context(server_folder(name)) for name in ("postgres", "emotune"))
        with running(Postgres(here, copy_of=kept)) as server:
            url = f"postgresql://emotune@127.0.0.1:{server.port}/{DATABASE}"
            env = environment(folder, DATABASE_URL=url, LOG_LEVEL="ERROR")
            manage("migrate", "--verbosity=0", env=env)  # what was kept may be from before the last migration
            return subprocess.run([sys.executable, *options.script], env=env, cwd=ROOT, check=False).returncode


def fill(kept: Path, file: Path) -> None:
    """Make a PostgreSQL with the file's tracks in a folder, and shut it down; nothing is left of one that fails."""
    kept.mkdir(parents=True, exist_ok=True)
    with server_folder("postgres") as here, server_folder("emotune") as folder:
        with running(Postgres(here)) as server:
            env = environment(folder, DATABASE_URL=server.url(DATABASE), LOG_LEVEL="ERROR")
            manage("migrate", "--verbosity=0", env=env)
            manage("import_muse", str(file.resolve()), env=env)
            manage("cluster_catalogue", "--activate", env=env)
            with psycopg.connect(env["DATABASE_URL"], autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            server.shut_down()
        # before the cluster, so that none is ever without it
        (kept / FILLED_FROM).write_text(mark(file))
        subprocess.run(["mv", str(here / "cluster"), str(kept)], check=True)


def check(kept: Path, file: Path) -> None:
    """Leave with a sentence where a folder's PostgreSQL was not filled from this file."""
    filled_from = kept / FILLED_FROM
    if not filled_from.exists() or filled_from.read_text() != mark(file):
        sys.exit(f"{kept} was filled from another file than {file}: name that one, or another folder, or remove it.")


def mark(file: Path) -> str:
    """Return what tells a file from others whatever its name: bytes, and CRC-32 of all of them."""
    crc = size = 0
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            crc, size = zlib.crc32(block, crc), size + len(block)
    return f"{size} {crc:08x}\n"


@contextlib.contextmanager
def running(server: Postgres) -> Iterator[Postgres]:
    try:
        yield server
    finally:
        server.stop(by=signal.SIGQUIT)


if __name__ == "__main__":
    sys.exit(main())
