"""Worker processes, which say every few seconds that they are there: whether warm, how busy, how large."""

import json
import logging
import os
import resource
import secrets
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import redis
from celery import current_app
from celery.signals import task_postrun, task_prerun, worker_process_init, worker_process_shutdown

from emotune import store
from emotune.heartbeat import Heartbeat

# A process says so often that it is there, counts as gone after so long in silence, and is forgotten after so long.
SAY_EVERY_S, SILENT_AFTER_S, FORGET_AFTER_S = 5, 20, 600
# Its load is that of the last so many words of its.
REMEMBERED = 12
NAMES = "emotune:workers"
FACES, JOBS = "faces", "jobs"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Worker:
    """A worker process as it last described itself."""

    name: str
    """host:process id:something drawn"""
    role: str
    """`faces` or `jobs`"""
    is_warm: bool
    """whether its reader is loaded; what takes jobs has none"""
    load: float
    """share of the last minute that it spent in tasks, 0 to 1"""
    task_s: float | None
    """seconds since it began the task at hand; None while it waits for one"""
    tasks: int
    """tasks that it has carried out"""
    memory: int
    """resident bytes"""
    up_s: float
    heard_s: float
    """seconds since its last word"""

    @property
    def is_silent(self) -> bool:
        return self.heard_s > SILENT_AFTER_S


class Voice:
    """What this process says of itself, from a thread of its own."""

    def __init__(self, role: str) -> None:
        # Containers on their host's network share its name, and each counts its processes from 1.
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"
        self.role = role
        self.is_warm = False
        self.tasks = 0
        self.busy_s = 0.0
        self.task_since: float | None = None
        self.started = time.monotonic()
        self._past = deque([(self.started, 0.0)], maxlen=REMEMBERED + 1)
        self._heartbeat = Heartbeat(self.say, SAY_EVERY_S, name="worker-voice")

    def start(self) -> None:
        self._heartbeat.start()

    def say(self) -> None:
        now, since = time.monotonic(), self.task_since
        task_s = None if since is None else now - since
        busy = self.busy_s + (task_s or 0.0)
        before, busy_before = self._past[0]
        self._past.append((now, busy))
        words = {
            "role": self.role,
            "is_warm": self.is_warm,
            "load": round(min(1.0, max(0.0, busy - busy_before) / max(0.001, now - before)), 3),
            "task_s": task_s,
            "tasks": self.tasks,
            "memory": resident_bytes(),
            "up_s": now - self.started,
        }
        try:
            with store.client().pipeline(transaction=False) as pipe:
                pipe.set(_key(self.name), json.dumps(words), ex=FORGET_AFTER_S)
                pipe.sadd(NAMES, self.name)
                pipe.execute()
        except redis.RedisError:
            logger.debug("Redis does not hear that this worker is there")

    def leave(self) -> None:
        self._heartbeat.stop()
        try:
            store.client().delete(_key(self.name))
        except redis.RedisError:
            logger.debug("Redis does not hear that this worker leaves")


# This process's own, in a worker.
_voices: list[Voice] = []


def _key(name: str) -> str:
    return f"emotune:worker:{name}"


def resident_bytes() -> int:
    """Return how much memory this process holds; where the system does not say, how much it held at most."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def reads_faces() -> bool:
    """Whether this worker takes captures; one that takes long jobs alone reads no face."""
    return current_app.conf.task_default_queue in current_app.amqp.queues.consume_from


def say_warm() -> None:
    """Let everybody know that the reader of this process is loaded."""
    for voice in _voices:
        voice.is_warm = True
        voice.say()


def present(client: "redis.Redis | None" = None) -> list[Worker]:
    """Return the worker processes that spoke within FORGET_AFTER_S, by name; of another Redis when a client is given.

    Raises redis.RedisError.
    """
    client = store.client() if client is None else client
    names = sorted(name.decode() for name in cast("set[bytes]", client.smembers(NAMES)))
    with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.get(_key(name))
            pipe.pttl(_key(name))
        answers = pipe.execute() if names else []
    found = []
    for name, words, left in zip(names, answers[::2], answers[1::2], strict=True):
        if words:
            found.append(Worker(name=name, heard_s=max(0.0, FORGET_AFTER_S - left / 1000), **json.loads(words)))
        else:
            client.srem(NAMES, name)
    return found


def warm_readers(client: "redis.Redis | None" = None) -> int:
    """Return how many processes said lately that their reader is warm, as `present`. Raises redis.RedisError."""
    return sum(worker.is_warm and not worker.is_silent for worker in present(client))


@worker_process_init.connect
def begin(**_: Any) -> None:
    _voices[:] = [Voice(FACES if reads_faces() else JOBS)]
    _voices[0].start()


@worker_process_shutdown.connect
def end(**_: Any) -> None:
    for voice in _voices:
        voice.leave()


@task_prerun.connect
def note_begin(**_: Any) -> None:
    for voice in _voices:
        voice.task_since = time.monotonic()


@task_postrun.connect
def note_end(**_: Any) -> None:
    for voice in _voices:
        if voice.task_since is not None:
            voice.busy_s += time.monotonic() - voice.task_since
        voice.task_since = None
        voice.tasks += 1
