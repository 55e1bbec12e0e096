"""The playlist of a capture as a page, and what a player or a press on a track says: ratings, listens, skips."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from catalogue.models import Track
from detection.access import capture_of
from emotune.http import AppRequest, redirect_back
from playlists import listening, queries, services
from playlists.fields import row_of, seconds, whole_number
from playlists.models import Playlist

# How long a player may say again what it could not be told was noted.
HEARING_SECONDS = 600


@login_required
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def for_capture(request: AppRequest, capture_id: UUID) -> HttpResponse:
    """Show the playlist as a page of its own, or as the part of the capture's page that htmx asks for."""
    capture = capture_of(request.user, capture_id)
    if not capture.mood:
        return redirect("detection:show", capture.id)
    playlist = services.build_playlist(capture=capture)
    entries = queries.entries(playlist, request.user)
    context = {
        "capture": capture,
        "playlist": playlist,
        "entries": entries,
        "kept_out": not entries and services.has_tracks(capture.mood),
        "has_spotify": any(entry.track.spotify_id for entry in entries),
        "back": reverse("playlists:for_capture", args=[capture.id]),
    }
    return render(request, "playlists/_playlist.html" if request.htmx else "playlists/playlist.html", context)


@login_required
@require_POST
def rate(request: AppRequest, track_id: int) -> HttpResponse:
    track = get_object_or_404(Track, id=track_id)
    value = whole_number(request.POST.get("value", ""))
    rating = listening.rate(user=request.user, track=track, value=value)
    if not request.htmx:
        return redirect_back(request, "playlists:history")
    return render(request, "playlists/_rating.html", {"track": track, "rating": rating, "row": row_of(request)})


@login_required
@require_POST
def listen(request: AppRequest, track_id: int) -> HttpResponse:
    """Note that a track was heard, once for each `hearing`: a player that had no answer in time says so again."""
    track, playlist = get_object_or_404(Track, id=track_id), _playlist(request)
    hearing = request.POST.get("hearing", "")[:50]
    key = f"hearing:{request.user.pk}:{hearing}"
    if hearing and not cache.add(key, 1, HEARING_SECONDS):
        return HttpResponse(status=204)
    try:
        source = request.POST.get("source", "")
        listening.record_listen(user=request.user, track=track, source=source, playlist=playlist)
    except Exception:
        cache.delete(key)  # it was not noted: the next try is not the second time
        raise
    return HttpResponse(status=204)


@login_required
@require_POST
def skip(request: AppRequest, track_id: int) -> HttpResponse:
    """Note that a track was passed over after `seconds`, before it counted as heard."""
    track = get_object_or_404(Track, id=track_id)
    heard = seconds(request.POST.get("seconds", ""))
    listening.record_skip(user=request.user, track=track, playlist=_playlist(request), seconds=heard)
    return HttpResponse(status=204)


def _playlist(request: AppRequest) -> Playlist | None:
    """Return the person's playlist that a player names, None when it names none."""
    given = request.POST.get("playlist", "")
    return get_object_or_404(Playlist, id=whole_number(given), user=request.user) if given else None
