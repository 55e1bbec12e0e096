"""Recording what happened to an account, and reading it back for its owner."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import AccountEvent, Happening, User

EVENTS_KEPT = timedelta(days=180)
MAX_DETAIL = 200


def record(*, user: User, kind: Happening, detail: str = "", at: datetime | None = None) -> AccountEvent:
    happened_at = at or timezone.now()
    return AccountEvent.objects.create(user=user, kind=kind, detail=detail[:MAX_DETAIL], happened_at=happened_at)


def events_of(*, user: User) -> QuerySet[AccountEvent]:
    """Return all that is kept of what happened to an account, latest first."""
    return AccountEvent.objects.filter(user=user)


def recent_events(*, user: User, limit: int = 20) -> QuerySet[AccountEvent]:
    return events_of(user=user)[:limit]


def forget_old_events() -> int:
    """Delete what is older than EVENTS_KEPT; return how many there were."""
    return AccountEvent.objects.filter(happened_at__lt=timezone.now() - EVENTS_KEPT).delete()[0]
