"""Pages on API tokens: the list, making one, revoking one."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import TokenForm
from accounts.models import ApiToken
from accounts.tokens import create_token, revoke_token
from emotune.errors import EmotuneError
from emotune.http import AppRequest

MOST_SHOWN = 100


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
@never_cache
def tokens(request: AppRequest) -> HttpResponse:
    """List a person's tokens and make one. Its secret is in this answer alone, which no cache keeps."""
    form = TokenForm(request.POST if request.method == "POST" else None, user=request.user)
    token = secret = None
    if form.is_valid():
        lifetime = form.lifetime()
        try:
            token, secret = create_token(
                user=request.user,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=timezone.now() + lifetime if lifetime else None,
            )
            form = TokenForm(user=request.user)
        except EmotuneError as error:
            form.add_error(None, error.message)
    mine = ApiToken.objects.filter(user=request.user)
    context = {
        "form": form,
        "tokens": mine.filter(revoked_at=None)[:MOST_SHOWN],
        "revoked": mine.exclude(revoked_at=None)[:MOST_SHOWN],
        "made": token,
        "secret": secret,
    }
    return render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def revoke(request: AppRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=token_id, user=request.user)
    if revoke_token(token=token):
        messages.success(request, f"“{token.name}” is revoked. A program that used it is logged out.")
    return redirect("accounts:tokens")
