"""Crops look like the training pictures: eyes in their place, grey as Pillow has it, nothing aliased."""

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from detection.vision.alignment import EYES, align
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
def test_fine_patterns_become_their_mean(pattern, distance):
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
        crop = align(Pyramid(frame), (80, 90), (120, 90))
        assert np.abs(crop.astype(int) - np.asarray(Image.fromarray(frame).convert("L"))[0, 0]).max() <= 1


def test_what_lies_outside_the_frame_repeats_its_edge():
    frame = np.full((100, 100, 3), 30, np.uint8)
    frame[:, 90:] = 200
    crop = align(Pyramid(frame), (60, 50), (95, 50))
    assert (crop[:, -8:] >= 195).all()
    assert (crop[:, :20] <= 35).all()


def test_eyes_in_one_place_give_a_crop_all_the_same():
    assert align(Pyramid(astronaut()), (200, 100), (200, 100)).shape == (SIZE, SIZE)


def test_a_pyramid_halves_its_frame_until_little_is_left():
    sizes = [image.size for image in Pyramid(np.zeros((480, 640, 3), np.uint8)).images]
    assert sizes == [(640 // 2**i, 480 // 2**i) for i in range(LEVELS)]
    assert [image.size for image in Pyramid(np.zeros((3, 5, 3), np.uint8)).images] == [(5, 3), (3, 2)]


@pytest.mark.parametrize("step", [1, 2, 4, 16])
def test_samples_at_every_level_lie_where_they_were_asked_for(step):
    row, column = np.mgrid[:128, :256].astype(np.uint8)
    pyramid = Pyramid(np.stack([column, row, np.zeros_like(row)], axis=-1))
    x, y = np.array([[[100.25, 30.5]]]), np.array([[[60.75, 90.0]]])
    sampled = pyramid.sample(x, y, np.array([step]), repeat_edge=False)
    assert sampled[0, 0, :, 0] == pytest.approx(x[0, 0], abs=0.6)
    assert sampled[0, 0, :, 1] == pytest.approx(y[0, 0], abs=0.6)


def test_outside_the_frame_lies_grey_when_it_is_asked_for():
    pyramid = Pyramid(np.full((64, 64, 3), 250, np.uint8))
    far = np.array([[[-50.0, 500.0, 32.0]]])
    assert (pyramid.sample(far, far, np.array([1.0]), repeat_edge=False)[0, 0, :2] == 128).all()
    assert (pyramid.sample(far, far, np.array([1.0]), repeat_edge=True) == 250).all()
