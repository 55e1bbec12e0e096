"""How allauth speaks and behaves in emotune: our words for its errors, one address for one account, and its limits."""

import contextlib
import logging
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.devices import device_name
from accounts.events import record
from accounts.models import Happening, User
from emotune.errors import TooMany, Unavailable

logger = logging.getLogger(__name__)

NO_MAIL = "No e-mail can be sent just now. Please try again in a moment."
NO_MAIL_SERVER = (
    "This emotune sends no e-mail. Ask whoever runs it: an admin can set a new password or address for you."
)
JUST_SENT = "A message was sent to this address less than three minutes ago. Please wait three minutes and try again."
LINK_SENT = "account/messages/email_confirmation_sent.txt"
# Where allauth looks for the limits that ACCOUNT_RATE_LIMITS sets.
LIMITS = "allauth.account"
# Messages without which their reader cannot go on, and the one in their place for whoever has no account.
NEEDED = frozenset(f"account/email/{name}" for name in ("password_reset_key", "unknown_account", "email_confirmation"))
# What allauth sends a message about is told on the account page too; a changed address see confirm_email.
TOLD = {
    "account/email/password_changed": Happening.PASSWORD_CHANGED,
    "account/email/password_set": Happening.PASSWORD_CHANGED,
    "account/email/password_reset": Happening.PASSWORD_RESET,
    "mfa/email/webauthn_added": Happening.PASSKEY_ADDED,
    "mfa/email/webauthn_removed": Happening.PASSKEY_REMOVED,
    "mfa/email/recovery_codes_generated": Happening.CODES_MADE,
}


def just_sent() -> TooMany:
    """Return what to raise where the limit `confirm_email` lets no further message go to an address."""
    return TooMany(JUST_SENT, retry_after=180)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter; see ACCOUNT_ADAPTER."""

    error_messages: ClassVar[dict[str, str]] = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": "This account is switched off.",
        "duplicate_email": "This is your address already, or you have asked to change to it.",
        "email_password_mismatch": "There is no account with this e-mail address and password. Please check both.",
        "email_taken": "There is already an account with this e-mail address. Log in, or reset its password.",
        "enter_current_password": "This is not your current password.",
        "incorrect_password": "This is not your password.",
        "too_many_login_attempts": "That was too many attempts. Please wait five minutes and try again.",
    }

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Mark the address as verified, unless another account was opened with it while the link was on its way.

        The former one is told where it was proven: one that was mistyped must not learn the right one.
        """
        former = email_address.user.email
        others = EmailAddress.objects.filter(user=email_address.user).exclude(pk=email_address.pk)
        try:
            with transaction.atomic():
                # allauth takes all others away afterwards, and tells the first of them, proven or not
                others.filter(verified=False).delete()
                confirmed = bool(super().confirm_email(request, email_address))
                if not confirmed:
                    transaction.set_rollback(True)
                elif email_address.email != former:
                    record(user=email_address.user, kind=Happening.EMAIL_CHANGED)
                return confirmed
        except IntegrityError:
            template, context = "account/messages/email_confirmation_failed.txt", {"email": email_address.email}
            self.add_message(request, messages.ERROR, template, context)
            return False

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        """Whether it is one that the person only asked to change to; the one in use goes when another is proven."""
        return bool(email_address.email != email_address.user.email)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *more: Any, **details: Any
    ) -> None:
        """Say what was done; not that a link was sent where nothing is."""
        if settings.SENDS_NO_MAIL and message_template == LINK_SENT:
            return
        super().add_message(request, level, message_template, *more, **details)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt by the address that it comes from, too; when it succeeds that is taken back.

        Under a name of its own: allauth forgets all of `login_failed` after a passkey, a recovery code or a reset, and
        with one account of their own people could guess on at the others.
        """
        self._attempt = ratelimit.consume(request, app=LIMITS, action="login_failed_from_address")
        if not self._attempt:
            raise self.validation_error("too_many_login_attempts")
        super().pre_authenticate(request, **credentials)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        user: User | None = super().authenticate(request, **credentials)
        if user:
            self._attempt.rollback()
        return user

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:  # noqa: ARG002
        return reverse("accounts:profile")

    def post_login(self, request: HttpRequest, user: User, **details: Any) -> HttpResponse:
        device = device_name(request.headers.get("User-Agent", ""))
        record(user=user, kind=Happening.LOGGED_IN, detail=f"{device}, {self.get_client_ip(request)}")
        response: HttpResponse = super().post_login(request, user, **details)
        return response

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a message. Raises Unavailable while the mail server takes none, or where a message that is needed has
        none to go to; whether or not there is an account."""
        if settings.SENDS_NO_MAIL and template_prefix in NEEDED:
            raise Unavailable(NO_MAIL_SERVER)
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:  # those of SMTP are such; their words may hold the address
            logger.warning("%s was not sent: %s", template_prefix, type(error).__name__)
            # the next attempt would send nothing for three minutes, as if this one had
            ratelimit.clear(self.request, app=LIMITS, action="confirm_email", key=email.lower())
            raise Unavailable(NO_MAIL) from error

    def send_notification_mail(self, template_prefix: str, user: User, *more: Any, **details: Any) -> None:
        """Tell of what is done already, if only on the account page while no message can be sent."""
        if kind := TOLD.get(template_prefix):
            record(user=user, kind=kind)
        with contextlib.suppress(Unavailable):
            super().send_notification_mail(template_prefix, user, *more, **details)


class PasskeyAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth's adapter for passkeys and recovery codes; see MFA_ADAPTER."""

    error_messages: ClassVar[dict[str, str]] = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": "This passkey cannot be removed.",
        "cannot_generate_recovery_codes": "Recovery codes take the place of a passkey. Add a passkey first.",
        "incorrect_code": "This is none of your recovery codes, or it was used already.",
        "passkey_not_added": "The passkey was not added. Please try again.",
        "passkey_refused": "This passkey was not accepted: it may have been removed from the account, or another tab "
        "has asked for one since. Please try again, or use another way.",
    }
