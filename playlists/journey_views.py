"""Pages of journeys: choose where from and where to, and see the way with its tracks."""

from typing import Any
from uuid import UUID

import numpy as np
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from detection.access import capture_of
from detection.models import Capture
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from emotune.http import AppRequest
from playlists import loading, plane, queries
from playlists.fields import whole_number
from playlists.models import Playlist
from playlists.services import JOURNEY_LENGTH, build_journey, build_journey_from, delete_journey

PER_PAGE = 20
NO_WAY = (
    "The catalogue has too few tracks between {start} and {wanted} for a journey. Choose other moods, or take something"
    " from your never-again list; whoever runs this emotune can import more."
)


@login_required
@require_safe
@never_cache
def journeys(request: AppRequest) -> HttpResponse:
    """Show the form and the journeys that were made."""
    return _form(request, _capture(request, request.GET.get("capture", "")))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def journey(request: AppRequest) -> HttpResponse:
    """Make a journey and go to it; where none can be made, say so above the form."""
    if request.method != "POST":
        return _form(request, _capture(request, request.GET.get("capture", "")))
    capture = _capture(request, request.POST.get("capture", ""))
    try:
        made = _make(request, capture)
    except InvalidInput as problem:
        return _form(request, capture, problem=problem.message, status=problem.status)
    return redirect("playlists:journey_shown", made.id)


@login_required
@require_safe
@never_cache
def shown(request: AppRequest, playlist_id: int) -> HttpResponse:
    """Show a journey: its path over the catalogue, its tracks, and the figures behind the path."""
    playlist = _journey_of(request, playlist_id)
    entries = queries.entries(playlist, request.user)
    columns = loading.columns()
    points = np.array([(e.track.valence, e.track.arousal) for e in entries], np.float64).reshape(-1, 2)
    drawing = None
    if len(points):
        drawing = plane.draw(
            points,
            vad=columns.vad,
            emotion=columns.emotion,
            centres=columns.centre_by_name,
            names=(playlist.emotion, playlist.wanted),
        )
    context = {
        "playlist": playlist,
        "entries": entries,
        "drawing": drawing,
        "side": plane.SIDE,
        "has_spotify": any(entry.track.spotify_id for entry in entries),
        "back": reverse("playlists:journey_shown", args=[playlist.id]),
    }
    return render(request, "playlists/journey.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def forget(request: AppRequest, playlist_id: int) -> HttpResponse:
    """Ask whether a journey is to go, and delete it once that is said; what was heard on it stays in the history."""
    made = _journey_of(request, playlist_id)
    name = f"the journey from {made.emotion} to {made.wanted}"
    if request.method != "POST":
        context = {
            "question": f"Delete {name}?",
            "words": "A link by which you shared it ends too. What you heard on it stays in your history.",
            "act": "Delete this journey",
            "back": reverse("playlists:journeys"),
        }
        return render(request, "question.html", context)
    delete_journey(playlist=made)
    messages.success(request, f"{name.capitalize()} was deleted.")
    return redirect("playlists:journeys")


def _make(request: AppRequest, capture: Capture | None) -> Playlist:
    start, wanted = request.POST.get("from", ""), request.POST.get("to", "")
    k = whole_number(request.POST.get("k", str(JOURNEY_LENGTH)))
    if capture and start in ("", "capture"):
        start = capture.mood
        made = build_journey(capture=capture, wanted=wanted, k=k)
    else:
        made = build_journey_from(user=request.user, emotion=start, wanted=wanted, k=k)
    if made.entries.count() < 2:
        made.delete()
        raise InvalidInput(NO_WAY.format(start=start, wanted=wanted))
    return made


def _journey_of(request: AppRequest, playlist_id: int) -> Playlist:
    made = Playlist.objects.exclude(wanted="").select_related("capture")
    return get_object_or_404(made, id=playlist_id, user=request.user)


def _capture(request: AppRequest, given: str) -> Capture | None:
    """Return the capture that an address or a form names, or else the latest one with a mood."""
    if given:
        try:
            return capture_of(request.user, UUID(given))
        except ValueError:
            raise InvalidInput("That capture's address is damaged. Open the journey from the capture's page.") from None
    latest = Capture.objects.filter(user=request.user).order_by("-created_at", "-id")[:10]
    return next((capture for capture in latest if capture.mood), None)


def _form(request: AppRequest, capture: Capture | None, *, problem: str = "", status: int = 200) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    mood = capture.mood if capture else ""
    start = given.get("from", "capture" if mood else "neutral")
    reached = mood if start == "capture" else start
    made = Playlist.objects.filter(user=request.user).exclude(wanted="").annotate(number=Count("entries"))
    made = made.order_by("-created_at", "-id")
    context: dict[str, Any] = {
        "capture": capture if mood else None,
        "problem": problem,
        "start": start,
        "wanted": given.get("to", "happy" if reached != "happy" else "neutral"),
        "k": given.get("k", JOURNEY_LENGTH),
        "emotions": EMOTIONS,
        "page": Paginator(made, PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "playlists/journeys.html", context, status=status)
