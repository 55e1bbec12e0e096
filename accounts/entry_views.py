"""allauth's views of the ways into an account, where ours differ: sign-up, addresses, passkeys."""

import contextlib
from typing import Any

from allauth.account import views as allauth
from allauth.account.utils import passthrough_next_redirect_url
from allauth.mfa.webauthn import views as passkeys
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url

from accounts.adapter import just_sent
from accounts.forms import LoginByPasskeyForm, ReauthenticateByPasskeyForm, SignupForm


class SignupView(allauth.SignupView):  # type: ignore[misc]
    """Open an account, or leave none behind while the message cannot be sent by which its address is confirmed."""

    @transaction.atomic
    def form_valid(self, form: SignupForm) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        return response


class EmailView(allauth.EmailView):  # type: ignore[misc]
    """Ask to change the address, or for its link again; what is not sent is said."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return {**super().get_context_data(**more), "sends_no_mail": settings.SENDS_NO_MAIL}

    def _action_send(self, request: HttpRequest, *_: Any, **__: Any) -> None:
        super()._action_send(request)
        if not self._did_send_verification_email and self._get_email_address(request):
            raise just_sent()

    def _action_primary(self, *_: Any, **__: Any) -> None:
        """Do nothing: an address takes the place of another one by its link alone."""


class ConfirmEmailView(allauth.ConfirmEmailView):  # type: ignore[misc]
    """Confirm an address; one that an account is to change to, for nobody but whoever is logged in to that account.

    It may be mistyped: whoever reads its messages could otherwise take the account, or an account be put upon them.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with contextlib.suppress(Http404):
            address = self.get_object().email_address
            if address.email != address.user.email and address.user_id != request.user.pk:
                context = {"must_log_in": True, "email": address.email}
                return render(request, "account/email_confirm.html", context, status=403)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response


class LoginByPasskeyView(passkeys.LoginWebAuthnView):  # type: ignore[misc]
    """Log in with a passkey; one that is refused leads back to the login, which still knows where one was going."""

    def form_invalid(self, form: LoginByPasskeyForm) -> HttpResponse:
        super().form_invalid(form)  # says what is wrong
        return redirect(passthrough_next_redirect_url(self.request, resolve_url("account_login"), REDIRECT_FIELD_NAME))


class ReauthenticateByPasskeyView(passkeys.ReauthenticateWebAuthnView):  # type: ignore[misc]
    """Show with a passkey that it is oneself; one that is refused leads back to the question, and on from there."""

    def form_invalid(self, form: ReauthenticateByPasskeyForm) -> HttpResponse:
        super().form_invalid(form)  # says what is wrong
        return redirect(self.passthrough_next_url(self.request.path))
