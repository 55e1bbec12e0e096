"""The journal's charts as geometry: a calendar of days, a stream of weeks, the hours of a day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from emotune.emotions import EMOTIONS

# How often each of the seven emotions was there, in their order.
Counts = tuple[int, ...]
NOTHING: Counts = (0,) * len(EMOTIONS)
WEEK = timedelta(days=7)

# The signs of emotune.emotions as outlines around (0, 0), at most 8 from it.
SIGNS = {
    "angry": "M0-7 7 0 0 7-7 0z",
    "disgust": "M-7-5.5H7L0 7z",
    "fear": "M-7 5.5H7L0-7z",
    "happy": "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",
    "sad": "M-5.5-5.5h11v11h-11z",
    "surprise": "M0-8 2.3-2.3 8 0 2.3 2.3 0 8-2.3 2.3-8 0-2.3-2.3z",
    "neutral": "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0zm3 0a3 3 0 1 1 6 0a3 3 0 1 1-6 0z",
}
# A day's strength is 1 to 4: it has at least so many moods.
STRENGTHS = (1, 2, 3, 5)
# Room for the names of weekdays and months, and the part of a day's place that it fills.
LEFT, TOP, FILLED = 34, 18, 0.8
# A month's name needs the room of so many units.
MONTH_ROOM = 28


@dataclass(frozen=True)
class Label:
    """Words at a place of a drawing."""

    x: float
    y: float
    words: str


@dataclass(frozen=True)
class Mark:
    """A day with moods: the corner and the side of its square, how strong it is (1 to 4), and what it stands for."""

    x: float
    y: float
    day: date
    strength: int
    number: int
    total: int


@dataclass(frozen=True)
class Calendar:
    """Days as columns of weeks, Monday on top. `ground` is a path along all days, to be dashed by `side` and `gap`."""

    width: float
    height: float
    side: float
    gap: float
    ground: str
    marks: dict[str, list[Mark]]
    labels: list[Label]


@dataclass(frozen=True)
class Band:
    """One emotion's part of a stream: a closed path."""

    emotion: str
    path: str


@dataclass(frozen=True)
class Bar:
    """One emotion's part of an hour: `height` of 100 from `y` on, which grows downwards."""

    emotion: str
    y: float
    height: float


def leading(counts: Counts) -> str:
    """Return the emotion that is there most often, of equals the first in their order. Raises ValueError for none."""
    if not any(counts):
        raise ValueError("none of the seven emotions is there")
    return EMOTIONS[max(range(len(counts)), key=lambda index: counts[index])]


def total(rows: Sequence[Counts]) -> Counts:
    """Return the sum of some counts, emotion by emotion."""
    return tuple(map(sum, zip(NOTHING, *rows, strict=True)))


def strength(number: int) -> int:
    """Return 1 to 4 for a day with at least one mood; see STRENGTHS."""
    return max(1, sum(number >= least for least in STRENGTHS))


def calendar(days: Mapping[date, Counts], since: date, until: date, *, pitch: float = 18) -> Calendar:
    """Draw the days from `since` to `until`, both included, in squares that are `pitch` units apart.

    Days outside are left out, and so are days whose counts are all zero. Raises ValueError where `until` is earlier.
    """
    if until < since:
        raise ValueError("the calendar ends before it begins")
    monday = since - timedelta(days=since.weekday())
    columns = (until - monday).days // 7 + 1
    side = round(pitch * FILLED, 1)

    def corner(day: date) -> tuple[float, float]:
        return LEFT + (day - monday).days // 7 * pitch, TOP + day.weekday() * pitch

    marks: dict[str, list[Mark]] = {}
    for day, counts in sorted(days.items()):
        if since <= day <= until and any(counts):
            x, y = corner(day)
            number = max(counts)
            mark = Mark(x, y, day, strength(sum(counts)), number, sum(counts))
            marks.setdefault(leading(counts), []).append(mark)
    return Calendar(
        width=LEFT + columns * pitch,
        height=TOP + 7 * pitch,
        side=side,
        gap=round(pitch - side, 1),
        ground=_ground(since, until, corner_of=corner, side=side),
        marks={name: marks[name] for name in EMOTIONS if name in marks},
        labels=[*_weekdays(pitch, side), *_months(since, until, monday, pitch)],
    )


def _ground(since: date, until: date, *, corner_of: Callable[[date], tuple[float, float]], side: float) -> str:
    """Return a path of a line for each weekday, from its first day to its last."""
    parts = []
    for offset in range(min(7, (until - since).days + 1)):
        first = since + timedelta(days=offset)
        last = first + (until - first) // WEEK * WEEK
        (x, y), (end, _) = corner_of(first), corner_of(last)
        parts.append(f"M{x:g} {y + side / 2:g}H{end + side:g}")
    return "".join(parts)


def _weekdays(pitch: float, side: float) -> list[Label]:
    return [
        Label(0, round(TOP + row * pitch + side - 1.5, 1), words) for row, words in ((0, "Mon"), (2, "Wed"), (4, "Fri"))
    ]


def _months(since: date, until: date, monday: date, pitch: float) -> list[Label]:
    """Name each month over the week in which it begins, the first one over its first week where there is room."""
    labels: list[Label] = []
    first = since.replace(day=1)
    while first <= until:
        day = max(first, since)
        x = LEFT + (day - monday).days // 7 * pitch
        if labels and x - labels[-1].x < MONTH_ROOM:
            labels.pop()
        labels.append(Label(x, TOP - 6, f"{day:%b}"))
        first = (first + timedelta(days=32)).replace(day=1)
    return labels


def weeks(days: Mapping[date, Counts], since: date, until: date) -> list[tuple[date, Counts]]:
    """Return the Monday and the sum of every week from the one of `since` to the one of `until`, empty ones too."""
    monday = since - timedelta(days=since.weekday())
    sums = [list(NOTHING) for _ in range((until - monday).days // 7 + 1)]
    for day, counts in days.items():
        if since <= day <= until:
            week = sums[(day - monday).days // 7]
            week[:] = (one + more for one, more in zip(week, counts, strict=True))
    return [(monday + index * WEEK, tuple(week)) for index, week in enumerate(sums)]


def stream(rows: Sequence[Counts]) -> list[Band]:
    """Draw shares over time: a band for each emotion that is there, on a field as wide as there are rows and 100 high.

    A row without anything leaves a gap: nothing is guessed between weeks that have something.
    """
    bands = []
    edges = [[100 - 100 * sum(row[:index]) / (sum(row) or 1) for index in range(len(EMOTIONS) + 1)] for row in rows]
    for index, emotion in enumerate(EMOTIONS):
        parts = [
            _band([edge[index + 1] for edge in edges[start:end]], [edge[index] for edge in edges[start:end]], start)
            for start, end in _runs(rows)
            if any(row[index] for row in rows[start:end])
        ]
        if parts:
            bands.append(Band(emotion, "".join(parts)))
    return bands


def _runs(rows: Sequence[Counts]) -> list[tuple[int, int]]:
    """Return where rows with something in them begin, and where they end."""
    runs: list[tuple[int, int]] = []
    for index, row in enumerate(rows):
        if not any(row):
            continue
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs


def _band(upper: Sequence[float], lower: Sequence[float], start: int) -> str:
    """Return the closed path between two edges that pass through the middle of each week, level at both ends."""
    xs = [start, *(start + index + 0.5 for index in range(len(upper))), start + len(upper)]
    over = zip(xs, [upper[0], *upper, upper[-1]], strict=True)
    under = zip(reversed(xs), [lower[-1], *reversed(lower), lower[0]], strict=True)
    return "M" + " ".join(f"{x:g} {round(y, 1):g}" for x, y in (*over, *under)) + "z"


def bars(rows: Sequence[Counts]) -> list[list[Bar]]:
    """Draw each row as bars on top of one another, on a field 100 high that the largest row fills."""
    most = max((sum(row) for row in rows), default=0) or 1
    drawn = []
    for row in rows:
        floor, parts = 100.0, []
        for emotion, number in zip(EMOTIONS, row, strict=True):
            if number:
                height = 100 * number / most
                floor -= height
                parts.append(Bar(emotion, round(floor, 2), round(height, 2)))
        drawn.append(parts)
    return drawn
