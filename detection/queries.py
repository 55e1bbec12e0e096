"""What is asked of captures as a whole."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Count, F, Min, Q, Value, When
from django.db.models.functions import TruncHour, TruncWeek
from django.utils import timezone

from detection.models import OPEN, Capture, Source, Status

LARGEST_ID = 2**128 - 1


def weekly_agreement(weeks: int) -> Iterator[tuple[date, str, int, int]]:
    """Yield (Monday, emotion, readings, of them corrected) of the last weeks: one query, whatever their number.

    A reading that nobody corrected counts as agreed with, though the person may only not have said anything.
    """
    since = timezone.now() - timedelta(weeks=weeks)
    corrected = ~Q(chosen="") & ~Q(chosen=F("emotion"))
    rows = (
        Capture.objects.filter(status=Status.DONE, created_at__gte=since)
        .exclude(emotion="")
        .order_by()
        .annotate(week=TruncWeek("created_at"))
        .values_list("week", "emotion")
        .annotate(readings=Count("pk"), corrected=Count("pk", filter=corrected))
        .order_by("week", "emotion")
    )
    for week, emotion, readings, wrong in rows:
        yield week.date() if isinstance(week, datetime) else week, emotion, readings, wrong


def waiting(now: datetime) -> tuple[int, datetime | None]:
    """Return how many captures wait for a worker that may still be read, and since when the oldest does."""
    alive = Capture.objects.filter(status=Status.QUEUED, created_at__gt=now - settings.CAPTURE_TTL).order_by()
    row = alive.aggregate(count=Count("pk"), oldest=Min("created_at"))
    return row["count"], row["oldest"]


def outcomes(now: datetime) -> Iterator[tuple[datetime, bool, str, int]]:
    """Yield (hour of the clock, whether within the last 60 minutes, status, captures) of the last day: one query.

    Moods that were named are no captures here. One that was never read and whose time is over counts as expired,
    whether or not somebody has looked at it since.
    """
    is_over = When(status__in=OPEN, created_at__lte=now - settings.CAPTURE_TTL, then=Value(Status.EXPIRED.value))
    recent = When(created_at__gt=now - timedelta(hours=1), then=Value(value=True))
    rows = (
        Capture.objects.filter(created_at__gt=now - timedelta(days=1))
        .exclude(source=Source.NAMED)
        .order_by()
        .annotate(
            hour=TruncHour("created_at"),
            is_recent=Case(recent, default=Value(value=False)),
            outcome=Case(is_over, default=F("status")),
        )
        .values_list("hour", "is_recent", "outcome")
        .annotate(Count("pk"))
    )
    yield from rows


def times(since: datetime, share: float) -> list[tuple[float, float | None]]:
    """Return (seconds of waiting, seconds of reading) of captures that a worker took since then.

    `share` (0 to 1) of them are picked, evenly: an id is random, so that those below a bound are.
    """
    bound = UUID(int=min(LARGEST_ID, int(share * LARGEST_ID)))
    taken = Capture.objects.filter(created_at__gt=since, claimed_at__isnull=False, id__lte=bound).order_by()
    return [
        (max(0.0, (claimed - created).total_seconds()), None if spent is None else spent / 1000)
        for created, claimed, spent in taken.values_list("created_at", "claimed_at", "milliseconds")
        if claimed
    ]
