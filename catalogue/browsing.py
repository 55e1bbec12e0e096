"""Reads for browsing the catalogue: tracks that match filters, page by page, each page found by the track beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NoReturn

from django.db.models import F, Q, Value
from django.db.models.functions import Concat

from catalogue.map import Square, totals
from catalogue.models import Track
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput

PER_PAGE = 25
LONGEST_SEARCH = 200
MOST_WORDS = 10
PLACE = re.compile(r"(after|before)-(\d{1,18})", re.ASCII)
# What a row shows and plays; the rest of a track stays in the database.
SHOWN = ("title", "artist", "genre", "emotion", "origin", "spotify_id", "audio", "lastfm_url")


@dataclass(frozen=True)
class Filters:
    """What a track must match, all of it: words in its names, its emotion, a cell of the map. Empty is anything."""

    artist: str = ""
    title: str = ""
    genre: str = ""
    emotion: str = ""
    area: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Filters":
        """Return the filters that an address names. Raises InvalidInput, also for an emotion or area unheard of."""
        given = {field.name: values.get(field.name, "").strip() for field in fields(cls)}
        if any(len(text) > LONGEST_SEARCH for text in given.values()):
            raise InvalidInput(f"A search is at most {LONGEST_SEARCH} characters long. Shorten it and try again.")
        if any("\0" in text for text in given.values()):
            raise InvalidInput("A search cannot hold the character NUL. Remove it and try again.")
        if given["emotion"] not in ("", *EMOTIONS):
            raise InvalidInput(f"There is no such emotion. Choose one of: {', '.join(EMOTIONS)}.")
        if given["area"]:
            Square.cell(given["area"])
        return cls(**given)

    def given(self) -> dict[str, str]:
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name))}


@dataclass(frozen=True)
class Page:
    """Some tracks in their order, the addresses of the pages beside them, and `total` on the first and the last page.

    Counting is left out in between: one look-up of the track beside the page takes its place.
    """

    tracks: Sequence[Track]
    total: int | None
    previous: str
    next: str


def page_of(filters: Filters, place: str = "") -> Page:
    """Return the page at a place: "" is the first, then "after-7", "before-7" (a track's id) or "last".

    Two queries where the numbers are known, neither of which walks over earlier pages. Raises InvalidInput.
    """
    # All tracks are walked by the index of their order. With filters that few tracks match, the walk would fetch most
    # of the table piece by piece: reading it as it lies and sorting what matches takes a tenth of that on SQLite.
    # An emotion is common enough to be met on the walk; as no column, it leads to no index of its own.
    is_walked = filters.given().keys() <= {"emotion"}
    matches = _matches(filters)
    met = Q(tag=filters.emotion) if is_walked and filters.emotion else matches
    name = F("artist") if is_walked else Concat("artist", Value(""))
    tracks = Track.objects.alias(name=name, tag=Concat("emotion", Value(""))).filter(met).only(*SHOWN)
    backwards = place.startswith(("before", "last"))
    total, beside = None, Q()
    if place in ("", "last"):
        total = _total(filters) if is_walked else Track.objects.filter(matches).count()
    else:
        beside = _beside(place)
    order = ("-name", "-id") if backwards else ("name", "id")
    found = list(tracks.filter(beside).order_by(*order)[: PER_PAGE + 1])
    more, rows = len(found) > PER_PAGE, found[:PER_PAGE]
    if backwards:
        rows.reverse()
    earlier = more if backwards else bool(place)
    later = place != "last" if backwards else more
    return Page(
        rows,
        total,
        previous=f"before-{rows[0].pk}" if rows and earlier else "",
        next=f"after-{rows[-1].pk}" if rows and later else "",
    )


def _total(filters: Filters) -> int:
    """Return how many tracks there are, of an emotion where one is given, as the map has counted them."""
    counted = totals()
    if counted is None:
        return Track.objects.filter(_matches(filters)).count()
    return counted[filters.emotion] if filters.emotion else sum(counted.values())


def _beside(place: str) -> Q:
    """Return the condition of lying after or before a track; the first comparison is what an index can begin with."""
    match = PLACE.fullmatch(place) or _lost()
    side, track_id = match.groups()
    artist = Track.objects.filter(pk=track_id).values_list("artist", flat=True).first()
    if artist is None:
        _lost()
    if side == "after":
        return Q(name__gte=artist) & (Q(name__gt=artist) | Q(pk__gt=track_id))
    return Q(name__lte=artist) & (Q(name__lt=artist) | Q(pk__lt=track_id))


def _lost() -> NoReturn:
    raise InvalidInput("That page of the list is not there any more. Go back to its first page.")


def _matches(filters: Filters) -> Q:
    condition = Q()
    for name in ("artist", "title", "genre"):
        for word in words_of(getattr(filters, name)):
            condition &= holds(name, word)
    if filters.emotion:
        condition &= Q(emotion=filters.emotion)
    if filters.area:
        condition &= Square.cell(filters.area).contains()
    return condition


def words_of(text: str) -> list[str]:
    """Return the words to look for: each once, and of many the longest, since each is looked for in every track."""
    return sorted(dict.fromkeys(text.split()), key=len, reverse=True)[:MOST_WORDS]


def holds(name: str, word: str) -> Q:
    """Return the condition of holding a word in whatever case; SQLite by itself folds the case of ASCII alone."""
    condition = Q()
    forms: tuple[str, ...] = (word,) if word.isascii() else (word, word.lower(), word.capitalize(), word.upper())
    for form in dict.fromkeys(forms):
        condition |= Q(**{f"{name}__icontains": form})
    return condition
