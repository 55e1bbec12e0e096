"""Pages of the whole catalogue: a list to search, and a map; with what the person who looks said of each track."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from catalogue.browsing import Filters, page_of
from catalogue.map import CELLS_PER_UNIT, LARGEST, MAX_ZOOM, SIDE, Square, bins
from catalogue.models import Track
from emotune.emotions import EMOTION_LIST
from emotune.errors import InvalidInput
from emotune.http import AppRequest
from playlists import queries

MAP = {"side": SIDE, "perUnit": CELLS_PER_UNIT, "largest": LARGEST, "maxZoom": MAX_ZOOM}


@dataclass(frozen=True)
class Found:
    """A track as a row of the list, in the terms of a playlist's entry."""

    track: Track
    said: queries.Said
    rank: str = ""

    @property
    def reason(self) -> str:
        return " · ".join(filter(None, (self.track.emotion, self.track.genre)))


@login_required
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def browse(request: AppRequest) -> HttpResponse:
    """Show a page of the tracks that match, or the part of it that the map asks for."""
    filters = Filters.of(request.GET.dict())
    page = page_of(filters, request.GET.get("page", ""))
    context = {
        "filters": filters,
        "query": urlencode(filters.given()),
        "area": Square.cell(filters.area) if filters.area else None,
        "page": page,
        "total": None if page.total is None else f"{page.total:,}",
        "entries": _with_words(request, page.tracks),
        "has_spotify": any(track.spotify_id for track in page.tracks),
        "back": request.get_full_path(),
    }
    return render(request, "playlists/_found.html" if request.htmx else "playlists/browse.html", context)


def _with_words(request: AppRequest, tracks: Sequence[Track]) -> list[Found]:
    said = queries.said_of(request.user, tracks)
    return [Found(track, said[track.pk]) for track in tracks]


@login_required
@require_safe
def catalogue_map(request: AppRequest) -> HttpResponse:
    return render(request, "playlists/map.html", {"emotions": EMOTION_LIST, "map": MAP})


@login_required
@require_safe
@cache_control(private=True, max_age=60)
def map_bins(request: AppRequest) -> JsonResponse:
    """Answer the numbers of tracks in the cells of one view of the map: see catalogue.map.bins."""
    try:
        zoom, x, y = (int(request.GET.get(name, "0")[:9]) for name in ("zoom", "x", "y"))
    except ValueError:
        raise InvalidInput("zoom, x and y of a view of the map are whole numbers.") from None
    square = Square(zoom, x, y, SIDE)
    view = {"zoom": zoom, "x": x, "y": y, "bins": bins(square)}
    return JsonResponse(view, json_dumps_params={"separators": (",", ":")})
