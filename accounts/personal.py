"""What accounts keep of a person, for exports and deletions."""

from collections.abc import Mapping
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef

from accounts.archive import remove_file
from accounts.models import AccountEvent, ApiToken, Consent, Export, Preferences, User
from emotune import jobs
from emotune.personal import PIECE, PersonalData


def _end_sessions(user: User) -> None:
    """End the sessions of a person's devices, and those of browsers that stopped on the way in.

    A login that waits for a passkey and a sign-up that waits for its link hold the address and stand in no list. Whose
    a session is, is told by its signed text alone: all are opened that are listed for nobody, a piece at a time.
    """
    for session in UserSession.objects.filter(user=user):
        session.end()
    listed = UserSession.objects.filter(session_key=OuterRef("session_key"))
    rows = Session.objects.filter(~Exists(listed)).values_list("session_key", "session_data")
    opened = SessionStore()
    found = [key for key, data in rows.iterator(chunk_size=PIECE) if _is_of(opened.decode(data), user)]
    Session.objects.filter(session_key__in=found).delete()


def _is_of(session: Mapping[str, Any], user: User) -> bool:
    """Whether somebody logged in as the person in this session, or began to: the names are Django's and allauth's."""
    login = session.get("account_login") or {}
    is_known = str(user.pk) in (session.get(SESSION_KEY), session.get("account_authentication_methods_user"))
    is_awaited = login.get("user_pk") == user_pk_to_url_str(user)
    return is_known or is_awaited or str(login.get("email")).lower() == user.email


def _remove_exports(user: User) -> None:
    for export in Export.objects.filter(user=user):
        jobs.forget(export)
        remove_file(export)


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


PERSONAL_DATA = (
    PersonalData(
        "exports",
        lambda user: Export.objects.filter(user=user),
        _same("id", "state", "created_at", "finished_at", "size", "rows"),
        order=("created_at",),
        outside=_remove_exports,
    ),
    PersonalData(
        "api_tokens",
        lambda user: ApiToken.objects.filter(user=user),
        _same("name", "shown", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at"),
    ),
    PersonalData(
        "account_events",
        lambda user: AccountEvent.objects.filter(user=user),
        _same("happened_at", "kind", "detail"),
    ),
    PersonalData(
        "devices",
        lambda user: UserSession.objects.filter(user=user),
        _same("created_at", "last_seen_at", "ip", "user_agent"),
        outside=_end_sessions,
    ),
    PersonalData(
        "passkeys",
        lambda user: Authenticator.objects.filter(user=user),
        {"type": "type", "name": "data__name", "created_at": "created_at", "last_used_at": "last_used_at"},
    ),
    PersonalData(
        "email_addresses",
        lambda user: EmailAddress.objects.filter(user=user),
        _same("email", "verified", "primary"),
    ),
    PersonalData("preferences", lambda user: Preferences.objects.filter(user=user), _same("playback", "tracks")),
    PersonalData(
        "consents", lambda user: Consent.objects.filter(user=user), _same("version", "given_at", "withdrawn_at")
    ),
    PersonalData(
        "admin_actions",
        lambda user: LogEntry.objects.filter(user=user),
        _same("action_time", "object_repr", "action_flag", "change_message"),
    ),
    PersonalData(
        "account",
        lambda user: User.objects.filter(pk=user.pk),
        _same("id", "email", "date_joined", "last_login", "is_active", "is_staff", "is_superuser"),
    ),
)
