"""Reads for the history: listens and ratings that match filters, page by page, each found from the row beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Coalesce

from catalogue.browsing import holds
from catalogue.models import Track
from detection.models import Capture
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from playlists.models import Listen, NeverAgain, NeverArtist, Rating, in_force
from playlists.moments import EPOCH, moment_of, number_of
from playlists.queries import Said, said_of

if TYPE_CHECKING:
    from accounts.models import User

PER_PAGE = 50
LONGEST_SEARCH = 200
T = TypeVar("T")
M = TypeVar("M", bound=Model)
PLACE = re.compile(r"(older|newer)-(\d{1,17})-(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Filters:
    """What a listen must match, all of it: words in title or artist, an emotion, days (UTC). Empty is anything."""

    q: str = ""
    emotion: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Filters":
        """Return the filters that an address names. Raises InvalidInput for words too long and days that are none."""
        given = cls(**{field.name: values.get(field.name, "").strip() for field in fields(cls)})
        if len(given.q) > LONGEST_SEARCH or "\0" in given.q:
            raise InvalidInput(f"A search is at most {LONGEST_SEARCH} characters of text. Shorten it and try again.")
        if given.emotion not in ("", *EMOTIONS):
            raise InvalidInput(f"There is no such emotion. Choose one of: {', '.join(EMOTIONS)}.")
        since, until = day_of(given.since), day_of(given.until)
        if since and until and since > until:
            raise InvalidInput("The first day lies after the last one. Exchange them and try again.")
        return given

    def given(self) -> dict[str, str]:
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name))}

    def condition(self) -> Q:
        condition = Q()
        for word in self.q.split():
            condition &= holds("track__title", word) | holds("track__artist", word)
        if self.emotion:
            condition &= Q(mood=self.emotion)
        if since := day_of(self.since):
            condition &= Q(listened_at__gte=datetime.combine(since, time(), UTC))
        if until := day_of(self.until):
            condition &= Q(listened_at__lt=datetime.combine(until, time(), UTC) + timedelta(days=1))
        return condition


def day_of(text: str) -> date | None:
    """Return the day that a field names, None for an empty one. Raises InvalidInput for what is no day after 1970."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text[:40]!r} is no day. Write it as year, month and day: 2026-11-22.") from None
    if not EPOCH.date() <= day < date(9999, 1, 1):
        raise InvalidInput(f"{day.isoformat()} is too far away. Choose a day from 1970 on.")
    return day


@dataclass(frozen=True)
class Row:
    """A track in the history with what its person did and said: `at` when it was heard or rated, `mood` what it was
    played for, or else the track's own emotion."""

    track: Track
    at: datetime
    said: Said
    listen: Listen | None = None
    mood: str = ""
    capture: Capture | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, latest first, the addresses of the pages beside them, and `total` on the first one."""

    rows: Sequence[T]
    total: int | None
    newer: str
    older: str


def listens_page(user: "User", filters: Filters, place: str = "") -> Page[Row]:
    """Return the page of a person's listens at a place: "" is the first, then what a page calls newer and older.

    A fixed number of queries, none of which walks over other pages. Raises InvalidInput for a place that is none.
    """
    listens = Listen.objects.filter(user=user)
    if filters.emotion:
        listens = listens.alias(mood=Coalesce("playlist__emotion", "track__emotion"))
    listens = listens.filter(filters.condition())
    found, newer, older = _around(listens.select_related("track", "playlist__capture"), "listened_at", place)
    total = _total(listens, found, place)
    said = said_of(user, [listen.track for listen in found])
    rows = [
        Row(
            track=listen.track,
            at=listen.listened_at,
            said=said[listen.track_id],
            listen=listen,
            mood=listen.playlist.emotion if listen.playlist else listen.track.emotion,
            capture=listen.playlist.capture if listen.playlist else None,
        )
        for listen in found
    ]
    return Page(rows, total, newer, older)


def ratings_page(user: "User", value: int, place: str = "") -> Page[Row]:
    """Return a page of what a person likes (1) or dislikes (-1), latest rated first; see `listens_page`."""
    ratings = Rating.objects.filter(user=user, value=value)
    found, newer, older = _around(ratings.select_related("track"), "rated_at", place)
    total = _total(ratings, found, place)
    said = said_of(user, [rating.track for rating in found])
    rows = [
        Row(
            track=rating.track,
            at=rating.rated_at,
            said=said[rating.track_id],
            mood=rating.track.emotion,
        )
        for rating in found
    ]
    return Page(rows, total, newer, older)


def kept_out(user: "User") -> tuple[QuerySet[NeverArtist], QuerySet[NeverAgain]]:
    """Return the artists and the tracks that a person never wants again, latest first; what has ended is left out."""
    artists = NeverArtist.objects.filter(in_force(), user=user).order_by("-created_at", "-id")
    tracks = NeverAgain.objects.filter(in_force(), user=user).select_related("track").order_by("-created_at", "-id")
    return artists, tracks


def kept_out_page(rows: "QuerySet[M]", place: str = "") -> Page[M]:
    """Return a page of the artists or of the tracks of `kept_out`; see `listens_page`."""
    found, newer, older = _around(rows, "created_at", place)
    return Page(found, _total(rows, found, place), newer, older)


def _around(rows: "QuerySet[Any]", moment: str, place: str) -> tuple[list[Any], str, str]:
    """Return the rows of one page, latest first, and the places of the newer and the older page."""
    side, beside = "older", Q()
    if place:
        match = PLACE.fullmatch(place) or _lost()
        side = match[1]
        at, row_id = moment_of(int(match[2])), int(match[3])
        further = "lt" if side == "older" else "gt"
        beside = Q(**{f"{moment}__{further}e": at}) & (
            Q(**{f"{moment}__{further}": at}) | Q(**{f"id__{further}": row_id})
        )
    sign = "-" if side == "older" else ""
    found = list(rows.filter(beside).order_by(f"{sign}{moment}", f"{sign}id")[: PER_PAGE + 1])
    more, kept = len(found) > PER_PAGE, found[:PER_PAGE]
    if side == "newer":
        kept.reverse()

    def beyond(row: Any, direction: str) -> str:
        return f"{direction}-{number_of(getattr(row, moment))}-{row.pk}"

    newer = beyond(kept[0], "newer") if kept and (more if side == "newer" else place) else ""
    older = beyond(kept[-1], "older") if kept and (more if side == "older" else True) else ""
    return kept, newer, older


def _total(rows: "QuerySet[Any]", found: Sequence[Any], place: str) -> int | None:
    """Count all rows for their first page; one that is not full holds them all."""
    if place:
        return None
    return len(found) if len(found) < PER_PAGE else rows.count()


def _lost() -> NoReturn:
    raise InvalidInput("That page of the list is not there any more. Go back to its first page.")
