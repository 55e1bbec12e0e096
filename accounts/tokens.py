"""Making, revoking and recognising the tokens by which programs log in."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.events import record
from accounts.models import ApiToken, Happening, Scope, User
from accounts.token_secrets import fingerprint, looks_like_a_secret, make_secret, shown_part
from emotune.errors import AccountGone, InvalidInput, NotAllowed

MAX_TOKENS = 50
MAX_NAME = 100
# A busy program writes to its token's row once in this time, not at every request.
USE_RECORDED_EVERY = timedelta(minutes=1)
# One that is revoked or over is still listed for so long.
DEAD_KEPT = timedelta(days=90)


def usable_tokens(*, user: User) -> QuerySet[ApiToken]:
    """Return the tokens of a person that work at present."""
    alive = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return ApiToken.objects.filter(alive, user=user, revoked_at=None)


@transaction.atomic
def create_token(
    *, user: User, name: str, scopes: Collection[str], expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token; return it with its secret, which cannot be had again.

    Raises InvalidInput for a name, scopes or a date that cannot be, or for one token too many; NotAllowed for the scope
    admin when the person is not staff; AccountGone.
    """
    name = "".join(letter for letter in " ".join(name.split()) if letter.isprintable())
    _check(user, name, set(scopes), expires_at)
    wait_for_turn(user)  # of two requests at once, the second one counts the first one's
    if usable_tokens(user=user).count() >= MAX_TOKENS:
        raise InvalidInput(f"You have {MAX_TOKENS} tokens already. Please revoke one that is not needed any more.")
    secret = make_secret()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        shown=shown_part(secret),
        fingerprint=fingerprint(secret),
        scopes=[scope.value for scope in Scope if scope in scopes],
        expires_at=expires_at,
    )
    record(user=user, kind=Happening.TOKEN_MADE, detail=token.name)
    return token, secret


def wait_for_turn(user: User) -> None:
    """Let one change of all of a person's tokens at a time through, in a transaction. Raises AccountGone."""
    if not User.objects.select_for_update().filter(pk=user.pk).values_list("pk").first():
        raise AccountGone


def _check(user: User, name: str, scopes: set[str], expires_at: datetime | None) -> None:
    if not name or len(name) > MAX_NAME:
        raise InvalidInput(f"Please give the token a name of at most {MAX_NAME} characters.")
    if not scopes or not scopes <= set(Scope.values):
        raise InvalidInput(f"Please choose what the token may do: one or more of {', '.join(Scope.values)}.")
    if Scope.ADMIN in scopes and not user.is_staff:
        raise NotAllowed("Only people who run this site can make a token for the scope admin.")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidInput("A token cannot end in the past. Please choose a later date.")


@transaction.atomic
def revoke_token(*, token: ApiToken) -> bool:
    """End a token, from the next request on; return whether it was not revoked before."""
    now = timezone.now()
    token.revoked_at = token.revoked_at or now
    revoked = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
    if revoked:
        record(user=token.user, kind=Happening.TOKEN_REVOKED, detail=token.name)
    return bool(revoked)


def authenticate(secret: str) -> ApiToken | None:
    """Return the usable token of an active person that this secret belongs to, with its use recorded."""
    if not looks_like_a_secret(secret):
        return None
    found = (
        ApiToken.objects.filter(fingerprint=fingerprint(secret), user__is_active=True).select_related("user").first()
    )
    if found is None or not found.is_usable:
        return None
    now = timezone.now()
    if found.last_used_at is None or now - found.last_used_at >= USE_RECORDED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_RECORDED_EVERY)
        ApiToken.objects.filter(stale, pk=found.pk).update(last_used_at=now)
        found.last_used_at = now
    return found


def forget_dead_tokens() -> int:
    """Delete tokens that have been revoked or over for DEAD_KEPT; return how many there were."""
    before = timezone.now() - DEAD_KEPT
    return ApiToken.objects.filter(Q(revoked_at__lt=before) | Q(expires_at__lt=before)).delete()[0]
