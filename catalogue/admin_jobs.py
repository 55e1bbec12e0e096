"""Imports and clustering runs in the admin: started by a form, followed on a page, ended by a button."""

import csv
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from catalogue.models import ClusteringRun, Import
from catalogue.rights import LOOK, right_to_run
from catalogue.services import cancel_job, submit_import
from emotune import jobs
from emotune.errors import EmotuneError

SHOWN_REJECTS = 20


class NotByHand:
    """What is neither added nor changed by hand."""

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def has_change_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


def ticket_of(request: HttpRequest) -> UUID:
    """Return the id that a form gives its job, so that sent twice it is one job."""
    try:
        return UUID(request.POST.get("ticket", ""))
    except ValueError:
        return uuid4()


class JobAdmin(NotByHand, admin.ModelAdmin):  # type: ignore[type-arg]
    """A list of jobs, and for each a page that follows it; the middle of the page is a fragment that polls itself."""

    list_filter = ("state",)
    list_per_page = 50

    def get_urls(self) -> list[URLPattern]:
        name, wrap = f"catalogue_{self.opts.model_name}", self.admin_site.admin_view
        own = [
            path("<uuid:pk>/progress/", wrap(self.progress_view), name=f"{name}_progress"),
            path("<uuid:pk>/cancel/", wrap(require_POST(self.cancel_view)), name=f"{name}_cancel"),
        ]
        return [*own, *super().get_urls()]

    def may_cancel(self, request: HttpRequest, job: Any) -> bool:
        """Whether the person may end a job: whoever may start such a one."""
        raise NotImplementedError

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        for job in self.model.objects.filter(state__in=jobs.OPEN):
            jobs.refresh(job)
        return super().changelist_view(request, extra_context)

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any) -> HttpResponse:
        context = self._context(request, object_id)
        return render(request, "admin/catalogue/job.html", self.admin_site.each_context(request) | context)

    @method_decorator(never_cache)
    def progress_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return render(request, "admin/catalogue/_job.html", self._context(request, pk))

    def cancel_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        job = self._found(request, pk)
        if not self.may_cancel(request, job):
            raise PermissionDenied
        try:
            cancel_job(user=request.user, job=job)  # type: ignore[arg-type]
        except EmotuneError as error:
            self.message_user(request, error.message, messages.ERROR)
        return redirect(f"admin:catalogue_{self.opts.model_name}_change", job.pk)

    def _job(self, request: HttpRequest, pk: UUID | str) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._found(request, pk)

    def _found(self, request: HttpRequest, pk: UUID | str) -> Any:
        try:
            job = get_object_or_404(self.get_queryset(request), pk=UUID(str(pk)))
        except ValueError:
            raise Http404 from None
        return jobs.refresh(job)

    def _context(self, request: HttpRequest, pk: UUID | str) -> dict[str, Any]:
        job = self._job(request, pk)
        name = self.opts.model_name
        return {
            "job": job,
            "opts": self.opts,
            "title": str(self.opts.verbose_name).capitalize(),
            "progress": (progress := jobs.progress_of(job)),
            "words": _words(progress),
            "may_cancel": self.may_cancel(request, job) and not job.is_over,
            "progress_url": f"admin:catalogue_{name}_progress",
            "cancel_url": f"admin:catalogue_{name}_cancel",
        }

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_open = obj is not None and not obj.is_over
        return not is_open and super().has_delete_permission(request, obj)


@admin.register(Import)
class ImportAdmin(JobAdmin):
    """Files of MuSe that were uploaded, and what became of their rows."""

    list_display = (
        "name", "state", "rows", "created", "updated", "rejected", "created_by", "created_at",
    )  # fmt: skip
    list_select_related = ("created_by",)

    def get_urls(self) -> list[URLPattern]:
        rejects = self.admin_site.admin_view(self.rejects_view)
        return [path("<uuid:pk>/rejects/", rejects, name="catalogue_import_rejects"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> bool:
        return request.user.has_perm("catalogue.add_import")

    def may_cancel(self, request: HttpRequest, job: Import) -> bool:  # noqa: ARG002
        return self.has_add_permission(request)

    # The token of the form is looked for once the person is known, and where the file goes to is settled.
    @method_decorator(csrf_exempt)
    def add_view(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        request.upload_handlers = [TemporaryFileUploadHandler(request)]
        return csrf_protect(self._add)(request)

    def _add(self, request: HttpRequest) -> HttpResponse:
        problem = ""
        if request.method == "POST":
            file = request.FILES.get("file")
            try:
                if file:
                    job = submit_import(user=request.user, file=file, job_id=ticket_of(request))  # type: ignore[arg-type]
                    return redirect("admin:catalogue_import_change", job.pk)
                problem = "Choose a file first."
            except EmotuneError as error:
                problem = error.message
        context = {"opts": self.opts, "title": "Import tracks", "problem": problem, "ticket": uuid4()}
        page = self.admin_site.each_context(request) | context
        return render(request, "admin/catalogue/import_add.html", page, status=422 if problem else 200)

    def rejects_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Send line, reason and title of every row that was not taken."""
        job = self._job(request, pk)
        if not job.has_rejects:
            raise Http404
        return FileResponse(job.rejects.open("rb"), as_attachment=True, filename="rejects.csv", content_type="text/csv")

    def _context(self, request: HttpRequest, pk: UUID | str) -> dict[str, Any]:
        context = super()._context(request, pk)
        job = context["job"]
        counts = [(name, f"{getattr(job, name):,}") for name in Import.COUNTS]
        return context | {"counts": counts, "rejects": _first_rejects(job)}

    def delete_model(self, request: HttpRequest, obj: Import) -> None:
        obj.rejects.delete(save=False)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for job in queryset:
            self.delete_model(request, job)


def _words(progress: jobs.Progress) -> str:
    """Say how far a job is, as in "reading rows: 30,000 of about 90,000"."""
    if not progress.done:
        return progress.note
    of = f" of about {progress.total:,}" if progress.total and progress.total > progress.done else ""
    return f"{progress.note}: {progress.done:,}{of}"


def _first_rejects(job: Import) -> list[list[str]]:
    if not job.has_rejects:
        return []
    with job.rejects.open("r") as file:
        return list(islice(csv.reader(file), 1, SHOWN_REJECTS + 1))


@admin.register(ClusteringRun)
class ClusteringRunAdmin(JobAdmin):
    """Clusterings that were asked for, and those that were put in force."""

    list_display = ("__str__", "method", "activates", "state", "created_by", "created_at", "finished_at")
    list_select_related = ("created_by",)

    def has_view_permission(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> bool:
        return request.user.has_perm(LOOK)

    def may_cancel(self, request: HttpRequest, job: ClusteringRun) -> bool:
        return request.user.has_perm(right_to_run(activates=job.activates))
