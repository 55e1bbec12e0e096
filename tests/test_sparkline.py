"""Figures in words and small drawings, of values whose outcome is known."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest

from emotune.checkup.sparkline import HEIGHT, sparkline
from emotune.checkup.verdicts import Column, Figure, Part, Report, Series, Table, Verdict, rising, written


def heights(drawing):
    path = ET.fromstring(drawing)[-1].attrib["d"]
    return [float(bar.split("v")[1].split("h")[0]) for bar in path.split("z") if bar]


def test_the_tallest_bar_is_as_high_as_the_drawing_and_the_others_beside_it():
    drawing = sparkline([0, 5, 10], "a day")
    assert heights(drawing) == [pytest.approx(-(HEIGHT - 6) / 2), pytest.approx(-(HEIGHT - 6))]
    assert ET.fromstring(drawing)[0].text == "a day"


def test_what_is_little_beside_much_can_still_be_seen():
    assert min(abs(height) for height in heights(sparkline([1, 100_000], "x"))) == 2


def test_nothing_is_a_floor_without_bars():
    assert heights(sparkline([0, 0], "x")) == []


def test_its_words_are_escaped_and_it_has_no_style():
    drawing = sparkline([1], "<b>&")
    assert "&lt;b&gt;&amp;" in drawing
    assert "style" not in drawing


@pytest.mark.parametrize("values", [[], [1, -1]])
def test_it_rejects_what_is_no_count(values):
    with pytest.raises(ValueError, match="counts"):
        sparkline(values, "x")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "s", "not known"), ("warm", "", "warm"), (12_345, "", "12,345"), (0.1234, "share", "12.3 %"),
        (0, "s", "0 s"), (0.042, "s", "0.04 s"), (5.25, "s", "5.2 s"), (59, "s", "59 s"), (61, "s", "1.0 min"),
        (7200, "s", "2.0 h"), (400_000, "s", "4.6 days"), (3.21, "ms", "3.2 ms"), (1234, "ms", "1,234 ms"),
        (999, "bytes", "999 bytes"), (312_000_000, "bytes", "312 MB"), (4_200_000_000, "bytes", "4.2 GB"),
    ],
)  # fmt: skip
def test_a_value_is_written_for_people(value, unit, words):
    assert written(value, unit) == words


def test_the_worst_verdict_counts_and_is_named_first():
    look = Figure("one", 1, verdict=Verdict.LOOK, advice="look")
    act = Figure("two", 2, verdict=Verdict.ACT, advice="act")
    parts = (Part("Long jobs", (look,)), Part("Queues", (Figure("three", 3), act)), Part("Machine", ()))
    report = Report(parts, datetime(2026, 11, 22, tzinfo=UTC), 1.0)
    assert [part.verdict for part in parts] == [Verdict.LOOK, Verdict.ACT, Verdict.GOOD]
    assert report.headline == "Act now: queues."
    assert [figure.name for _, figure in report.to_do] == ["two", "one"]
    assert parts[0].name == "long-jobs"


def test_a_figure_that_rises_is_looked_at_and_then_acted_on():
    assert [rising(value, look=3, act=20) for value in (None, 2.9, 3, 20)] == [0, 0, 1, 2]


def test_a_table_is_written_by_the_units_of_its_columns():
    table = Table("t", (Column("name"), Column("time", "s")), (("a", 2.0), ("b", None)))
    assert table.shown == [["a", "2.0 s"], ["b", "not known"]]


def test_series_stand_side_by_side():
    hours = ("00:00", "01:00")
    part = Part("Captures", (), series=(Series("all", hours, (5, 7)), Series("bad", hours, (0, 2))))
    assert part.points == [("00:00", (5, 0)), ("01:00", (7, 2))]
    assert [series.total for series in part.series] == [12, 2]
    assert Part("Queues", ()).points == []
