"""Pages on one's own data: what happened to the account, a copy of everything, and the end of tokens and account."""

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.deletion import delete_account
from accounts.events import EVENTS_KEPT, events_of, record
from accounts.exports import delete_export, exports_of, request_export
from accounts.forms import DeletionForm
from accounts.models import Export, Happening
from accounts.services import revoke_all_tokens
from accounts.tokens import usable_tokens
from emotune.http import AppRequest
from emotune.jobs import JobState, Progress, progress_of, seen_of

EVENTS_PER_PAGE = 50


@login_required
@require_safe
@never_cache
def activity(request: AppRequest) -> HttpResponse:
    """Show all that is kept of what happened to the account: nobody can push a line out by doing other things often."""
    page = Paginator(events_of(user=request.user), EVENTS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/activity.html", {"page": page, "days": EVENTS_KEPT.days})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def revoke_tokens(request: AppRequest) -> HttpResponse:
    """Ask whether all tokens are to end, and end them once that is said."""
    if request.method == "POST":
        if number := revoke_all_tokens(user=request.user):
            words = _tokens(number) + (" is" if number == 1 else " are")
            messages.success(request, f"{words} revoked. Every program that used your account is logged out.")
        return redirect("accounts:profile")
    number = usable_tokens(user=request.user).count()
    return render(request, "accounts/revoke_tokens.html", {"number": number, "words": _tokens(number)})


def _tokens(number: int) -> str:
    return f"{number} token{'' if number == 1 else 's'}"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def exports(request: AppRequest) -> HttpResponse:
    """List the copies and ask for one; under htmx, the list alone, which polls itself while one is under way.

    That is answered by 204 while nothing changed, and once by which copy is over.
    """
    if request.method == "POST":
        request_export(user=request.user)
        return redirect("accounts:exports")
    found = list(exports_of(user=request.user)[:20])
    open_one = next((export for export in found if not export.is_over), None)
    progress = progress_of(open_one) if open_one else Progress()
    seen = seen_of(open_one, progress) if open_one else ""
    context = {"exports": found, "open": open_one, "progress": progress, "seen": seen}
    if not request.htmx:
        return render(request, "accounts/exports.html", context)
    before = request.GET.get("seen", "")
    if before and before == seen:
        return HttpResponse(status=204)
    ended = next((export for export in found if export.is_over and before.startswith(str(export.pk))), None)
    return render(request, "accounts/_exports.html", {**context, "ended": ended})


@login_required
@require_safe
@never_cache
def download(request: AppRequest, export_id: UUID) -> HttpResponseBase:
    exports_of(user=request.user)  # what is too old is gone first
    export = get_object_or_404(Export, pk=export_id, user=request.user, state=JobState.DONE)
    try:
        file = export.file.open("rb")
    except (FileNotFoundError, ValueError) as error:
        raise Http404 from error
    if request.method == "GET":
        record(user=request.user, kind=Happening.EXPORT_FETCHED)
    name = f"emotune-{export.created_at:%Y-%m-%d}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


@login_required
@require_POST
def discard(request: AppRequest, export_id: UUID) -> HttpResponse:
    export = get_object_or_404(Export, pk=export_id, user=request.user)
    delete_export(export=export)
    messages.success(request, "Deleted." if export.is_over else "Stopped.")
    return redirect("accounts:exports")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required  # type: ignore[untyped-decorator]
@never_cache
def deletion(request: AppRequest) -> HttpResponse:
    """Say what goes and delete it. Who comes here has just shown that they know the password or hold a key."""
    form = DeletionForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "accounts/delete.html", {"form": form}, status=422 if form.errors else 200)
    delete_account(user=request.user)
    logout(request)
    messages.success(request, "Your account is deleted, with everything that was kept of you.")
    return redirect("home")
