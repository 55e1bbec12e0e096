"""The page where a person brings their history from another service: upload, progress, outcome, removal."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from emotune import jobs
from emotune.errors import InvalidInput
from emotune.http import AppRequest
from emotune.jobs import Progress
from playlists.imports import MAX_BYTES, remove_history_import, submit_history_import
from playlists.models import HistoryImport

PER_PAGE = 20


@csrf_exempt
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def imports(request: AppRequest) -> HttpResponse:
    """Show the imports, or take one. An export is no picture: it may lie on a disk until it was read."""
    # before anything reads the form, which the check of its secret does
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    return _imports(request)


@csrf_protect
def _imports(request: AppRequest) -> HttpResponse:
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None:
            raise InvalidInput("Choose a file first.")
        submit_history_import(user=request.user, file=file, kind=request.POST.get("kind", ""))
        return redirect("playlists:import")
    mine = HistoryImport.objects.filter(user=request.user).order_by("-created_at", "-pk")
    page = Paginator(mine, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "imports": [_state(jobs.refresh(job)) for job in page],
        "most": MAX_BYTES // 1024**2,
        "done": request.session.pop("done", None),
    }
    return render(request, "playlists/import.html", context)


@login_required
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def progress(request: AppRequest, job_id: UUID) -> HttpResponse:
    """Answer the fragment of one import, which asks for itself until the import is over; 204 while nothing changed."""
    job = jobs.refresh(_import_of(request, job_id))
    if not request.htmx:
        return redirect("playlists:import")
    item = _state(job)
    if request.GET.get("seen") == item["seen"]:
        return HttpResponse(status=204)
    return render(request, "playlists/_import.html", {"item": item, "ended": job.is_over})


@login_required
@require_POST
def cancel(request: AppRequest, job_id: UUID) -> HttpResponse:
    job = _import_of(request, job_id)
    jobs.request_cancel(job)
    return _answer(request, jobs.refresh(job))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def remove(request: AppRequest, job_id: UUID) -> HttpResponse:
    """Ask whether what an import brought is to go, and take it back once that is said."""
    job = _import_of(request, job_id)
    if request.method != "POST":
        context = {
            "question": "Remove this import?",
            "words": f"All listens and ratings that {job.name} brought will be gone.",
            "act": "Remove this import",
            "back": reverse("playlists:import"),
        }
        return render(request, "question.html", context)
    number = remove_history_import(history_import=job)
    words = f"The import is removed, and with it {number:,} listen{'' if number == 1 else 's'}."
    if request.htmx:
        return render(request, "playlists/_import_removed.html", {"words": words})
    request.session["done"] = {"words": words, "token": ""}
    return redirect("playlists:import")


def _import_of(request: AppRequest, job_id: UUID) -> HistoryImport:
    return get_object_or_404(HistoryImport, pk=job_id, user=request.user)


def _answer(request: AppRequest, job: HistoryImport) -> HttpResponse:
    if request.htmx:
        # the button that was pressed may be gone
        return render(request, "playlists/_import.html", {"item": _state(job), "fresh": job.is_over})
    return redirect("playlists:import")


def _state(job: HistoryImport) -> dict[str, Any]:
    progress = Progress() if job.is_over else jobs.progress_of(job)
    return {"job": job, "progress": progress, "seen": jobs.seen_of(job, progress)}
