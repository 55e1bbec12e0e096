"""Asking for a copy of everything, following it, and taking it."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.archive import remove_file
from accounts.events import record
from accounts.models import AccountEvent, Export, Happening, User
from accounts.retention import forget_old_exports
from accounts.tasks import make_export
from emotune import jobs
from emotune.errors import TooMany
from emotune.jobs import OPEN, JobState

PER_DAY = 5
# Those that could not be made count here alone: trying them is work too.
TRIED_PER_DAY = 20
DAY = timedelta(days=1)
NOT_MADE = "it could not be made"


def request_export(*, user: User) -> Export:
    """Have a worker make a copy of everything; one that is under way already is returned instead of a second one.

    Raises TooMany after PER_DAY of them within a day, or TRIED_PER_DAY with those that could not be made.
    """
    if under_way := Export.objects.filter(user=user, state__in=OPEN).first():
        return under_way
    _check_rate(user)
    try:
        with transaction.atomic():
            export = Export.objects.create(user=user, created_by=user)
            record(user=user, kind=Happening.EXPORT_ASKED, at=export.created_at)
            jobs.submit(export, make_export)
    except IntegrityError:  # asked for twice at once
        return Export.objects.filter(user=user).latest("created_at")
    return export


def _check_rate(user: User) -> None:
    """Count what the account page tells of: copies themselves are there no more once the person deletes them.

    What is dated ahead was asked for before the clock was set back.
    """
    _tell_of_failures(user)
    now = timezone.now()
    asked = AccountEvent.objects.filter(user=user, kind=Happening.EXPORT_ASKED, happened_at__range=(now - DAY, now))
    made = asked.exclude(detail=NOT_MADE)
    for counted, most, what in ((made, PER_DAY, "copies"), (asked, TRIED_PER_DAY, "attempts")):
        times = list(counted.order_by("-happened_at").values_list("happened_at", flat=True)[:most])
        if len(times) >= most:
            seconds = max(1, int((times[-1] + DAY - now).total_seconds()))
            raise TooMany(f"That was {most} {what} within a day. The next copy can be made tomorrow.", seconds)


def _tell_of_failures(user: User) -> None:
    """Say on the account page which copies could not be made. Each was asked for at the time that its row names."""
    failed = Export.objects.filter(user=user, state=JobState.FAILED)
    asked = AccountEvent.objects.filter(user=user, kind=Happening.EXPORT_ASKED)
    asked.filter(happened_at__in=failed.values("created_at")).update(detail=NOT_MADE)


def exports_of(*, user: User) -> QuerySet[Export]:
    """Return a person's exports, latest first, brought up to date; what is too old is deleted first."""
    forget_old_exports(user)
    for export in Export.objects.filter(user=user, state__in=OPEN):
        jobs.refresh(export)
    return Export.objects.filter(user=user)


def delete_export(*, export: Export) -> None:
    """Cancel an export that is under way, or delete one that is over. One that failed still counts against no limit."""
    _tell_of_failures(export.user)
    remove_file(export)
    jobs.forget(export)
    export.delete()
