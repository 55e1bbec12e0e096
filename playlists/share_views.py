"""Pages of shared playlists: making and taking back a link, and what whoever follows it sees."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from emotune.http import AppRequest, redirect_back
from playlists import queries, sharing
from playlists.models import Playlist


@login_required
@require_POST
def share(request: AppRequest, playlist_id: int) -> HttpResponse:
    """Make the link of one's own playlist, change what it shows, or with the field `revoke` take it back."""
    playlist = get_object_or_404(Playlist, id=playlist_id, user=request.user)
    if "revoke" in request.POST:
        sharing.revoke(playlist=playlist)
    else:
        sharing.share(playlist=playlist, shows_mood="mood" in request.POST)
    if not request.htmx:
        return redirect_back(request, "playlists:history")
    playlist.refresh_from_db()
    context = {"playlist": playlist, "fresh": True, "back": request.htmx.current_url_abs_path}
    return render(request, "playlists/_share.html", context)


@require_safe
@never_cache
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Show a shared playlist to anybody: its tracks, and its mood only where its owner said so."""
    share = sharing.shared(token)
    if share is None:
        raise Http404
    entries = queries.entries(share.playlist, request.user if request.user.is_authenticated else None)
    context = {
        "share": share,
        "playlist": share.playlist,
        "entries": entries,
        "has_spotify": any(entry.track.spotify_id for entry in entries),
        "has_audio": any(entry.track.audio and not entry.track.spotify_id for entry in entries),
        "back": request.path,
    }
    response = render(request, "playlists/shared.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response
