"""Who may read a capture: each step is one conditional UPDATE, so a task that arrives twice is carried out once."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from detection.holding import Hold
from detection.models import Capture, Status
from emotune import metrics

# A worker's claim holds for this long: longer than the hard time limit of the task.
LEASE = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 1)
MAX_ATTEMPTS = 3
GAVE_UP = "Reading this picture went wrong several times, so we stopped. Please try another one."
GONE = "It waited too long and the pictures are gone. Nothing was kept; please try again."


def lost() -> Q:
    """Match captures that no worker is busy with, as far as can be known."""
    now = timezone.now()
    # a claim from the future was made before the clock was set back
    is_over = Q(claimed_at__lt=now - LEASE) | Q(claimed_at__gt=now + LEASE)
    return Q(status=Status.QUEUED) | Q(status=Status.READING) & is_over


def claim(capture_id: str, *, redelivered: bool) -> Capture | None:
    """Take a capture for reading, or return None when another worker has it, it has ended or it is gone.

    For a message that was delivered again the claim need not be over: whoever had it has fallen silent (holding.py).
    """
    now = timezone.now()
    free = lost() | Q(status=Status.READING) if redelivered else lost()
    taken = Capture.objects.filter(free, id=capture_id, attempts__lt=MAX_ATTEMPTS).update(
        status=Status.READING, claimed_at=now, attempts=F("attempts") + 1, claimed_with=None
    )
    capture = Capture.objects.filter(id=capture_id).select_related("user").first() if taken else None
    if capture:
        _count_taken([capture])
    return capture


def claim_waiting(leader: Capture, most: int, hold: Hold) -> list[Capture]:
    """Take up to `most` captures that wait behind `leader`, to be read together with it.

    A capture that was tried before is never taken along: should it be what kills workers, it kills nobody with it.
    """
    waiting = Capture.objects.filter(status=Status.QUEUED, attempts=0)
    alive = waiting.filter(created_at__gt=timezone.now() - settings.CAPTURE_TTL)
    ids = hold.take(alive.order_by("created_at").values_list("id", flat=True)[:most])
    now = timezone.now()
    mine = {"status": Status.READING, "claimed_at": now, "claimed_with": leader.id}
    if not ids:
        return []
    waiting.filter(id__in=ids).update(attempts=1, **mine)
    taken = list(Capture.objects.filter(id__in=ids, attempts=1, **mine).select_related("user"))
    hold.let_go(set(ids) - {capture.id for capture in taken})
    _count_taken(taken)
    return taken


def _count_taken(captures: list[Capture]) -> None:
    for capture in captures:
        if capture.attempts > 1:
            metrics.CAPTURE_RETRIES.inc()
        elif capture.claimed_at:
            metrics.CAPTURE_WAIT.observe((capture.claimed_at - capture.created_at).total_seconds())


def settle(capture: Capture, status: Status, **outcome: object) -> bool:
    """Write the outcome of the attempt that `capture` was claimed for; False when another attempt was faster."""
    mine = Capture.objects.filter(id=capture.id, status=Status.READING, attempts=capture.attempts)
    is_mine = bool(mine.update(status=status, finished_at=timezone.now(), **outcome))
    if is_mine:
        metrics.CAPTURES.labels(status.value).inc()
        if isinstance(spent := outcome.get("milliseconds"), float | int):
            metrics.READING_SECONDS.observe(spent / 1000)
    return is_mine


def give_up(capture_id: str) -> bool:
    """Fail a capture whose last attempt ended with its worker; for messages that were delivered again."""
    tried = Capture.objects.filter(id=capture_id, status=Status.READING, attempts__gte=MAX_ATTEMPTS)
    is_over = bool(tried.update(status=Status.FAILED, finished_at=timezone.now(), problem=GAVE_UP))
    if is_over:
        metrics.CAPTURES.labels(Status.FAILED.value).inc()
    return is_over


def give_back(capture: Capture) -> bool:
    """Let a claimed capture wait again, unread; False when it is no longer ours."""
    mine = Capture.objects.filter(id=capture.id, status=Status.READING, attempts=capture.attempts)
    return bool(mine.update(status=Status.QUEUED, claimed_with=None))


def give_back_orphans(leader_id: str) -> list[UUID]:
    """Let the captures wait again that a dead worker had taken along with `leader_id`; returns which."""
    orphans = Capture.objects.filter(claimed_with=leader_id, status=Status.READING)
    ids = list(orphans.values_list("id", flat=True))
    if ids:
        orphans.filter(id__in=ids).update(status=Status.QUEUED, claimed_with=None)
    return ids
