"""Pages of captures: take one, follow it until its outcome, put it right, delete it; and of what reads them."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import push_url

from detection import services
from detection.access import capture_of
from detection.circumplex import ANCHOR_PLACES, Place, place_of
from detection.model_card import model_page
from detection.models import Capture, Source
from emotune.emotions import EMOTIONS
from emotune.http import AppRequest
from emotune.strangers import same_for_strangers

# Milliseconds between two looks at an open capture, by the seconds it has waited: soon at first, then patient.
DELAYS = ((0.5, 150), (4, 400), (10, 1000), (30, 2000))
LONGEST_DELAY = 3000


@login_required
@require_safe
@never_cache
def new(request: AppRequest) -> HttpResponse:
    with_camera = request.GET.get("camera") != "no"
    if with_camera and not request.user.allows_camera:
        return redirect(f"{reverse('accounts:consent')}?{urlencode({'next': request.path})}")
    context = {"with_camera": with_camera, "max_bytes": settings.CAPTURE_MAX_BYTES}
    return render(request, "detection/new.html", context)


@login_required
@require_POST
def submit(request: AppRequest) -> HttpResponse:
    source = Source.CAMERA if request.POST.get("source") == Source.CAMERA else Source.UPLOAD
    images = [file.read() for file in request.FILES.getlist("frames")]
    capture = services.submit_capture(user=request.user, images=images, source=source)
    return _answer(request, capture, status=202)


@login_required
@require_POST
def name_mood(request: AppRequest) -> HttpResponse:
    capture = services.name_mood(user=request.user, emotion=request.POST.get("emotion", ""))
    return _answer(request, capture, status=201)


@login_required
@require_safe
@never_cache
def show(request: AppRequest, capture_id: UUID) -> HttpResponse:
    capture = services.refresh(capture=capture_of(request.user, capture_id))
    return render(request, "detection/show.html", _outcome(capture))


@login_required
@require_safe
@never_cache
def outcome(request: AppRequest, capture_id: UUID) -> HttpResponse:
    """Answer the fragment that polls itself; 204 while nothing that it shows has changed."""
    capture = services.refresh(capture=capture_of(request.user, capture_id))
    if not request.htmx:
        return redirect("detection:show", capture_id)
    context = _outcome(capture)
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=204)
    return render(request, "detection/_answer.html", context)


@login_required
@require_POST
def choose(request: AppRequest, capture_id: UUID) -> HttpResponse:
    capture = capture_of(request.user, capture_id)
    return _answer(request, services.choose_emotion(capture=capture, emotion=request.POST.get("emotion", "")))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete(request: AppRequest, capture_id: UUID) -> HttpResponse:
    """Ask whether a capture is to go, and delete it once that is said."""
    capture = capture_of(request.user, capture_id)
    if request.method != "POST":
        return render(request, "question.html", _question(capture))
    what = _noun(capture)
    services.delete_capture(capture=capture)
    if request.htmx:
        return render(request, "detection/_deleted.html")
    messages.success(request, f"The {what} was deleted.")
    return redirect("playlists:moods")


@require_safe
@same_for_strangers
def model(request: HttpRequest) -> HttpResponse:
    """Show the model card, to everybody."""
    return render(request, "detection/model.html", model_page(settings.MODEL_DIR))


def _answer(request: AppRequest, capture: Capture, status: int = 200) -> HttpResponse:
    """Show a capture after something was done with it: its outcome in place, or its page without JavaScript."""
    if not request.htmx:
        return redirect("detection:show", capture.id)
    response = render(request, "detection/_answer.html", {**_outcome(capture), "fresh": True}, status=status)
    return push_url(response, reverse("detection:show", args=[capture.id])) if status > 200 else response


def _noun(capture: Capture) -> str:
    """Return what a capture is to its person now."""
    if capture.source == Source.NAMED:
        return "mood"
    return "picture" if capture.is_open else "reading"


def _question(capture: Capture) -> dict[str, str]:
    what = _noun(capture)
    words = "What you heard stays in your history."
    if capture.is_open:
        words = "It is dropped at once, and with it whatever is read of it until then."
    return {
        "question": f"Delete this {what}{' with its playlist' if capture.mood else ''}?",
        "words": words,
        "act": f"Delete this {what}",
        "back": reverse("detection:show", args=[capture.id]),
    }


def _outcome(capture: Capture) -> dict[str, Any]:
    delay = poll_delay((timezone.now() - capture.created_at).total_seconds())
    stalled = services.is_stalled(capture=capture)
    scores = capture.scores or {}
    return {
        "capture": capture,
        "bars": [(name, scores.get(name, 0.0)) for name in EMOTIONS] if scores else [],
        "place": _places(capture),
        "anchors": ANCHOR_PLACES,
        "delay": delay,
        "stalled": stalled,
        "seen": f"{capture.status}-{delay}-{stalled:d}",
    }


def _places(capture: Capture) -> dict[str, Place]:
    """Return where a capture lies in the circle: as it was read, and as the person said."""
    places = {"read": place_of(capture.scores)} if capture.scores else {}
    return places | ({"said": place_of({capture.chosen: 1.0})} if capture.chosen else {})


def poll_delay(seconds: float) -> int:
    """Return after how many milliseconds to look again at a capture that has waited for `seconds`."""
    return next((delay for limit, delay in DELAYS if seconds < limit), LONGEST_DELAY)
