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
from emotune.jobs import OPEN

PER_DAY = 5
DAY = timedelta(days=1)


def request_export(*, user: User) -> Export:
    """Have a worker make a copy of everything; one that is under way already is returned instead of a second one.

    Raises TooMany after PER_DAY of them within a day.
    """
    if under_way := Export.objects.filter(user=user, state__in=OPEN).first():
        return under_way
    _check_rate(user)
    try:
        with transaction.atomic():
            export = Export.objects.create(user=user, created_by=user)
            record(user=user, kind=Happening.EXPORT_ASKED)
            jobs.submit(export, make_export)
    except IntegrityError:  # asked for twice at once
        return Export.objects.filter(user=user).latest("created_at")
    return export


def _check_rate(user: User) -> None:
    """Count what the account page tells of: copies themselves are there no more once the person deletes them.

    What is dated ahead was asked for before the clock was set back.
    """
    now = timezone.now()
    asked = AccountEvent.objects.filter(user=user, kind=Happening.EXPORT_ASKED, happened_at__range=(now - DAY, now))
    times = list(asked.order_by("-happened_at").values_list("happened_at", flat=True)[:PER_DAY])
    if len(times) >= PER_DAY:
        seconds = max(1, int((times[-1] + DAY - now).total_seconds()))
        raise TooMany(f"That was {PER_DAY} copies within a day. The next one can be made tomorrow.", seconds)


def exports_of(*, user: User) -> QuerySet[Export]:
    """Return a person's exports, latest first, brought up to date; what is too old is deleted first."""
    forget_old_exports(user)
    for export in Export.objects.filter(user=user, state__in=OPEN):
        jobs.refresh(export)
    return Export.objects.filter(user=user)


def delete_export(*, export: Export) -> None:
    """Cancel an export that is under way, or delete one that is made."""
    remove_file(export)
    jobs.forget(export)
    export.delete()
