"""What is asked of captures as a whole."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import Count, F, Q
from django.db.models.functions import TruncWeek
from django.utils import timezone

from detection.models import Capture, Status


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
