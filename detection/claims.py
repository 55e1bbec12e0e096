"""Who may read a capture: each step is one conditional UPDATE, so a task that arrives twice is carried out once."""

from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from detection.models import Capture, Status

# A worker's claim holds for this long: longer than the hard time limit of the task.
LEASE = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 1)
MAX_ATTEMPTS = 3
GONE = "It waited too long and the pictures are gone. Nothing was kept; please try again."


def lost() -> Q:
    """Match captures that no worker is busy with, as far as can be known."""
    return Q(status=Status.QUEUED) | Q(status=Status.READING, claimed_at__lt=timezone.now() - LEASE)


def claim(capture_id: str, *, redelivered: bool) -> Capture | None:
    """Take a capture for reading, or return None when another worker has it, it has ended or it is gone.

    A message that was delivered again says that whoever had it is dead: then the claim need not be over.
    """
    now = timezone.now()
    free = lost() | Q(status=Status.READING) if redelivered else lost()
    taken = Capture.objects.filter(free, id=capture_id, attempts__lt=MAX_ATTEMPTS).update(
        status=Status.READING, claimed_at=now, attempts=F("attempts") + 1
    )
    return Capture.objects.filter(id=capture_id).first() if taken else None


def settle(capture: Capture, status: Status, **outcome: object) -> bool:
    """Write the outcome of the attempt that `capture` was claimed for; False when another attempt was faster."""
    mine = Capture.objects.filter(id=capture.id, status=Status.READING, attempts=capture.attempts)
    return bool(mine.update(status=status, finished_at=timezone.now(), **outcome))
