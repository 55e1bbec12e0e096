"""The page of what is never to be played again, and the steps that keep a track or an artist out."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from catalogue.browsing import Filters, page_of
from catalogue.models import Track
from emotune.http import AppRequest, redirect_back
from playlists import history, listening, undo
from playlists.fields import row_of
from playlists.models import NeverAgain, NeverArtist

MOST_FOUND = 10


@login_required
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def never(request: AppRequest) -> HttpResponse:
    """Show what is kept out, with a search for more."""
    context = {**_context(request), "done": request.session.pop("done", None)}
    return render(request, "playlists/_never_list.html" if request.htmx else "playlists/never.html", context)


@login_required
@require_POST
def never_track(request: AppRequest, track_id: int) -> HttpResponse:
    """Keep a track out, or with the field `undo` let it in again."""
    track = get_object_or_404(Track, id=track_id)
    before = NeverAgain.objects.filter(user=request.user, track=track).first()
    token = undo.of_never(request.user, before, track=track)
    kept = listening.never_again(user=request.user, track=track, undo="undo" in request.POST, until=_end(request))
    words = f"{track.title} will not be played to you." if kept else f"{track.title} may be played again."
    if request.htmx and request.POST.get("list") != "never":
        return render(request, "playlists/_never.html", {"track": track, "never": kept, "row": row_of(request)})
    return _answer(request, words, token)


@login_required
@require_POST
def never_artist(request: AppRequest) -> HttpResponse:
    """Keep the artist of the field `artist` out, or with the field `undo` let them in again."""
    artist = request.POST.get("artist", "")
    before = NeverArtist.objects.filter(user=request.user, artist=artist.replace("\0", "")).first()
    lets_in = "undo" in request.POST
    name = listening.never_artist(user=request.user, artist=artist, undo=lets_in, until=_end(request))
    words = f"{name} may be played again." if lets_in else f"Nothing by {name} will be played to you."
    return _answer(request, words, undo.of_never(request.user, before, artist=name))


@login_required
@require_POST
def take_back(request: AppRequest) -> HttpResponse:
    return _answer(request, undo.undo(user=request.user, token=request.POST.get("token", "")))


def _end(request: AppRequest) -> datetime | None:
    """Return the beginning (UTC) of the day from which on the track or artist may be played again; None: never."""
    day = history.day_of(request.POST.get("until", "").strip())
    return datetime.combine(day, time(), UTC) if day else None


def _context(request: AppRequest) -> dict[str, Any]:
    """Return the latest artists and tracks that are kept out, or a further page of one of them, and what was found."""
    filters = Filters.of({name: request.GET.get(name, "") for name in ("artist", "title")})
    page = page_of(filters) if filters.given() else None
    found = page.tracks[:MOST_FOUND] if page else None
    shown, place = request.GET.get("show", ""), request.GET.get("page", "")
    lists: dict[str, QuerySet[Any]] = dict(zip(("artists", "tracks"), history.kept_out(request.user), strict=True))
    further = {"show": shown, "page": place} if place and shown in lists else {}
    shown_lists = {shown: lists[shown]} if further else lists
    return {
        **{name: history.kept_out_page(rows, further.get("page", "")) for name, rows in shown_lists.items()},
        "queries": {name: urlencode({**filters.given(), "show": name}) for name in lists},
        "further": further,
        "searched": urlencode(filters.given()),
        "filters": filters,
        "found": found,
        "total": page.total if page else 0,
        "found_artists": sorted({track.artist for track in found or ()}),
        "here": urlencode({**filters.given(), **further}),
        "tomorrow": datetime.now(UTC).date() + timedelta(days=1),
    }


def _answer(request: AppRequest, words: str, token: str = "") -> HttpResponse:
    """Show the list again, or the page that the form stood on, with the words for what was done."""
    done = {"words": words, "token": token}
    if request.htmx:
        return render(request, "playlists/_never_list.html", {**_context(request), "done": done})
    here = f"{reverse('playlists:never')}?{request.GET.urlencode()}"
    if (request.POST.get("next") or here).startswith(reverse("playlists:history")):
        request.session["done"] = done
    else:  # its page shows no more than words
        messages.success(request, words)
    return redirect_back(request, "playlists:never") if request.POST.get("next") else redirect(here)
