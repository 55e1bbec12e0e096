"""Is it well? As a page of the admin that brings itself up to date, and as a line on the admin's first page."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from emotune.checkup.service import check


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Show all parts; to htmx, the fragment that changes."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    if htmx:
        return render(request, "admin/health/_report.html", {"report": check()})
    context = admin.site.each_context(request) | {"report": check(), "title": "Is it well?"}
    return render(request, "admin/health/page.html", context)


@require_safe
def summary(request: HttpRequest) -> HttpResponse:
    """Show the verdict alone."""
    return render(request, "admin/health/_summary.html", {"report": check()})
