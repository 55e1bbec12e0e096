"""The drawing of a journey over the catalogue."""

import numpy as np
import pytest

from emotune.emotions import BY_NAME, EMOTIONS
from playlists.plane import CELLS, SIDE, draw

CENTRES = {name: BY_NAME[name].anchor for name in EMOTIONS}
VAD, EMOTION = np.empty((0, 3)), np.empty(0, np.int8)


def drawing_of(points):
    return draw(np.array(points), vad=VAD, emotion=EMOTION, centres=CENTRES)


def test_the_path_keeps_its_directions_and_stays_inside():
    points = np.array([CENTRES["sad"], (5.0, 4.0, 5.0), CENTRES["happy"]])
    drawing = draw(points, vad=VAD, emotion=EMOTION, centres=CENTRES, names=("sad", "happy"))
    xs, ys = zip(*((stop.x, stop.y) for stop in drawing.stops), strict=True)
    assert list(xs) == sorted(xs)  # more pleasant lies to the right
    assert list(ys) == sorted(ys, reverse=True)  # livelier lies above
    assert all(0 < value < SIDE for value in (*xs, *ys))
    assert drawing.path == " ".join(f"{stop.x},{stop.y}" for stop in drawing.stops)
    assert {"sad", "happy"} <= {mark.name for mark in drawing.centres}


def test_a_step_is_as_long_across_as_upwards():
    first, second, third = drawing_of([(3.0, 3.0), (4.0, 3.0), (4.0, 4.0)]).stops
    assert second.x - first.x == pytest.approx(second.y - third.y, abs=0.2)


@pytest.mark.parametrize("points", [[(9.0, 9.0)], [(0.0, 0.0)], [(0.0, 9.0), (9.0, 0.0)], [(0.1, 4.0), (0.1, 4.0)]])
def test_the_window_never_leaves_the_scale(points):
    drawing = drawing_of(points)
    for low, high in (drawing.valences, drawing.arousals):
        assert 0 <= low < high <= 9
        assert high - low >= 4
    assert all(0 <= stop.x <= SIDE and 0 <= stop.y <= SIDE for stop in drawing.stops)


def test_dots_say_where_how_many_and_what_most_tracks_are():
    vad = np.array([(4.9, 4.9, 5.0)] * 9 + [(3.1, 3.1, 5.0)] + [(8.9, 8.9, 5.0)])
    emotion = np.array([EMOTIONS.index("happy")] * 5 + [EMOTIONS.index("sad")] * 5 + [-1])
    drawing = draw(np.array([(3.0, 3.0), (5.0, 5.0)]), vad=vad, emotion=emotion, centres=CENTRES)
    large, small = sorted(drawing.dots, key=lambda dot: -dot.r)
    assert (large.emotion, small.emotion) == ("happy", "sad")
    assert large.r == pytest.approx(SIDE / CELLS / 2)
    assert small.r == pytest.approx(large.r / 3, abs=0.1)
    assert small.x < large.x
    assert small.y > large.y


def test_names_of_near_emotions_do_not_lie_on_each_other():
    centres = dict.fromkeys(EMOTIONS, (5.0, 5.0, 5.0))
    marks = draw(np.array([(5.0, 5.0)]), vad=VAD, emotion=EMOTION, centres=centres).centres
    assert len(marks) == 7
    assert len({(mark.x, mark.y) for mark in marks}) == 7


def test_it_rejects_a_journey_without_a_point():
    with pytest.raises(ValueError, match="without a point"):
        drawing_of(np.empty((0, 2)))
