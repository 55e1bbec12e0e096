"""How allauth speaks and behaves in emotune: our words for its errors, and one address for one account."""

import contextlib
import logging
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.devices import device_name
from accounts.events import record
from accounts.models import Happening, User
from emotune.errors import Unavailable

logger = logging.getLogger(__name__)

NO_MAIL = "No e-mail can be sent just now. Please try again in a moment."
NO_MAIL_SERVER = (
    "This emotune sends no e-mail. Ask whoever runs it: an admin can set a new password or address for you."
)
# Messages without which their reader cannot go on, and the one in their place for whoever has no account.
NEEDED = frozenset(f"account/email/{name}" for name in ("password_reset_key", "unknown_account", "email_confirmation"))
# What allauth sends a message about is told on the account page too.
TOLD = {
    "account/email/password_changed": Happening.PASSWORD_CHANGED,
    "account/email/password_set": Happening.PASSWORD_CHANGED,
    "account/email/password_reset": Happening.PASSWORD_RESET,
    "account/email/email_changed": Happening.EMAIL_CHANGED,
    "mfa/email/webauthn_added": Happening.PASSKEY_ADDED,
    "mfa/email/webauthn_removed": Happening.PASSKEY_REMOVED,
    "mfa/email/recovery_codes_generated": Happening.CODES_MADE,
}


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
        """Mark the address as verified, unless another account was opened with it while the link was on its way."""
        try:
            with transaction.atomic():
                return bool(super().confirm_email(request, email_address))
        except IntegrityError:
            template, context = "account/messages/email_confirmation_failed.txt", {"email": email_address.email}
            self.add_message(request, messages.ERROR, template, context)
            return False

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
            ratelimit.clear(self.request, action="confirm_email", key=email.lower())
            raise Unavailable(NO_MAIL) from error

    def send_notification_mail(self, template_prefix: str, user: User, *more: Any, **details: Any) -> None:
        """Tell of what is done already, if only on the account page while no message can be sent."""
        if kind := TOLD.get(template_prefix):
            record(user=user, kind=kind)
        with contextlib.suppress(Unavailable):
            super().send_notification_mail(template_prefix, user, *more, **details)
