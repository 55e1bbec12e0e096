"""What an installation used between two looks: processor time by role, transactions, bytes written and kept."""

from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg
import redis

WAL = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"
SIZE = "SELECT pg_database_size(current_database())"
TRANSACTIONS = """
SELECT xact_commit, tup_inserted, tup_updated, tup_deleted FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass
class Resources:
    """Takes the first look when made; `used` tells what has been used since."""

    processes: dict[str, int]
    database: str
    broker: str
    before: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.before = self._look()

    def used(self) -> dict[str, Any]:
        now = self._look()
        spent = {name: round(value - self.before[name], 2) for name, value in now.items()}
        memory = {
            name: round(sum(p.memory_info().rss for p in family(pid)) / 1e6) for name, pid in self.processes.items()
        }
        return {"used": spent, "memory_mb": memory}

    def _look(self) -> dict[str, float]:
        seen = {f"{name}_cpu_s": cpu_seconds(pid) for name, pid in self.processes.items()}
        with psycopg.connect(self.database, autocommit=True) as connection:
            seen["wal_bytes"] = number(connection, WAL)
            seen["database_bytes"] = number(connection, SIZE)
            row = connection.execute(TRANSACTIONS).fetchone() or (0, 0, 0, 0)
            names = ("transactions", "rows_inserted", "rows_updated", "rows_deleted")
            seen |= dict(zip(names, map(float, row), strict=True))
        with redis.Redis.from_url(self.broker) as client:
            info: Any = client.info()
        return seen | {
            "redis_commands": info["total_commands_processed"],
            "redis_bytes_in": info["total_net_input_bytes"],
            "redis_bytes_out": info["total_net_output_bytes"],
        }


def number(connection: "psycopg.Connection[Any]", ask: str) -> float:
    row = connection.execute(ask).fetchone()  # type: ignore[arg-type]
    return float(row[0]) if row else 0.0


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """Return what a process and its children have used, those that ended included."""
    own = psutil.Process(pid).cpu_times()
    alive = [process.cpu_times() for process in family(pid)]
    return sum(times.user + times.system for times in alive) + own.children_user + own.children_system
