"""The journal's charts: where a day, a week's share and an hour lie, and what is left empty."""

import re
from datetime import date, timedelta
from itertools import pairwise

import pytest

from emotune.emotions import EMOTIONS
from playlists.charts import LEFT, NOTHING, SIGNS, TOP, bars, calendar, leading, stream, strength, total, weeks

MONDAY = date(2026, 11, 23)


def counts(**numbers):
    return tuple(numbers.get(name, 0) for name in EMOTIONS)


def test_of_equals_the_first_in_the_common_order_leads():
    assert leading(counts(happy=2, sad=2, neutral=1)) == "happy"
    with pytest.raises(ValueError, match="none of the seven"):
        leading(NOTHING)


def test_counts_are_summed_emotion_by_emotion():
    assert total([counts(happy=2), counts(happy=1, sad=4)]) == counts(happy=3, sad=4)
    assert total([]) == NOTHING


@pytest.mark.parametrize(("number", "expected"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (900, 4)])
def test_a_day_is_stronger_with_more_moods(number, expected):
    assert strength(number) == expected


def test_a_day_lies_in_its_week_and_on_its_weekday():
    days = {MONDAY: counts(sad=1), MONDAY + timedelta(days=8): counts(happy=3, sad=2)}
    drawn = calendar(days, MONDAY, MONDAY + timedelta(days=13), pitch=10)
    (sad,), (happy,) = drawn.marks["sad"], drawn.marks["happy"]
    assert (sad.x, sad.y, sad.strength) == (LEFT, TOP, 1)
    assert (happy.x, happy.y, happy.strength) == (LEFT + 10, TOP + 10, 4)
    assert (happy.number, happy.total) == (3, 5)
    assert (drawn.width, drawn.height) == (LEFT + 20, TOP + 70)


def test_the_ground_has_the_days_of_the_period_and_no_other():
    """Each weekday is one line from its first to its last day, which dashes of a side and a gap cut into days."""
    since = MONDAY + timedelta(days=2)
    for length in (1, 3, 7, 8, 30, 365):
        drawn = calendar({}, since, since + timedelta(days=length - 1), pitch=10)
        lines = re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", drawn.ground)
        days = sum((float(end) - float(start) + drawn.gap) / (drawn.side + drawn.gap) for start, end in lines)
        assert days == pytest.approx(length)
        assert len(lines) == min(7, length)


def test_days_outside_the_period_and_empty_ones_are_not_drawn():
    days = {MONDAY - timedelta(days=1): counts(sad=1), MONDAY: NOTHING, MONDAY + timedelta(days=1): counts(fear=1)}
    assert calendar(days, MONDAY, MONDAY, pitch=10).marks == {}
    with pytest.raises(ValueError, match="ends before it begins"):
        calendar({}, MONDAY, MONDAY - timedelta(days=1))


def test_months_are_named_once_each_and_not_on_one_another():
    drawn = calendar({}, date(2025, 11, 26), date(2026, 11, 25))
    months = [label for label in drawn.labels if label.x]
    assert [label.words for label in months] == [
        "Dec",
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "May",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Oct",
        "Nov",
    ]
    assert all(after.x - before.x >= 28 for before, after in pairwise(months))


def test_weeks_are_summed_from_monday_to_sunday_and_none_is_left_out():
    sunday = MONDAY + timedelta(days=6)
    days = {MONDAY - timedelta(days=1): counts(sad=1), MONDAY: counts(sad=2), sunday: counts(fear=1)}
    found = weeks(days, MONDAY - timedelta(days=15), sunday)
    assert [monday for monday, _ in found] == [MONDAY - timedelta(days=21 - 7 * n) for n in range(4)]
    assert [sum(row) for _, row in found] == [0, 0, 1, 3]
    assert found[-1][1] == counts(sad=2, fear=1)


def points(path):
    return [tuple(map(float, pair.split())) for pair in re.findall(r"[\d.]+ [\d.]+", path)]


def test_shares_of_a_week_fill_the_whole_height():
    bands = {band.emotion: points(band.path) for band in stream([counts(angry=1, happy=3)])}
    assert bands["angry"] == [(0, 75), (0.5, 75), (1, 75), (1, 100), (0.5, 100), (0, 100)]
    assert bands["happy"] == [(0, 0), (0.5, 0), (1, 0), (1, 75), (0.5, 75), (0, 75)]


def test_a_week_without_anything_is_a_gap():
    (band,) = stream([counts(sad=1), NOTHING, counts(sad=4), counts(sad=1)])
    assert band.path.count("M") == band.path.count("z") == 2
    assert {x for x, _ in points(band.path)} == {0, 0.5, 1, 2, 2.5, 3.5, 4}
    assert stream([NOTHING]) == []


def test_hours_stand_on_the_ground_and_the_fullest_reaches_the_top():
    drawn = bars([NOTHING, counts(angry=1, sad=1), counts(sad=4)])
    assert drawn[0] == []
    assert [(bar.emotion, bar.y, bar.height) for bar in drawn[1]] == [("angry", 75, 25), ("sad", 50, 25)]
    assert (drawn[2][0].y, drawn[2][0].height) == (0, 100)
    assert bars([NOTHING] * 24) == [[]] * 24


def test_every_emotion_has_a_sign():
    assert tuple(SIGNS) == EMOTIONS
