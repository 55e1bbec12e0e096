"""Pages of playlists: the tracks of a capture, the history of captures, ratings and listens."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from catalogue.models import Track
from detection.access import capture_of
from detection.services import settle_overdue
from emotune.errors import InvalidInput
from emotune.http import AppRequest, redirect_back
from playlists import listening, queries, services
from playlists.models import Playlist

CAPTURES_PER_PAGE = 20


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
        "has_spotify": any(entry.track.spotify_id for entry in entries),
    }
    return render(request, "playlists/_playlist.html" if request.htmx else "playlists/playlist.html", context)


@login_required
@require_safe
@never_cache
def history(request: AppRequest) -> HttpResponse:
    settle_overdue(user=request.user)
    captures = queries.history(request.user)
    page = Paginator(captures, CAPTURES_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "playlists/history.html", {"page": page})


@login_required
@require_POST
def rate(request: AppRequest, track_id: int) -> HttpResponse:
    track = get_object_or_404(Track, id=track_id)
    value = _whole_number(request.POST.get("value", ""))
    rating = listening.rate(user=request.user, track=track, value=value)
    if not request.htmx:
        return redirect_back(request, "playlists:history")
    return render(request, "playlists/_rating.html", {"track": track, "rating": rating})


@login_required
@require_POST
def listen(request: AppRequest, track_id: int) -> HttpResponse:
    track = get_object_or_404(Track, id=track_id)
    playlist = None
    if given := request.POST.get("playlist", ""):
        playlist = get_object_or_404(Playlist, id=_whole_number(given), user=request.user)
    listening.record_listen(user=request.user, track=track, source=request.POST.get("source", ""), playlist=playlist)
    return HttpResponse(status=204)


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput("A whole number was expected. Reload the page and try again.") from None
