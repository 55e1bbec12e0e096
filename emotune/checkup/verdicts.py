"""What is known of an installation, in figures that say by themselves whether they are good."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from emotune.checkup.sparkline import sparkline

# A number, a word, or None for what is not known.
Value = float | int | str | None
# Below so many seconds a time is written in this unit, which has so many.
TIMES = ((60, 1, "s"), (3600, 60, "min"), (48 * 3600, 3600, "h"), (float("inf"), 86_400, "days"))
LARGER = ("bytes", "kB", "MB", "GB", "TB")


class Verdict(IntEnum):
    """How a figure is; of several the greatest counts."""

    GOOD = 0
    LOOK = 1
    ACT = 2

    @property
    def word(self) -> str:
        """The verdict as programs read it: good, look or act."""
        return self.name.lower()

    @property
    def words(self) -> str:
        """The verdict as people read it."""
        return ("good", "look at it", "act now")[self]


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, default=Verdict.GOOD)


def rising(value: float | None, *, look: float, act: float = float("inf")) -> Verdict:
    """Judge a figure that is worse the larger it is: from `look` and from `act` on. What is not known is good."""
    if value is None or value < look:
        return Verdict.GOOD
    return Verdict.LOOK if value < act else Verdict.ACT


def written(value: Value, unit: str = "") -> str:
    """Return a value in words for people. Units are "s", "ms", "bytes" and "share" (0 to 1); "" counts things."""
    if value is None or isinstance(value, str):
        return value or "not known"
    write = {"bytes": _written_bytes, "s": _written_seconds, "ms": _written_milliseconds, "share": _written_share}
    return write[unit](value) if unit else f"{value:,}"


def _written_share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _written_milliseconds(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _written_bytes(value: float) -> str:
    step = 0
    while value >= 1000 and step < len(LARGER) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.0f} {LARGER[step]}" if step < 3 else f"{value:.1f} {LARGER[step]}"


def _written_seconds(value: float) -> str:
    size, name = next((size, name) for limit, size, name in TIMES if value < limit)
    amount = value / size
    places = 0 if not amount or amount >= 10 else 2 if amount < 1 else 1
    return f"{amount:.{places}f} {name}"


@dataclass(frozen=True)
class Figure:
    """One thing that is known; `advice` says what to look at or to do where it is not good."""

    name: str
    value: Value
    unit: str = ""
    verdict: Verdict = Verdict.GOOD
    advice: str = ""

    @property
    def shown(self) -> str:
        return written(self.value, self.unit)


@dataclass(frozen=True)
class Column:
    name: str
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of values; `empty` is what stands there where there is none. A page shows it at once if it `is_open`."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    empty: str = "There is none."
    is_open: bool = False

    @property
    def shown(self) -> list[list[str]]:
        units = [column.unit for column in self.columns]
        return [[written(value, unit) for value, unit in zip(row, units, strict=True)] for row in self.rows]


@dataclass(frozen=True)
class Series:
    """Counts over time, the latest last, each with the words for its time."""

    name: str
    labels: tuple[str, ...]
    values: tuple[int, ...]

    @property
    def drawing(self) -> str:
        """The counts as an SVG element, whose words are escaped."""
        return sparkline(self.values, f"{self.name}: {self.values[-1]} in this hour, {self.total} in all")

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True)
class Part:
    """What is known of one part of an installation. `links` are words and the names of pages that say more."""

    title: str
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...] = ()
    series: tuple[Series, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The title as programs and addresses have it."""
        return self.title.lower().replace(" ", "-")

    @property
    def points(self) -> list[tuple[str, tuple[int, ...]]]:
        """The counts of all series side by side, with the words for their time."""
        labels = self.series[0].labels if self.series else ()
        return list(zip(labels, zip(*(series.values for series in self.series), strict=True), strict=True))

    @property
    def verdict(self) -> Verdict:
        return worst(figure.verdict for figure in self.figures)


@dataclass(frozen=True)
class Report:
    """All parts, when they were looked at, and how long that took."""

    parts: tuple[Part, ...]
    made_at: datetime
    milliseconds: float

    @property
    def verdict(self) -> Verdict:
        return worst(part.verdict for part in self.parts)

    @property
    def headline(self) -> str:
        """One sentence: all is well, or which parts are not."""
        if self.verdict == Verdict.GOOD:
            return "All is well."
        named = ", ".join(part.title.lower() for part in self.parts if part.verdict == self.verdict)
        return f"{self.verdict.words.capitalize()}: {named}."

    @property
    def to_do(self) -> list[tuple[Part, Figure]]:
        """The figures that are not good with their parts, the worst first."""
        found = [(part, figure) for part in self.parts for figure in part.figures if figure.verdict != Verdict.GOOD]
        return sorted(found, key=lambda each: -each[1].verdict)
