"""What is forgotten of accounts once its time is over."""

import logging

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.utils import timezone

from accounts.archive import remove_file
from accounts.events import forget_old_events
from accounts.models import EXPORT_KEPT, Export, User
from accounts.tokens import forget_dead_tokens
from emotune.jobs import JobState

logger = logging.getLogger(__name__)


def forget_old() -> None:
    """Forget old exports, events, tokens that are over, and devices whose session has ended; from all accounts."""
    exports, events, tokens = forget_old_exports(), forget_old_events(), forget_dead_tokens()
    devices = forget_ended_devices()
    logger.info("forgot %d exports, %d events, %d tokens, %d devices", exports, events, tokens, devices)


def forget_old_exports(user: User | None = None) -> int:
    """Delete exports that ended EXPORT_KEPT ago, of one person or of all, with their files; return how many."""
    before = timezone.now() - EXPORT_KEPT
    over = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
    old = Export.objects.filter(Q(finished_at__lte=before), state__in=over)
    found = list(old.filter(user=user) if user else old)
    for export in found:
        remove_file(export)
        export.delete()
    return len(found)


def forget_ended_devices() -> int:
    """Delete the addresses and names of devices that nobody is logged in from any more."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return int(UserSession.objects.exclude(session_key__in=alive).delete()[0])
