"""The database, and the machine under the web process: its disk, the last backup, what is installed."""

import platform
import shutil
import sqlite3
import time
import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from emotune.checkup.verdicts import Column, Figure, Part, Table, Verdict, rising

# Whoever makes backups touches this file in EMOTUNE_DIR, as docs/deployment.md shows.
BACKUP_MARK = "last-backup"
DAY_S = 86_400
SMALL = 200 * 10**6
PACKAGES = ("django", "celery", "redis", "djangorestframework")


def database(_now: datetime) -> Part:
    """Judge the database: how soon it answers, and whether its tables are those of this version."""
    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    milliseconds = 1000 * (time.perf_counter() - start)
    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    slow = rising(milliseconds, look=50, act=500)
    migrate = Verdict.ACT if waiting else Verdict.GOOD
    figures = (
        Figure("Server", _server()),
        Figure("Answers in", milliseconds, "ms", slow, "See what it does: long transactions, locks, a busy disk."),
        Figure("Migrations that wait", waiting, "", migrate, "Run `python manage.py migrate`."),
    )
    return Part("Database", figures)


def machine(now: datetime) -> Part:
    """Judge the disk and the backup, and say what is installed."""
    disk = shutil.disk_usage(settings.DATA_DIR)
    figures = (
        Figure(
            "Free in EMOTUNE_DIR",
            disk.free,
            "bytes",
            _of_disk(disk.free, disk.free / disk.total),
            "Uploads and copies for people need room. Delete what is not needed, or enlarge the disk.",
        ),
        _backup(now),
    )
    installed = Table("What is installed", (Column("what"), Column("version")), _versions())
    return Part("Machine", figures, (installed,))


def _of_disk(free: float, share: float) -> Verdict:
    if free < SMALL or share < 0.02:
        return Verdict.ACT
    return Verdict.LOOK if share < 0.1 else Verdict.GOOD


def _backup(now: datetime) -> Figure:
    """Say how old the last backup is. Without a mark nobody knows, which matters where other people's data is kept."""
    mark = settings.DATA_DIR / BACKUP_MARK
    if not mark.exists():
        verdict = Verdict.LOOK if settings.PRODUCTION else Verdict.GOOD
        advice = f"Make one, and let it touch {BACKUP_MARK} in EMOTUNE_DIR (docs/deployment.md, Backup and restore)."
        return Figure("Last backup", None, verdict=verdict, advice=advice)
    age = (now - datetime.fromtimestamp(mark.stat().st_mtime, UTC)).total_seconds()
    verdict = rising(age, look=2 * DAY_S, act=7 * DAY_S)
    return Figure("Last backup, ago", max(0.0, age), "s", verdict, "Make a backup, and see why the last ones failed.")


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    project = settings.BASE_DIR / "pyproject.toml"
    own = tomllib.loads(project.read_text())["project"]["version"] if project.exists() else "not known"
    return (("emotune", own), ("Python", platform.python_version()), *((name, version(name)) for name in PACKAGES))


def _server() -> str:
    """Ask the server nothing: what it said at the beginning of the connection is known."""
    if connection.vendor == "postgresql":
        number: int = connection.pg_version  # type: ignore[attr-defined]
        return f"PostgreSQL {number // 10_000}.{number % 10_000}"
    return f"SQLite {sqlite3.sqlite_version}"
