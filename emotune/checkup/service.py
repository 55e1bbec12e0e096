"""Look at all parts of an installation, in bounded time, whatever part of it is away.

Redis is asked from another thread while the database is asked from this one. An app tells of its own part by a mapping
of titles to questions that its AppConfig names in `checkup`, as "detection.checkup.PARTS".
"""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from datetime import datetime
from typing import TypeVar

import redis
from django.apps import apps
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.module_loading import import_string

from emotune.checkup import broker, long_jobs, machine
from emotune.checkup.bounds import in_time
from emotune.checkup.verdicts import Figure, Part, Report, Verdict

Question = Callable[[datetime], Part]
T = TypeVar("T")
# How long the database is asked in all, and by one statement; and how long after the beginning Redis is waited for.
DATABASE_S, STATEMENT_S, REDIS_S = 1.3, 0.4, 1.5
# A question that hangs holds one of these threads until the client's own patience is over.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="checkup")

logger = logging.getLogger(__name__)


def check() -> Report:
    """Return how this installation is, in less than two seconds. Nothing in it leads to a person or a picture."""
    start, now = time.monotonic(), timezone.now()
    asked = _threads.submit(broker.ask)
    of_apps = [_part(title, question, now, start) for title, question in declared()]
    of_database = _part("Database", machine.database, now, start)
    found = _from_database("long jobs", lambda: long_jobs.kinds(now), start)
    told = _from_redis(asked.result, start)
    lost = _from_redis(_threads.submit(long_jobs.silent, found, now).result, start) if told and found else None
    of_jobs = long_jobs.part(found, lost, now) if found else _unknown("Long jobs")
    parts = (
        *of_apps,
        broker.part_of_workers(told),
        broker.part_of_queues(told),
        of_jobs,
        of_database,
        _of_machine(now),
    )
    return Report(parts, now, round(1000 * (time.monotonic() - start), 1))


def declared() -> Iterator[tuple[str, Question]]:
    """Give title and question of each part that an app tells of."""
    for config in apps.get_app_configs():
        if path := getattr(config, "checkup", ""):
            yield from import_string(path).items()


def _part(title: str, question: Question, now: datetime, start: float) -> Part:
    return _from_database(title, lambda: question(now), start) or _unknown(title)


def _from_database(what: str, ask: Callable[[], T], start: float) -> T | None:
    """Ask within what is left of the time for the database; None when that is not enough or goes wrong."""
    try:
        with in_time(start + DATABASE_S, STATEMENT_S):
            return ask()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("the database did not say in time how it is with %s: %s", what, error)
    except Exception:
        logger.exception("looking at %s went wrong", what)
    return None


def _of_machine(now: datetime) -> Part:
    """Ask the machine, which needs no database: what is known of it is known while that is away."""
    try:
        return machine.machine(now)
    except Exception:
        logger.exception("looking at the machine went wrong")
    return _unknown("Machine")


def _from_redis(result: Callable[[float], T], start: float) -> T | None:
    try:
        return result(max(0.0, start + REDIS_S - time.monotonic()))
    except (redis.RedisError, TookTooLong) as error:
        logger.warning("Redis did not answer in time: %s", error or "it hangs")
    return None


def _unknown(title: str) -> Part:
    advice = "The database was too slow or away, or the question is broken: the log of the web process says which."
    return Part(title, (Figure("State", None, verdict=Verdict.LOOK, advice=advice),))
