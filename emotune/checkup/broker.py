"""What Redis knows: whether it answers, how much waits in it, and which workers are there."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import redis
from celery import current_app

from emotune import jobs, store, workers
from emotune.checkup.verdicts import Column, Figure, Part, Table, Verdict, rising
from emotune.workers import Worker

START_REDIS = "Start Redis, or put REDIS_URL right: no capture is taken without it."
START_READER = "No face is read. Start a worker, or see in its log why it is not warm."
START_JOBS = "Imports, clusterings and copies wait. Start a worker for jobs."
MORE_READERS = "Captures come faster than they are read. Start more workers."
WORKERS = tuple(
    Column(*column)
    for column in (
        ("process",), ("takes",), ("state",), ("busy", "share"), ("memory", "bytes"), ("last word", "s"), ("tasks",),
        ("up", "s"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What Redis answered."""

    milliseconds: float
    depths: Mapping[str, int]
    workers: tuple[Worker, ...]
    memory: int | None
    memory_limit: int | None


def ask() -> Told:
    """Ask Redis. Raises redis.RedisError, after seconds where it hangs: see emotune/store.py."""
    client = store.client()
    client.ping()  # the first question of a process opens the connection
    start = time.perf_counter()
    client.ping()
    milliseconds = 1000 * (time.perf_counter() - start)
    depths = {name: client.llen(name) for name in (current_app.conf.task_default_queue, jobs.QUEUE)}
    try:
        memory = client.info("memory")
    except redis.ResponseError:  # the server of `make run` does not tell
        memory = {}
    limit = memory.get("maxmemory") or None
    return Told(milliseconds, depths, tuple(workers.present()), memory.get("used_memory"), limit)


def part_of_queues(told: Told | None) -> Part:
    """Judge the queues; None says that Redis did not answer."""
    if told is None:
        away = Figure("Redis", "does not answer", verdict=Verdict.ACT, advice=START_REDIS)
        return Part("Queues", (away,))
    captures, long_jobs = told.depths.values()
    figures = [
        Figure("Redis answers in", told.milliseconds, "ms", rising(told.milliseconds, look=50, act=500), START_REDIS),
        Figure("Captures in the queue", captures, "", rising(captures, look=20, act=200), MORE_READERS),
        # no matter how many: the clock's work waits there too, three messages a minute behind a long job
        Figure("Jobs in the queue", long_jobs),
    ]
    if told.memory is not None:
        share = told.memory / told.memory_limit if told.memory_limit else 0.0
        full = rising(share, look=0.7, act=0.9)
        advice = "Redis is nearly full: captures will be refused. Start more workers, or give it more memory."
        figures.append(Figure("Memory of Redis", told.memory, "bytes", full, advice))
    return Part("Queues", tuple(figures))


def part_of_workers(told: Told | None) -> Part:
    """Judge the workers; None says that Redis, by which they are known, did not answer."""
    if told is None:
        unknown = Figure("Workers", None, verdict=Verdict.LOOK, advice="They are known by Redis, which is away.")
        return Part("Workers", (unknown,))
    present = [worker for worker in told.workers if not worker.is_silent]
    readers = [worker for worker in present if worker.role == workers.FACES]
    warm = sum(worker.is_warm for worker in readers)
    takers = sum(worker.role == workers.JOBS for worker in present)
    silent = len(told.workers) - len(present)
    load = sum(worker.load for worker in readers) / len(readers) if readers else None
    figures = (
        Figure("Warm readers", warm, "", Verdict.GOOD if warm else Verdict.ACT, START_READER),
        Figure("Workers for jobs", takers, "", Verdict.GOOD if takers else Verdict.ACT, START_JOBS),
        Figure("Readers are busy", load, "share", rising(load, look=0.9), MORE_READERS),
        Figure("Fell silent", silent, "", rising(silent, look=1), "They were killed or hang: see their logs."),
    )
    rows = tuple(_row(worker) for worker in told.workers)
    table = Table(
        "Worker processes", WORKERS, rows, "No worker has said anything in the last ten minutes.", is_open=True
    )
    return Part("Workers", figures, (table,))


def _row(worker: Worker) -> tuple[str | float | int | None, ...]:
    return (
        worker.name, worker.role, _state(worker), worker.load, worker.memory, worker.heard_s, worker.tasks, worker.up_s,
    )  # fmt: skip


def _state(worker: Worker) -> str:
    if worker.is_silent:
        return "silent"
    if worker.task_s is not None:
        return "at work"
    return "warm" if worker.is_warm else "waiting" if worker.role == workers.JOBS else "warming up"
