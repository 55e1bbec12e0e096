"""Crops look like the training pictures: eyes in their place, grey as Pillow has it, nothing aliased."""

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from detection.vision import alignment
from detection.vision.alignment import EYES, LIGHT, LUMA, align, lit
from detection.vision.data import SIZE
from detection.vision.pyramid import LEVELS, Pyramid


def dots(width, height, *points, radius=6):
    """Return a white frame with a black disc at each point."""
    row, column = np.mgrid[:height, :width]
    near = [np.hypot(column - x, row - y) < radius for x, y in points]
    return np.where(np.any(near, axis=0)[..., None], 0, 255).astype(np.uint8).repeat(3, axis=2)


def centre(crop):
    weight = 255.0 - crop
    row, column = np.mgrid[: crop.shape[0], : crop.shape[1]]
    return (column * weight).sum() / weight.sum() + 0.5, (row * weight).sum() / weight.sum() + 0.5


@pytest.mark.parametrize("angle", [0, 15, -30, 80, 180])
@pytest.mark.parametrize("distance", [25, 60, 150])
def test_the_eyes_lie_in_their_place_whatever_the_turn_and_size(angle, distance):
    turn = distance / 2 * np.exp(1j * np.deg2rad(angle))
    left, right = (complex(300, 240) + side * turn for side in (-1, 1))
    eyes = ((left.real, left.imag), (right.real, right.imag))
    for index, eye in enumerate(eyes):
        crop = align(Pyramid(dots(600, 480, eye, radius=distance / 8)), *eyes)
        assert centre(crop) == pytest.approx((EYES[index].real * SIZE, EYES[index].imag * SIZE), abs=0.6)


def test_the_eyes_of_the_training_pictures_are_level_and_even():
    assert EYES[0].imag == EYES[1].imag
    assert EYES[0].real + EYES[1].real == pytest.approx(1)


@pytest.mark.parametrize("pattern", [1, 2, 3])
@pytest.mark.parametrize("distance", [60, 153, 300])
def test_fine_patterns_become_their_mean(monkeypatch, pattern, distance):
    monkeypatch.setattr(alignment, "LIGHT", 0)
    row, column = np.mgrid[:700, :900] // pattern
    frame = (((row + column) % 2) * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    middle = (450 - distance / 2, 300), (450 + distance / 2, 300)
    step = distance / ((EYES[1] - EYES[0]).real * SIZE)
    crop = align(Pyramid(frame), *middle)
    assert abs(crop.mean() - 127.5) < 4
    if pattern < step / 2:
        assert crop.std() < 25


def test_colours_turn_to_the_grey_that_pillow_has():
    rng = np.random.default_rng(0)
    for colour in rng.integers(0, 256, (20, 3)):
        frame = np.tile(colour.astype(np.uint8), (200, 200, 1))
        frame[:, 110:] = 255  # enough light
        crop = align(Pyramid(frame), (80, 90), (120, 90))[:, : SIZE // 2]
        assert np.abs(crop.astype(int) - np.asarray(Image.fromarray(frame).convert("L"))[0, 0]).max() <= 1


def test_a_face_in_little_light_looks_as_in_enough_and_one_in_enough_as_it_is():
    frame, eyes = astronaut(), ((200, 118), (244, 118))
    assert np.percentile(frame @ LUMA, 99) > LIGHT
    bright = align(Pyramid(frame), *eyes)
    for light in (0.5, 0.3, 0.12):
        dark = align(Pyramid(np.round(frame * light).astype(np.uint8)), *eyes)
        share = LIGHT / np.percentile(bright, 99)
        assert np.abs(dark - bright * min(1, share)).mean() < 4
    values = np.array([[0, 90, 250]], np.float32)
    assert (lit(values) == values).all()
    assert lit(np.zeros((4, 4), np.float32)).max() == 0
    assert lit(np.full((4, 4), 2, np.float32)).max() == 50


def test_what_lies_outside_the_frame_repeats_its_edge():
    frame = np.full((100, 100, 3), 30, np.uint8)
    frame[:, 90:] = 200
    crop = align(Pyramid(frame), (60, 50), (95, 50))
    assert (crop[:, -8:] >= 195).all()
    assert (crop[:, :20] <= 35).all()


def test_eyes_in_one_place_give_a_crop_all_the_same():
    assert align(Pyramid(astronaut()), (200, 100), (200, 100)).shape == (SIZE, SIZE)


def sizes_of(pyramid):
    return [pyramid.level(number).size for number in range(pyramid.depth)]


def test_a_pyramid_halves_its_frame_until_little_is_left():
    sizes = sizes_of(Pyramid(np.zeros((480, 640, 3), np.uint8)))
    assert sizes == [(640 // 2**i, 480 // 2**i) for i in range(LEVELS)]
    assert sizes_of(Pyramid(np.zeros((3, 5, 3), np.uint8))) == [(5, 3), (3, 2)]
    assert sizes_of(Pyramid(np.zeros((9, 5, 3), np.uint8))) == [(5, 9), (3, 5), (2, 3)]
    assert sizes_of(Pyramid(np.zeros((1, 700, 3), np.uint8))) == [(700, 1)]


def slopes():
    """Return a frame whose red says how far to the right a pixel lies, and green how far down."""
    row, column = np.mgrid[:128, :256].astype(np.uint8)
    return Pyramid(np.stack([column, row, np.zeros_like(row)], axis=-1))


@pytest.mark.parametrize("step", [1, 2, 4, 1j, -2, 1 + 1j])
def test_points_of_every_level_lie_where_they_were_asked_for(step):
    sampled = slopes().turned(100.25 + 60.75j, step, 5).astype(float)
    down, across = np.mgrid[:5, :5]
    points = 100.25 + 60.75j + step * (across + 1j * down)
    assert sampled[..., 0] == pytest.approx(points.real, abs=1.1)
    assert sampled[..., 1] == pytest.approx(points.imag, abs=1.1)


def test_a_box_is_cut_from_its_first_to_its_last_point():
    (cut,) = slopes().cut(np.array([[20.5, 30, 66.5, 99]], np.float32), 24).astype(float)
    assert cut[0, :, 0] == pytest.approx(np.linspace(20.5, 66.5, 24), abs=1)
    assert cut[:, 0, 1] == pytest.approx(np.linspace(30, 99, 24), abs=1)


def test_outside_the_frame_lies_grey_around_boxes_and_its_edge_around_faces():
    pyramid = Pyramid(np.full((64, 64, 3), 250, np.uint8))
    (half, all_of_it) = pyramid.cut(np.array([[-48, 0, 47, 63], [-500, -500, -90, -90]], np.float32), 96)
    assert (half[:, :47] == 128).all()
    assert (half[:, 49:] == 250).all()
    assert (all_of_it == 128).all()
    assert (pyramid.turned(-40 - 40j, 2, 96) == 250).all()


@pytest.mark.parametrize("first", [-500, 500, -500j, 500j, -5000 - 5000j, 300 + 700j, -20j - 46, 110 + 20j, 1e9 + 1e9j])
@pytest.mark.parametrize("step", [1, 3, 0.7 + 0.7j, -1j])
def test_a_square_that_lies_wholly_outside_shows_the_edge(first, step):
    assert (Pyramid(np.full((64, 64, 3), 250, np.uint8)).turned(first, step, 48) == 250).all()


def test_the_edge_far_outside_is_that_which_lies_nearest():
    left = slopes().turned(-400 + 30.5j, 1, 24).astype(int)
    assert (left[..., 0] == 0).all()
    assert np.abs(left[..., 1] - np.arange(30, 54)[:, None]).max() <= 1
    below = slopes().turned(40 + 900j, 1, 24).astype(int)
    assert (below[..., 0] == np.arange(40, 64)).all()
    assert (below[..., 1] == 127).all()
