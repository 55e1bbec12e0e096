"""What accounts keep of a person, for exports and deletions."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry

from accounts.archive import remove_file
from accounts.models import AccountEvent, ApiToken, Consent, Export, Preferences, User
from emotune import jobs
from emotune.personal import PersonalData


def _end_sessions(user: User) -> None:
    for session in UserSession.objects.filter(user=user):
        session.end()


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
