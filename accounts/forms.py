"""The forms of account pages; allauth's are in our words: labels without placeholders, and what races need."""

from datetime import timedelta
from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from accounts.models import Playback, Preferences, Scope, User
from accounts.tokens import MAX_NAME

EMAIL = "E-mail address"
LABELS = {"email": EMAIL, "login": EMAIL, "remember": "Keep me logged in on this device"}
PASSWORD_HELP = "At least 8 characters. Not a common password, and not like your e-mail address."  # noqa: S105


class PlainFields:
    """Word the fields as the rest of emotune does; a placeholder would only repeat the label."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = LABELS.get(name, str(field.label).capitalize())
            field.widget.attrs.pop("placeholder", None)
        if "password1" in self.fields:
            self.fields["password1"].help_text = PASSWORD_HELP


class LoginForm(PlainFields, allauth.LoginForm):  # type: ignore[misc]
    """Log in."""


class SignupForm(PlainFields, allauth.SignupForm):  # type: ignore[misc]
    """Open an account."""

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Save the new account; of two sign-ups at once, the second is shown where the first one's message went."""
        try:
            with transaction.atomic():
                saved: tuple[User | None, HttpResponse | None] = super().try_save(request)
        except IntegrityError:
            return None, get_adapter().respond_email_verification_sent(request, None)
        return saved


class ChangeEmailForm(PlainFields, allauth.AddEmailForm):  # type: ignore[misc]
    """Ask for another address, which takes the place of the present one once its owner has followed the link."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        # With mandatory verification the answer must not tell whether an address has an account; without it, sign-up
        # tells anyway, and an address without proof of ownership could take the place of another person's.
        if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory" and User.objects.filter(email=email).exists():
            raise get_adapter().validation_error("email_taken")
        return email

    def save(self, request: HttpRequest) -> EmailAddress:
        """Send the link. The address in use stays until then, proven or not; an earlier wish for another one goes."""
        EmailAddress.objects.filter(user=self.user, verified=False).exclude(email=self.user.email).delete()
        return EmailAddress.objects.add_email(request, self.user, self.cleaned_data["email"], confirm=True)


class ChangePasswordForm(PlainFields, allauth.ChangePasswordForm):  # type: ignore[misc]
    """Change a known password."""


class SetPasswordForm(PlainFields, allauth.SetPasswordForm):  # type: ignore[misc]
    """Set the first password of an account that was made without one."""


class ResetPasswordForm(PlainFields, allauth.ResetPasswordForm):  # type: ignore[misc]
    """Ask for a link to set a new password."""


class ResetPasswordKeyForm(PlainFields, allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    """Set a new password after following that link."""


class ReauthenticateForm(PlainFields, allauth.ReauthenticateForm):  # type: ignore[misc]
    """Show once more that one knows the password."""


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
