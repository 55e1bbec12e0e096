"""The page of the journal: a person's moods over days, weeks and hours, with what was heard in each and put right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from catalogue.models import Track
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from emotune.http import AppRequest
from playlists import charts, journal, queries
from playlists.charts import Calendar, Counts
from playlists.journal import DEFAULT_PERIOD, Heard, Journal, Readings

PERIOD_WORDS = {"30-days": "30 days", "year": "A year", "all": "All"}
# What static/js/journal.js tells of the browser.
ZONE_COOKIE = "time_zone"
# Units between two days: few days are drawn larger.
FEW_DAYS, WIDE_PITCH, PITCH = 62, 36, 18


@dataclass(frozen=True)
class Row:
    """A line of a table: what it is about, the seven counts, and their sum."""

    name: Any
    counts: Counts

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class HeardTrack:
    """A track that was heard often, in the terms of a playlist's entry."""

    rank: int
    track: Track
    times: int
    said: queries.Said

    @property
    def reason(self) -> str:
        return f"heard {self.times:,} times" if self.times > 1 else "heard once"


@login_required
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def show(request: AppRequest) -> HttpResponse:
    """Show the journal of a period, or the part of the page that changes with it."""
    shown = journal.journal_of(request.user, period=request.GET.get("period", DEFAULT_PERIOD), zone=_zone(request))
    is_begun = bool(shown.days) or journal.has_moods(request.user)
    context = {
        "journal": shown,
        "is_begun": is_begun,
        "periods": _periods(request),
        "zones": journal.zone_names(),
        "query": urlencode(_kept(request)),
        **(_drawn(shown) if shown.days else {}),
        **_heard(request, shown.heard),
    }
    return render(request, "playlists/_journal.html" if request.htmx else "playlists/journal.html", context)


def _zone(request: AppRequest) -> ZoneInfo:
    """Return the zone that the address names, or else the browser's where it told one that we know."""
    if "time_zone" in request.GET:
        return journal.zone_of(request.GET["time_zone"])
    try:
        return journal.zone_of(request.COOKIES.get(ZONE_COOKIE, ""))
    except InvalidInput:
        return journal.zone_of("")


def _kept(request: AppRequest, **changes: str) -> dict[str, str]:
    """Return what links of the page keep of its address."""
    given = {name: request.GET[name] for name in ("period", "time_zone", "mood") if name in request.GET}
    return given | changes


def _periods(request: AppRequest) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the words and the query of each period."""
    for period, words in PERIOD_WORDS.items():
        yield period, words, urlencode(_kept(request, period=period))


def _drawn(shown: Journal) -> dict[str, Any]:
    """Return the charts, and the rows of the tables behind them."""
    weeks = charts.weeks(shown.days, shown.since, shown.until)
    counts = charts.total(list(shown.days.values()))
    busiest = max(range(24), key=lambda hour: sum(shown.hours[hour]))
    return {
        "emotions": EMOTIONS,
        "signs": charts.SIGNS,
        "strengths": (1, 2, 3, 4),
        "calendars": _calendars(shown),
        "days": [
            (day, charts.leading(row), max(row), sum(row)) for day, row in sorted(shown.days.items(), reverse=True)
        ],
        "bands": charts.stream([row for _, row in weeks]),
        "weeks": [Row(monday, row) for monday, row in weeks],
        "middle_week": weeks[len(weeks) // 2][0],
        "hours": list(zip(range(24), charts.bars(shown.hours), [Row("", row) for row in shown.hours], strict=True)),
        "busiest": (busiest, (busiest + 1) % 24, sum(shown.hours[busiest])),
        "number": sum(counts),
        "leading": charts.leading(counts),
        "leads": max(counts),
        "matrix": _matrix(shown.readings),
    }


def _calendars(shown: Journal) -> list[tuple[str, Calendar]]:
    """Draw the period in one calendar, or all there is in one for each year, the latest first."""
    if shown.period != "all":
        pitch = WIDE_PITCH if (shown.until - shown.since).days < FEW_DAYS else PITCH
        return [("", charts.calendar(shown.days, shown.since, shown.until, pitch=pitch))]
    years = range(shown.until.year, shown.since.year - 1, -1)
    return [
        (str(year), charts.calendar(shown.days, date(year, 1, 1), date(year, 12, 31), pitch=PITCH)) for year in years
    ]


def _matrix(readings: Readings) -> list[tuple[str, list[tuple[str, int]], int]]:
    """Return by emotion that was read how often the person said each of the seven, and how often nothing."""
    return [
        (read, [(said, readings.said.get((read, said), 0)) for said in EMOTIONS], stood)
        for read, stood in zip(EMOTIONS, readings.stood, strict=True)
    ]


def _heard(request: AppRequest, heard: Sequence[Heard]) -> dict[str, Any]:
    """Return the tracks of the mood that the address names, or of the one in which most was heard."""
    if not heard:
        return {}
    chosen = next((each for each in heard if each.emotion == request.GET.get("mood")), heard[0])
    said = queries.said_of(request.user, [track for track, _ in chosen.tracks])
    return {
        "chosen": chosen,
        "moods": [(each, urlencode(_kept(request, mood=each.emotion))) for each in heard],
        "entries": [
            HeardTrack(rank, track, times, said[track.pk]) for rank, (track, times) in enumerate(chosen.tracks, start=1)
        ],
        "has_spotify": any(track.spotify_id for track, _ in chosen.tracks),
        "back": f"{reverse('playlists:journal')}?{urlencode(_kept(request))}",
    }
