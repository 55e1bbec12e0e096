"""Reads for the journal: a person's moods by day and hour, what they heard in each, and what they put right.

Sums are made by the database, in a fixed number of queries. A mood is the person's own word before the reader's.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from django.db.models import Case, CharField, Count, F, Max, Q, QuerySet, When, Window
from django.db.models.functions import Coalesce, ExtractHour, RowNumber, TruncDate
from django.db.models.lookups import Exact, GreaterThan
from django.utils import timezone

from catalogue.models import Track
from detection.models import Capture, Source, Status
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from playlists.charts import Counts
from playlists.literals import Literal
from playlists.models import Listen

if TYPE_CHECKING:
    from accounts.models import User

# Days back, today included; None is all there is.
PERIODS: dict[str, int | None] = {"30-days": 30, "year": 365, "all": None}
DEFAULT_PERIOD, DEFAULT_ZONE = "year", "UTC"
# The tracks and the artists heard most in a mood.
MOST_HEARD = 10


@dataclass(frozen=True)
class Heard:
    """What was heard in one mood: how often anything was, the tracks and the artists heard most, with how often."""

    emotion: str
    listens: int
    tracks: Sequence[tuple[Track, int]]
    artists: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Readings:
    """What became of captures: `said` counts what was read against what the person said, `stood` by emotion the
    readings about which they said nothing. `named` moods had no picture; `unsure` and `no_face` had no reading."""

    said: dict[tuple[str, str], int]
    stood: Counts
    named: int
    unsure: int
    no_face: int

    @property
    def read(self) -> int:
        return sum(self.stood) + sum(self.said.values())

    @property
    def corrected(self) -> int:
        return sum(number for (read, said), number in self.said.items() if read != said)


@dataclass(frozen=True)
class Journal:
    """A person's days from `since` to `until`, both included, in their time zone; days without a mood are left out."""

    period: str
    zone: ZoneInfo
    since: date
    until: date
    days: dict[date, Counts]
    hours: list[Counts]
    heard: list[Heard]
    heard_without_mood: int
    readings: Readings


@cache
def zone_names() -> tuple[str, ...]:
    """Return the time zones that can be chosen: places, by their names, and UTC."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))}
    return (DEFAULT_ZONE, *sorted(places))


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of a name, UTC for none. Raises InvalidInput for a name that is none."""
    wanted = name.strip() or DEFAULT_ZONE
    if wanted not in zone_names():
        raise InvalidInput(f"{wanted[:40]!r} is no time zone. Name a place, as in Europe/Berlin, or UTC.")
    return ZoneInfo(wanted)


def journal_of(user: "User", *, period: str, zone: ZoneInfo, now: datetime | None = None) -> Journal:
    """Return a person's journal of one of PERIODS. Raises InvalidInput for another one."""
    if period not in PERIODS:
        raise InvalidInput(f"There is no such period. Choose one of: {', '.join(PERIODS)}.")
    until = (now or timezone.now()).astimezone(zone).date()
    length = PERIODS[period]
    since = None if length is None else until - timedelta(days=length - 1)
    captures = _within(Capture.objects.filter(user=user), "created_at", since, until, zone)
    moods = captures.annotate(felt=_mood()).exclude(felt="")
    days = _by_day(moods, zone)
    listens = _within(Listen.objects.filter(user=user), "listened_at", since, until, zone)
    heard, without_mood = _heard(listens)
    return Journal(
        period=period,
        zone=zone,
        since=since or min(days, default=until),
        until=until,
        days=days,
        hours=_by_hour(moods, zone),
        heard=heard,
        heard_without_mood=without_mood,
        readings=_readings(captures),
    )


def has_moods(user: "User") -> bool:
    """Whether there is any mood of a person, at any time."""
    said = Q(chosen__gt="") | Q(status=Status.DONE, emotion__gt="")
    return Capture.objects.filter(said, user=user).exists()


def _within(rows: "QuerySet[Any]", moment: str, since: date | None, until: date, zone: ZoneInfo) -> "QuerySet[Any]":
    """Keep what lies between two days of a time zone."""
    end = datetime.combine(until + timedelta(days=1), time(), zone)
    kept = rows.order_by().filter(**{f"{moment}__lt": end})
    return kept.filter(**{f"{moment}__gte": datetime.combine(since, time(), zone)}) if since else kept


def _mood(path: str = "", otherwise: Any = "") -> Case:
    """Say in SQL what Capture.mood says, of the capture at the end of a path."""
    chosen, emotion, status = (F(f"{path}{name}") for name in ("chosen", "emotion", "status"))
    is_read = Q(Exact(status, Literal(Status.DONE.value)), GreaterThan(emotion, Literal("")))
    return Case(
        When(GreaterThan(chosen, Literal("")), then=chosen),
        When(is_read, then=emotion),
        default=otherwise or Literal(""),
        output_field=CharField(),
    )


def _counts(numbers: dict[str, int]) -> Counts:
    return tuple(numbers.get(name, 0) for name in EMOTIONS)


def _by_day(moods: "QuerySet[Any]", zone: ZoneInfo) -> dict[date, Counts]:
    rows = moods.annotate(day=TruncDate("created_at", tzinfo=zone)).values_list("day", "felt")
    found: dict[date, dict[str, int]] = {}
    for day, mood, number in rows.annotate(number=Count("pk")).order_by("day"):
        found.setdefault(day, {})[mood] = number
    return {day: _counts(numbers) for day, numbers in found.items()}


def _by_hour(moods: "QuerySet[Any]", zone: ZoneInfo) -> list[Counts]:
    rows = moods.annotate(hour=ExtractHour("created_at", tzinfo=zone)).values_list("hour", "felt")
    found: dict[int, dict[str, int]] = {}
    for hour, mood, number in rows.annotate(number=Count("pk")):
        found.setdefault(hour, {})[mood] = number
    return [_counts(found.get(hour, {})) for hour in range(24)]


def _readings(captures: "QuerySet[Any]") -> Readings:
    said: Counter[tuple[str, str]] = Counter()
    stood: Counter[str] = Counter()
    others: Counter[str] = Counter()
    kinds = captures.values_list("source", "status", "emotion", "chosen").annotate(number=Count("pk"))
    for source, status, emotion, chosen, number in kinds:
        if source == Source.NAMED:
            others[Source.NAMED] += number
        elif status != Status.DONE or not emotion:
            others[status] += number
        elif chosen:
            said[emotion, chosen] += number
        else:
            stood[emotion] += number
    return Readings(
        said=dict(said),
        stood=_counts(stood),
        named=others[Source.NAMED],
        unsure=others[Status.UNSURE],
        no_face=others[Status.NO_FACE],
    )


def _heard(listens: "QuerySet[Any]") -> tuple[list[Heard], int]:
    """Return what was heard by mood, most first, and how many listens belong to none.

    The mood is that of the capture whose playlist was playing, as it stands now: none, where the person took back what
    they had said of a capture that shows no other. Of a journey without a capture it is the mood that it began at.
    """
    began_at = Case(When(playlist__capture=None, then=Coalesce("playlist__emotion", Literal(""))), default=Literal(""))
    listens = listens.annotate(felt=_mood("playlist__capture__", began_at))
    numbers = dict(listens.values_list("felt").annotate(number=Count("pk")))
    without_mood = numbers.pop("", 0)
    in_moods = listens.exclude(playlist=None).exclude(felt="")
    tracks, artists = _most(in_moods, "track"), _most(in_moods, "track__artist")
    by_id = Track.objects.in_bulk([track for _, track, _ in tracks])
    heard = [
        Heard(
            emotion=mood,
            listens=numbers[mood],
            tracks=[(by_id[track], times) for of, track, times in tracks if of == mood and track in by_id],
            artists=[(artist, times) for of, artist, times in artists if of == mood],
        )
        for mood in sorted(numbers, key=lambda name: (-numbers[name], EMOTIONS.index(name)))
    ]
    return heard, without_mood


def _most(listens: "QuerySet[Any]", what: str) -> Iterable[tuple[str, Any, int]]:
    """Return (mood, what, times) of what was heard most in each mood, of equals what was heard last first."""
    order = [F("times").desc(), F("last").desc(), F(what).asc()]
    rows = listens.values("felt", what).annotate(times=Count("pk"), last=Max("listened_at"))
    placed = rows.annotate(place=Window(RowNumber(), partition_by=[F("felt")], order_by=order))
    return list(placed.filter(Q(place__lte=MOST_HEARD)).order_by("felt", "place").values_list("felt", what, "times"))
