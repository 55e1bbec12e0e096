"""The account page, the consent to the camera, and preferences."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.events import recent_events
from accounts.forms import PreferencesForm
from accounts.models import CONSENT_VERSION
from accounts.services import give_consent, set_preferences, withdraw_consent
from accounts.tokens import usable_tokens
from emotune.http import AppRequest, redirect_back


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: AppRequest) -> HttpResponse:
    """Show the text and record the agreement to it: a page from before it changed agrees to nothing."""
    if request.method == "POST":
        if request.POST.get("version") == CONSENT_VERSION:
            give_consent(user=request.user)
            messages.success(request, "Thank you. You can withdraw this at any time on your account page.")
            return redirect_back(request, "detection:new")
        messages.warning(request, "This text has changed since you opened the page. Please read it once more.")
    context = {
        "consent": request.user.consent,
        "outdated": request.user.consents.filter(withdrawn_at=None).exclude(version=CONSENT_VERSION).exists(),
        "version": CONSENT_VERSION,
        "next": request.POST.get("next") or request.GET.get("next", ""),
    }
    return render(request, "accounts/consent.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def withdraw(request: AppRequest) -> HttpResponse:
    if withdraw_consent(user=request.user):
        messages.success(request, "Withdrawn. emotune reads no more pictures of you unless you agree again.")
    return redirect("accounts:profile")


@login_required
@require_safe
def profile(request: AppRequest) -> HttpResponse:
    user = request.user
    context = {
        "consent": user.consent,
        "consents": user.consents.order_by("-given_at", "-id"),
        "email_verified": EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists(),
        "preferences": user.preferences,
        "passkey_count": Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).count(),
        "token_count": usable_tokens(user=user).count(),
        "events": recent_events(user=user),
    }
    return render(request, "accounts/profile.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: AppRequest) -> HttpResponse:
    present = request.user.preferences
    initial = {"playback": present.playback, "tracks": present.tracks}
    form = PreferencesForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        set_preferences(user=request.user, **form.cleaned_data)
        messages.success(request, "Saved. It holds from your next playlist on.")
        return redirect("accounts:profile")
    return render(request, "accounts/preferences.html", {"form": form}, status=422 if form.errors else 200)
