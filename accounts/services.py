"""Giving and withdrawing consent to have one's face read."""

from django.db import transaction
from django.utils import timezone

from accounts.models import CONSENT_VERSION, Consent, User


@transaction.atomic
def give_consent(*, user: User) -> Consent:
    """Record that the person agreed to the present text; return the consent in force.

    Agreeing twice, or from two windows at once, leaves one row: the database allows one consent in force per text.
    """
    consent, _ = Consent.objects.get_or_create(user=user, version=CONSENT_VERSION, withdrawn_at=None)
    return consent


def withdraw_consent(*, user: User) -> int:
    """End every consent in force, to earlier texts too; return how many there were. The rows stay, with the time."""
    return Consent.objects.filter(user=user, withdrawn_at=None).update(withdrawn_at=timezone.now())
