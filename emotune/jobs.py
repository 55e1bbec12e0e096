"""Long jobs: rows that say how far they are, tasks that carry them out once, progress and cancelling through Redis."""

import contextlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import ClassVar, Self, TypeVar, cast
from uuid import uuid4

import redis
from celery import Task, current_app, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import worker_ready
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connections, models, transaction
from django.db.models import F
from django.utils import timezone
from kombu.exceptions import OperationalError

from emotune import store
from emotune.errors import EmotuneError, Unavailable
from emotune.heartbeat import Heartbeat

logger = logging.getLogger(__name__)

QUEUE = "jobs"
MAX_ATTEMPTS = 3
# A worker that holds a job says so every few seconds; it is dead when it has been silent for so long. A Redis that came
# back empty knows nothing of that, so that whoever finds no beat looks once more, as long after.
BEAT_S, SILENCE_S = 2.0, 15.0
# A task that nobody took for this long may be lost with its broker, and is sent again; twice is once.
RESEND_S = 30
# What has no task after so long never got one: whoever asked for it was interrupted.
UNSENT_S = 60
# Progress is written and cancelling looked for this often at most; both are kept for a day.
REPORT_S, KEEP_S = 0.3, 24 * 3600

GAVE_UP = "It was interrupted several times, so it was given up. Please start it again."
NOT_SENT = "The workers cannot be reached just now, so nothing was done. Please start it again in a moment."
WENT_WRONG = "Something went wrong, and nothing was changed. The log of the worker says what."
TOO_LONG = "It took longer than a job may take, so it was stopped, and nothing was changed."


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (JobState.QUEUED, JobState.RUNNING)


class Job(models.Model):
    """A piece of work that a worker does for somebody. Its progress stands in Redis: see `progress_of`."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    error = models.CharField(max_length=500, blank=True, help_text="a sentence for people")
    task = models.CharField(max_length=100, editable=False, help_text="the name of the task that carries it out")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
        ordering: ClassVar = ["-created_at"]

    @property
    def is_over(self) -> bool:
        return self.state not in OPEN

    def let_go(self) -> None:
        """Free what an open job alone needs, such as an uploaded file; called once it is over, perhaps twice."""

    @classmethod
    def not_let_go(cls) -> "models.QuerySet[Self]":
        """Return those that are over and hold yet what they should not: whoever ended them died before `let_go`."""
        return cls._default_manager.none()


@dataclass(frozen=True)
class Progress:
    """How far a job is: `done` of `total` (None: not known), and in `note` what it does now, as "reading rows"."""

    done: int = 0
    total: int | None = None
    note: str = ""

    @property
    def percent(self) -> int | None:
        return min(100, 100 * self.done // self.total) if self.total else None


J = TypeVar("J", bound=Job)


class Cancelled(Exception):
    """Somebody asked for the end of the job that is running."""


class _TakenOver(Exception):
    """The job is another worker's by now, or over; this one has nothing to say any more."""


def _key(job: Job, name: str) -> str:
    return f"emotune:job:{job.pk}:{name}"


def beat_of(job: Job) -> str:
    """Return the key that is in Redis as long as the worker of a running job lives."""
    return _key(job, "beat")


def _suspicion_of(job: Job) -> str:
    """Return the key that is in Redis since somebody first missed the beat of a job's present attempt."""
    return _key(job, f"suspect:{job.attempts}")


def submit(job: Job, task: "Task[..., None]") -> None:
    """Send a saved job to the workers once the transaction is through; where they cannot be reached, it fails."""
    job.task = str(task.name)
    job.save(update_fields=["task"])
    transaction.on_commit(lambda: _send_or_fail(job))


def _send_or_fail(job: Job) -> None:
    if not _send(job):
        _finish(job, JobState.FAILED, NOT_SENT)


def _send(job: Job) -> bool:
    limit = settings.JOB_TIME_LIMIT
    try:
        store.client().set(_key(job, "sent"), "1", ex=RESEND_S)
        current_app.send_task(
            job.task, (str(job.pk),), queue=QUEUE, retry=False, soft_time_limit=limit, time_limit=limit + 60
        )
    except (OperationalError, redis.RedisError):
        return False
    return True


def progress_of(job: Job) -> Progress:
    """Return how far an open job is; nothing is known of one while Redis does not answer."""
    try:
        found = store.client().get(_key(job, "progress"))
    except redis.RedisError:
        return Progress()
    return Progress(**json.loads(found)) if found else Progress()


def seen_of(job: Job, progress: Progress) -> str:
    """Return a word for all that a page shows of an open job: a fragment that polls itself asks for what is new."""
    return f"{job.pk}-{job.state}-{progress.done}-{progress.total}-{progress.note}"


def request_cancel(job: Job) -> None:
    """Ask for the end of a job: at once when it is queued, else at its next step. One that is over stays as it is.

    Raises Unavailable when the worker cannot be told.
    """
    if job.is_over or (job.state == JobState.QUEUED and _finish(job, JobState.CANCELLED)):
        return
    try:
        store.client().set(_key(job, "cancel"), "1", ex=KEEP_S)
    except redis.RedisError as error:
        raise Unavailable("The worker cannot be told just now. Please try again in a moment.") from error


def forget(job: Job) -> None:
    """Leave nothing of a job in Redis, before its row goes; a worker that carries it out is told to stop."""
    with contextlib.suppress(redis.RedisError):
        names = ("sent", "progress", "cancel", "holder", "beat")
        store.client().delete(_suspicion_of(job), *(_key(job, name) for name in names))
        if job.state == JobState.RUNNING:
            store.client().set(_key(job, "cancel"), "1", ex=RESEND_S)


def refresh(job: J) -> J:
    """Bring an open job up to date, whoever looks: one whose worker died is queued and sent again, at most twice.

    Each change is a conditional UPDATE, so any number may look at once. Without Redis nothing is known, nor done.
    """
    if job.is_over:
        return job
    if not job.task and timezone.now() - job.created_at > timedelta(seconds=UNSENT_S):
        _finish(job, JobState.FAILED, NOT_SENT)
        return job
    with contextlib.suppress(redis.RedisError):
        if job.state == JobState.RUNNING and _is_lost(job):
            _settle_lost(job)
        if (
            job.state == JobState.QUEUED
            and job.task
            and store.client().set(_key(job, "sent"), "1", ex=RESEND_S, nx=True)
        ):
            _send(job)
    _reload(job)
    return job


def _is_lost(job: Job) -> bool:
    """Whether a running job has no beat, and had none when somebody looked at least SILENCE_S ago.

    A beat in between takes the suspicion away. Its age is told by the time that it has left, for clocks may differ.
    """
    redis_ = store.client()
    if redis_.exists(beat_of(job)) or redis_.set(_suspicion_of(job), "1", ex=KEEP_S, nx=True):
        return False
    left = redis_.pttl(_suspicion_of(job))  # below 0: it has just gone
    return 0 <= left <= 1000 * (KEEP_S - SILENCE_S)


def _settle_lost(job: Job) -> None:
    """Queue a job whose worker is gone once more, or end it when it was cancelled or has been lost too often."""
    if store.client().exists(_key(job, "cancel")):
        _finish(job, JobState.CANCELLED)
    elif job.attempts >= MAX_ATTEMPTS:
        _finish(job, JobState.FAILED, GAVE_UP)
    elif _mine(job).update(state=JobState.QUEUED):
        job.state = JobState.QUEUED
        store.client().delete(_key(job, "sent"))


@shared_task(name="emotune.refresh_jobs")
def refresh_jobs() -> None:
    """Bring every open job up to date by the clock: nobody may be looking."""
    refresh_all()


@worker_ready.connect
def find_lost(**_: object) -> None:
    """Bring every open job up to date when a worker for jobs starts, as after a power cut, and look once more."""
    if QUEUE in current_app.amqp.queues.consume_from:
        refresh_all()
        connections.close_all()
        with contextlib.suppress(OperationalError, redis.RedisError):
            refresh_jobs.apply_async(countdown=SILENCE_S + BEAT_S, queue=QUEUE, retry=False)


def refresh_all() -> None:
    """Bring every open job up to date, and free what those hold whose end was interrupted."""
    for model in kinds():
        for job in model._default_manager.filter(state__in=OPEN):  # noqa: SLF001 - a documented API
            refresh(job)
    for model in kinds():
        for ended in model.not_let_go():
            ended.let_go()


def kinds(base: type[Job] = Job) -> Iterator[type[Job]]:
    """Give the models of all kinds of jobs, whichever app has them."""
    for model in base.__subclasses__():
        if not model._meta.abstract:  # noqa: SLF001 - a documented API
            yield model
        yield from kinds(model)


class Run:
    """A job in the hands of a worker, which tells by `step` how far it is."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._row = _mine(job)
        self._token = uuid4().hex.encode()
        self._is_announced = False
        self._next = 0.0
        self._note = ""

    def step(self, done: int, total: int | None = None, note: str = "") -> None:
        """Report progress, now and then and when something else begins; raise Cancelled when that was asked for."""
        if time.monotonic() >= self._next or note != self._note:
            self._next, self._note = time.monotonic() + REPORT_S, note
            self._report(Progress(done, total, note))

    def check(self) -> None:
        """Raise Cancelled when the end was asked for: the last chance before what cannot be taken back."""
        self._report()

    def hold(self) -> None:
        """Keep the job this attempt's until the transaction ends, in which it is to write what an end takes back.

        Whoever ends the job meanwhile waits for that, and finds what was written. One that was ended before raises, so
        that nothing is written for it: a worker that was silent for long may have been taken for dead.
        """
        if not self._row.select_for_update(no_key=True).values_list("pk").first():
            raise _TakenOver

    def _report(self, progress: Progress | None = None) -> None:
        if not self._owns_row():
            raise _TakenOver
        try:
            with store.client().pipeline(transaction=False) as pipe:
                pipe.get(_key(self.job, "cancel"))
                pipe.get(_key(self.job, "holder"))
                if progress:
                    pipe.set(_key(self.job, "progress"), json.dumps(asdict(progress)), ex=KEEP_S)
                cancel, holder = pipe.execute()[:2]
        except redis.RedisError:
            return  # a job outlives the absence of Redis
        if cancel:
            raise Cancelled
        if self._is_announced and holder not in (None, self._token):
            raise _TakenOver

    def _owns_row(self) -> bool:
        """Whether the row still says that this attempt is running; so it is believed where that cannot be asked."""
        connection = connections[self._row.db]
        if connection.vendor == "postgresql" and connection.connection:
            is_copying = connection.connection.info.transaction_status.name == "ACTIVE"
            if is_copying:  # PostgreSQL's COPY leaves the connection to nothing else
                return True
        with contextlib.suppress(DatabaseError):
            return self._row.exists()
        return True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let everybody know, from a thread, that the job's worker is alive."""
        with contextlib.suppress(redis.RedisError):
            self._beat()  # before anything is done
        (heartbeat := Heartbeat(self._beat, BEAT_S, name="job")).start()
        try:
            yield
        finally:
            heartbeat.stop()

    def _beat(self) -> None:
        with store.client().pipeline(transaction=False) as pipe:
            if not self._is_announced:
                pipe.set(_key(self.job, "holder"), self._token, ex=KEEP_S)
            pipe.set(beat_of(self.job), str(time.time()), px=int(1000 * SILENCE_S))
            pipe.delete(_suspicion_of(self.job))
            pipe.execute()
        self._is_announced = True


@contextlib.contextmanager
def running(job: Job | None) -> Iterator[Run | None]:
    """Carry a job out, in a worker: give its Run, or None when there is nothing to do.

    That is so when it has gone, is over, or is in another worker's hands. What happens inside ends it: done, failed
    with the sentence of an EmotuneError or a plain one, or cancelled. Only what ends the process itself is raised.
    """
    if job is None or not _claim(job):
        yield None
        return
    run = Run(job)
    state, error = JobState.DONE, ""
    with run.held():
        try:
            yield run
        except Cancelled:
            state = JobState.CANCELLED
        except _TakenOver:
            return
        except EmotuneError as problem:
            state, error = JobState.FAILED, problem.message
        except SoftTimeLimitExceeded:
            state, error = JobState.FAILED, TOO_LONG
        except Exception:
            logger.exception("job %s went wrong", job.pk)
            state, error = JobState.FAILED, WENT_WRONG
        _finish(job, state, error)


def _claim(job: Job) -> bool:
    """Take a job by a conditional UPDATE. One whose worker was killed just now is waited for and taken over."""
    if job.state == JobState.RUNNING and not _falls_silent(job):
        return False
    if job.attempts >= MAX_ATTEMPTS:
        _finish(job, JobState.FAILED, GAVE_UP)
        return False
    taken = _mine(job).update(state=JobState.RUNNING, started_at=timezone.now(), attempts=F("attempts") + 1)
    return bool(taken) and _reload(job)


def _falls_silent(job: Job) -> bool:
    """Listen for SILENCE_S, and to the end of the last beat, to the job's worker; False as soon as it beats anew."""

    def heard() -> bytes | None:
        with contextlib.suppress(redis.RedisError):
            return cast("bytes | None", store.client().get(beat_of(job)))
        return str(time.time()).encode()

    first, end = heard(), time.monotonic() + SILENCE_S
    while (last := heard()) in (first, None) and (last or time.monotonic() < end):
        time.sleep(BEAT_S / 4)
    return not last


def _mine(job: Job) -> "models.QuerySet[Job]":
    """The row, as long as it is open and nobody has moved it since `job` was read."""
    rows = type(job)._default_manager.filter(state__in=OPEN)  # noqa: SLF001 - a documented API
    return rows.filter(pk=job.pk, state=job.state, attempts=job.attempts)


def _finish(job: Job, state: JobState, error: str = "") -> bool:
    ended = _mine(job).update(state=state, error=error[:500], finished_at=timezone.now())
    if ended and _reload(job):
        job.let_go()
    return bool(ended)


def _reload(job: Job) -> bool:
    """Read the row again; False when it was deleted meanwhile."""
    with contextlib.suppress(ObjectDoesNotExist):
        job.refresh_from_db()
        return True
    return False
