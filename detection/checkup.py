"""How captures go, for the page "Is it well?": what waits, what came of them, how long it took, who disagrees."""

import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.conf import settings

from detection.models import Status
from detection.queries import outcomes, times, waiting, weekly_agreement
from detection.vision.card import ModelFileError, load_card
from emotune.checkup.verdicts import Column, Figure, Part, Series, Table, Value, Verdict, rising

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BAD = (Status.FAILED, Status.EXPIRED)
FACELESS_ONES = (Status.NO_FACE,)
# So many of a kind are more than chance, and of so many captures a share can be taken.
SOME, ENOUGH = 3, 10
# Times are taken of about so many captures; of fewer, all count.
SAMPLE = 2000
WEEKS = 4

SLOW = "Faces are read too late. See the workers below: are they warm, are there enough?"
BREAKING = "Captures end without an outcome. The workers' log says why; see memory and time limits too."
FACELESS = "Many pictures show no face: cameras in the dark, or a page that sends something else."
DISAGREE = "People put many readings right. See which emotions, and the model card."
NO_MODEL = "Weights or model card are missing or damaged: put EMOTUNE_MODEL right."


def captures(now: datetime) -> Part:
    """Say what waits, and what came of the captures of the last hour and day."""
    hour, day, all_by_hour, bad_by_hour = _counted(now)
    count, oldest = waiting(now)
    age = (now - oldest).total_seconds() if oldest else 0.0
    hour_times = _Times(times(now - HOUR, _share(hour)))
    day_times = _Times(times(now - DAY, _share(day)))
    failing = _share_of(hour, BAD)
    figures = (
        Figure("Waiting", count, "", rising(count, look=20, act=200), SLOW),
        Figure("The oldest waits for", age, "s", rising(age, look=3, act=20), SLOW),
        Figure("Last hour", sum(hour.values())),
        Figure("Failed or expired, last hour", failing, "share", _judged(hour, BAD, 0.02, 0.2), BREAKING),
        Figure("No face, last hour", _share_of(hour, FACELESS_ONES), "share",
               _judged(hour, FACELESS_ONES, 0.4, 2.0), FACELESS),
        Figure("Wait, 95 of 100, last hour", hour_times.wait(0.95), "s",
               rising(hour_times.wait(0.95), look=3, act=20), SLOW),
        Figure("Reading, 95 of 100, last hour", hour_times.reading(0.95), "s",
               rising(hour_times.reading(0.95), look=2, act=10), SLOW),
    )  # fmt: skip
    tables = (_outcomes(hour, day), _durations(hour_times, day_times))
    return Part("Captures", figures, tables, _series(now, all_by_hour, bad_by_hour), LINKS)


def reader(_now: datetime) -> Part:
    """Say which model reads, and how often people let its readings stand."""
    rows = list(weekly_agreement(WEEKS))
    readings, wrong = sum(row[2] for row in rows), sum(row[3] for row in rows)
    stood = 1 - wrong / readings if readings else None
    verdict = Verdict.LOOK if stood is not None and readings >= 3 * ENOUGH and stood < 0.6 else Verdict.GOOD
    figures = (
        _model(),
        Figure(f"Readings, last {WEEKS} weeks", readings),
        Figure("People let stand", stood, "share", verdict, DISAGREE),
    )
    by_emotion: dict[str, Counter[str]] = {}
    for _, emotion, read, corrected in rows:
        by_emotion.setdefault(emotion, Counter()).update(readings=read, wrong=corrected)
    table = Table(
        f"By emotion, last {WEEKS} weeks",
        (Column("emotion"), Column("readings"), Column("put right"), Column("stood", "share")),
        tuple((name, n["readings"], n["wrong"], 1 - n["wrong"] / n["readings"]) for name, n in by_emotion.items()),
        "Nothing was read.",
    )
    links = (("Agreement by week", "admin:detection_capture_agreement"), ("Model card", "detection:model"))
    return Part("Reader", figures, (table,), links=links)


PARTS: dict[str, Callable[[datetime], Part]] = {"Captures": captures, "Reader": reader}
LINKS = (("All captures", "admin:detection_capture_changelist"),)


def _model() -> Figure:
    try:
        version = load_card(settings.MODEL_DIR).version
    except ModelFileError:
        version = None
    if version is None or not zipfile.is_zipfile(settings.MODEL_DIR / "weights.npz"):
        return Figure("Model", version, verdict=Verdict.ACT, advice=NO_MODEL)
    return Figure("Model", version)


def _counted(now: datetime) -> tuple[Counter[str], Counter[str], Counter[datetime], Counter[datetime]]:
    """Return captures by outcome of the last hour and the last day, and by hour of the clock all and the bad ones."""
    hour: Counter[str] = Counter()
    day: Counter[str] = Counter()
    everything: Counter[datetime] = Counter()
    bad: Counter[datetime] = Counter()
    for at, is_recent, status, count in outcomes(now):
        day[status] += count
        hour[status] += count if is_recent else 0
        everything[at] += count
        bad[at] += count if status in BAD else 0
    return hour, day, everything, bad


def _share(counts: Counter[str]) -> float:
    return SAMPLE / max(SAMPLE, sum(counts.values()))


def _share_of(counts: Counter[str], statuses: Sequence[str]) -> float | None:
    total = sum(counts.values())
    return sum(counts[status] for status in statuses) / total if total else None


def _judged(counts: Counter[str], statuses: Sequence[str], look: float, act: float) -> Verdict:
    """Judge the share of some outcomes: a single one is nothing, and some are no more than a reason to look."""
    verdict = rising(_share_of(counts, statuses), look=look, act=act)
    if sum(counts[status] for status in statuses) < SOME:
        return Verdict.GOOD
    return verdict if sum(counts.values()) >= ENOUGH else min(verdict, Verdict.LOOK)


class _Times:
    """Quantiles of how long captures waited and were read."""

    def __init__(self, rows: Sequence[tuple[float, float | None]]) -> None:
        self._waits = sorted(waited for waited, _ in rows)
        self._readings = sorted(read for _, read in rows if read is not None)

    def wait(self, share: float) -> float | None:
        return _quantile(self._waits, share)

    def reading(self, share: float) -> float | None:
        return _quantile(self._readings, share)


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that `share` of the values do not exceed (the nearest rank)."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else None


def _outcomes(hour: Counter[str], day: Counter[str]) -> Table:
    rows = tuple((str(status.label), hour[status], day[status]) for status in Status)
    columns = (Column("outcome"), Column("last hour"), Column("last day"))
    return Table("Captures by outcome", columns, rows, is_open=True)


def _durations(hour: _Times, day: _Times) -> Table:
    rows: list[tuple[Value, ...]] = []
    for words, of_hour, of_day in (
        ("from the submission to a worker", hour.wait, day.wait),
        ("reading", hour.reading, day.reading),
    ):
        rows.append((words, of_hour(0.5), of_hour(0.95), of_day(0.5), of_day(0.95)))
    names = ("median, last hour", "95 of 100, last hour", "median, last day", "95 of 100, last day")
    columns = (Column("time"), *(Column(name, "s") for name in names))
    return Table("Times of captures", columns, tuple(rows))


def _series(now: datetime, everything: Counter[datetime], bad: Counter[datetime]) -> tuple[Series, Series]:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    # the day begins within the first of them, as it ends within the last
    hours = [this_hour - timedelta(hours=back) for back in range(24, -1, -1)]
    labels = tuple(f"{hour:%H}:00" for hour in hours)
    return (
        Series("Captures by hour", labels, tuple(everything[hour] for hour in hours)),
        Series("Failed or expired by hour", labels, tuple(bad[hour] for hour in hours)),
    )
