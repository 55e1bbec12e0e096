"""The pages that tell what emotune is: the first one, how it works, and privacy."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from emotune.strangers import same_for_strangers


@require_safe
@same_for_strangers
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@require_safe
@same_for_strangers
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "about.html", _facts())


@require_safe
@same_for_strangers
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "privacy.html", _facts())


def _facts() -> dict[str, int]:
    """Return what the texts promise as the settings have it, so that they cannot say anything else."""
    return {
        "minutes": int(settings.CAPTURE_TTL.total_seconds() // 60),
        "session_days": settings.SESSION_COOKIE_AGE // 86_400,
    }
