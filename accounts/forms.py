"""The forms of account pages; allauth's are in our words: labels without placeholders, and what races need."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.mfa.base import forms as factors
from allauth.mfa.webauthn import forms as passkeys
from django import forms
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from accounts.adapter import just_sent
from accounts.backends import owners_of
from accounts.models import Playback, Preferences, Scope, User
from accounts.tokens import MAX_NAME

EMAIL = "E-mail address"
LABELS = {"email": EMAIL, "login": EMAIL, "remember": "Keep me logged in on this device", "code": "Recovery code"}
PASSWORD_HELP = "At least 8 characters. Not a common password, and not like your e-mail address."  # noqa: S105


class PlainFields:
    """Word the fields as the rest of emotune does; a placeholder would only repeat the label."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = LABELS.get(name, str(field.label or name).capitalize())
            field.widget.attrs.pop("placeholder", None)
        if "password1" in self.fields:
            self.fields["password1"].help_text = PASSWORD_HELP


class LoginForm(PlainFields, allauth.LoginForm):  # type: ignore[misc]
    """Log in."""


class SignupForm(PlainFields, allauth.SignupForm):  # type: ignore[misc]
    """Open an account."""

    def validate_unique_email(self, email: str) -> str:
        """Refuse an address that has an account, or note it where the answer must not tell.

        One that somebody else only asked to change to has none: that must not keep its owner out.
        """
        is_taken = bool(owners_of(email))
        if is_taken and settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory":
            raise get_adapter().validation_error("email_taken")
        self.account_already_exists = is_taken
        return email

    def save(self, request: HttpRequest) -> User:
        """Save the new account and its address, which allauth leaves out where others have asked to change to it."""
        user: User = super().save(request)
        EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})
        return user

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Save the new account; of two sign-ups at once, the second is shown where the first one's message went."""
        if self.account_already_exists:
            self._take_as_long(request)
        try:
            with transaction.atomic():
                saved: tuple[User | None, HttpResponse | None] = super().try_save(request)
        except IntegrityError:
            return None, get_adapter().respond_email_verification_sent(request, None)
        return saved

    def _take_as_long(self, request: HttpRequest) -> None:
        """Open an account and take it back: the time of the answer must not tell that the address has one."""
        email = self.cleaned_data["email"]
        self.cleaned_data["email"], self.account_already_exists = f"{uuid4().hex}@rehearsal.invalid", False
        with transaction.atomic():
            user = self.save(request)
            EmailAddress.objects.filter(user=user, verified=True).exists()
            EmailAddress.objects.select_related("user").get(user=user)
            transaction.set_rollback(True)
        self.cleaned_data["email"], self.account_already_exists = email, True


class ChangeEmailForm(PlainFields, allauth.AddEmailForm):  # type: ignore[misc]
    """Ask for another address, which takes the place of the present one once its owner has followed the link."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        # With mandatory verification the answer must not tell whether an address has an account; without it, sign-up
        # tells anyway, and an address without proof of ownership could take the place of another person's.
        if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory" and User.objects.filter(email=email).exists():
            raise get_adapter().validation_error("email_taken")
        return email

    @transaction.atomic
    def save(self, request: HttpRequest) -> EmailAddress:
        """Send the link. The address in use stays until then, proven or not; an earlier wish for another one goes.

        While it cannot be sent, nothing is changed: the earlier link works on.
        """
        EmailAddress.objects.filter(user=self.user, verified=False).exclude(email=self.user.email).delete()
        address: EmailAddress = EmailAddress.objects.add_email(request, self.user, self.cleaned_data["email"])
        if not send_verification_email_to_address(request, address):
            raise just_sent()
        return address


class ChangePasswordForm(PlainFields, allauth.ChangePasswordForm):  # type: ignore[misc]
    """Change a known password."""


class SetPasswordForm(PlainFields, allauth.SetPasswordForm):  # type: ignore[misc]
    """Set the first password of an account that was made without one."""


class ResetPasswordForm(PlainFields, allauth.ResetPasswordForm):  # type: ignore[misc]
    """Ask for a link to set a new password."""

    def clean_email(self) -> str:
        """Find whose address it is: not whose it may become."""
        email: str = self.cleaned_data["email"]
        self.users = [user for user in owners_of(email) if user.is_active]
        return email


class ResetPasswordKeyForm(PlainFields, allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    """Set a new password after following that link."""


class ReauthenticateForm(PlainFields, allauth.ReauthenticateForm):  # type: ignore[misc]
    """Show once more that one knows the password."""


class WellFormed:
    """Refuse in words what no browser sends as a passkey; the parser of allauth would break on some of it.

    What allauth itself refuses is said in words about passkeys, too: it has the same for them and for recovery codes.
    """

    refusal = "passkey_refused"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self._refuse_nonsense(super().clean)  # type: ignore[misc]
        return cleaned

    def _refuse_nonsense(self, clean: Callable[[], Any]) -> Any:
        try:
            return clean()
        except forms.ValidationError as error:
            if getattr(error, "code", None) != "incorrect_code":
                raise
            raise passkeys.get_adapter().validation_error(self.refusal) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise passkeys.get_adapter().validation_error(self.refusal) from error


class WellFormedCredential(WellFormed):
    """The same for forms that check the credential by itself."""

    def clean_credential(self) -> Any:
        return self._refuse_nonsense(super().clean_credential)  # type: ignore[misc]


class LoginByPasskeyForm(WellFormedCredential, passkeys.LoginWebAuthnForm):  # type: ignore[misc]
    """Log in with a passkey alone."""


class AuthenticateByPasskeyForm(WellFormedCredential, passkeys.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """Log in with a passkey after the password."""


class ReauthenticateByPasskeyForm(WellFormedCredential, passkeys.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Show with a passkey that it is oneself."""


class AddPasskeyForm(PlainFields, WellFormed, passkeys.AddWebAuthnForm):  # type: ignore[misc]
    """Add a passkey, one that logs in by itself unless the person would rather not."""

    refusal = "passkey_not_added"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = "To tell it from others, such as: my phone"
        self.fields["name"].max_length = MAX_NAME
        self.fields["name"].widget.attrs["maxlength"] = MAX_NAME
        self.fields[
            "passwordless"
        ].label = "It logs me in without the password, and asks for a fingerprint, a look or a PIN"
        self.fields["passwordless"].help_text = ""
        self.fields["passwordless"].initial = True

    def clean_name(self) -> str:
        name: str = super().clean_name()
        return name[:MAX_NAME]


class EditPasskeyForm(PlainFields, passkeys.EditWebAuthnForm):  # type: ignore[misc]
    """Rename a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["maxlength"] = MAX_NAME

    def clean_name(self) -> str:
        return str(self.cleaned_data["name"])[:MAX_NAME]


class RecoveryCodeForm(PlainFields, factors.AuthenticateForm):  # type: ignore[misc]
    """Log in with a recovery code after the password."""


class ReauthenticateByCodeForm(PlainFields, factors.ReauthenticateForm):  # type: ignore[misc]
    """Show with a recovery code that it is oneself."""


# How long a token lives, by the days that the form sends.
LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "for ever, until revoked"))


class TokenForm(forms.Form):
    """Make a token for a program."""

    name = forms.CharField(max_length=MAX_NAME, label="What is it for?", help_text="For example: scrobbler on my phone")
    scopes = forms.MultipleChoiceField(label="What may it do?", widget=forms.CheckboxSelectMultiple)
    days = forms.ChoiceField(label="How long does it work?", choices=LIFETIMES, initial="90", required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = [(scope.value, scope.label) for scope in Scope if scope != Scope.ADMIN or user.is_staff]
        self.fields["scopes"].choices = scopes  # type: ignore[attr-defined]

    def lifetime(self) -> timedelta | None:
        days = self.cleaned_data["days"]
        return timedelta(days=int(days)) if days else None


class PreferencesForm(forms.Form):
    """Say how one wants to listen."""

    playback = forms.ChoiceField(
        label="Where a track plays that can be had in two places", choices=Playback.choices, widget=forms.RadioSelect
    )
    tracks = forms.IntegerField(
        label="Tracks in a playlist", min_value=Preferences.MIN_TRACKS, max_value=Preferences.MAX_TRACKS
    )


class DeletionForm(forms.Form):
    """Delete the account."""

    sure = forms.BooleanField(
        label="I know that this cannot be undone",
        error_messages={"required": "Please say that you know it by ticking the box."},
    )
