"""Agreeing to have one's face read and withdrawing from it, setting how one listens, and shutting all programs out."""

from django.db import transaction
from django.utils import timezone

from accounts.events import record
from accounts.models import CONSENT_VERSION, Consent, Happening, Playback, Preferences, User
from accounts.tokens import revoke_token, usable_tokens, wait_for_turn
from emotune.errors import InvalidInput
from emotune.personal import consent_withdrawn


@transaction.atomic
def give_consent(*, user: User) -> Consent:
    """Record that the person agreed to the present text; return the consent in force.

    Agreeing twice, or from two windows at once, leaves one row: the database allows one consent in force per text.
    """
    consent, is_new = Consent.objects.get_or_create(user=user, version=CONSENT_VERSION, withdrawn_at=None)
    if is_new:
        record(user=user, kind=Happening.CONSENT_GIVEN, detail=f"version {consent.version}")
    return consent


@transaction.atomic
def withdraw_consent(*, user: User) -> int:
    """End every consent in force, to earlier texts too; return how many there were. The rows stay, with the time."""
    ended = Consent.objects.filter(user=user, withdrawn_at=None).update(withdrawn_at=timezone.now())
    if ended:
        record(user=user, kind=Happening.CONSENT_WITHDRAWN)
        transaction.on_commit(lambda: consent_withdrawn.send(User, user=user))
    return ended


@transaction.atomic
def revoke_all_tokens(*, user: User) -> int:
    """Revoke every token of a person that works, and tell of each; return how many there were.

    One that is being made meanwhile, perhaps by whom this is to shut out, is waited for. Raises AccountGone.
    """
    wait_for_turn(user)
    return sum(revoke_token(token=token) for token in usable_tokens(user=user).select_related("user"))


def set_preferences(*, user: User, playback: str | None = None, tracks: int | None = None) -> Preferences:
    """Change what is given and leave the rest; return all of it. Raises InvalidInput for what cannot be chosen."""
    if playback is not None and playback not in Playback.values:
        raise InvalidInput(f"Please choose one of {', '.join(Playback.values)} for the playback.")
    least, most = Preferences.MIN_TRACKS, Preferences.MAX_TRACKS
    if tracks is not None and not least <= tracks <= most:
        raise InvalidInput(f"A playlist can have {least} to {most} tracks.")
    given = {"playback": playback, "tracks": tracks}
    changes = {name: value for name, value in given.items() if value is not None}
    preferences, _ = Preferences.objects.update_or_create(user=user, defaults=changes)
    user.preferences = preferences
    return preferences
