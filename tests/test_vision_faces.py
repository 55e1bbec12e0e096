"""The face finder: the faces that the package `mtcnn` finds, at any size and place, and none where there is none."""

import numpy as np
import psutil
import pytest
from PIL import Image, ImageFilter
from skimage import data as skimage_data
from skimage.data import astronaut

from detection.vision.faces import LANDMARKS, FaceFinder, windows
from detection.vision.pictures import decode
from tests.vision_files import on_canvas

# Where the astronaut's eyes are, read off the photograph.
LEFT_EYE, RIGHT_EYE = (203, 101), (246, 103)


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


def overlap(a, b):
    """Intersection over union of two boxes as x, y, width, height."""
    w, h = (min(a[i] + a[i + 2], b[i] + b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    shared = max(w, 0) * max(h, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def test_a_face_comes_with_its_box_and_landmarks_in_pixels_of_the_frame(finder):
    (face,) = finder.find(astronaut())
    assert face.confidence > 0.95
    assert set(face.landmarks) == set(LANDMARKS)
    assert np.hypot(*np.subtract(face.landmarks["left_eye"], LEFT_EYE)) < 5
    assert np.hypot(*np.subtract(face.landmarks["right_eye"], RIGHT_EYE)) < 5
    x, y, width, height = face.box
    assert all(x < point[0] < x + width and y < point[1] < y + height for point in face.landmarks.values())
    assert face.landmarks["mouth_left"][0] < face.landmarks["nose"][0] < face.landmarks["mouth_right"][0]
    assert all(type(value) is float for value in (*face.box, face.confidence, *face.landmarks["nose"]))


@pytest.mark.parametrize("width", [640, 1500, 200])
def test_the_size_of_the_frame_does_not_matter(finder, width):
    scale = width / 512
    (face,) = finder.find(np.asarray(Image.fromarray(astronaut()).resize((width, width))))
    assert np.hypot(*np.subtract(face.landmarks["left_eye"], np.multiply(LEFT_EYE, scale))) < 6 * scale


@pytest.mark.parametrize("width", [20, 40, 60, 120, 240])
def test_a_face_is_found_near_and_far(finder, width):
    scale = width / 90
    picture = np.asarray(Image.fromarray(astronaut()[:220]).resize((round(512 * scale), round(220 * scale))))
    faces = finder.find(on_canvas(picture, 640, 480, 320 - round(227 * scale), 240 - round(115 * scale)))
    assert len(faces) == 1
    assert 0.6 < faces[0].box[2] / width < 1.4


def test_the_largest_face_comes_first(finder):
    small = np.asarray(Image.fromarray(astronaut()[:220]).resize((400, 172)))
    frame = on_canvas(astronaut()[:220], 640, 480, 0, 0).copy()
    frame[300:472, 200:600] = small
    faces = finder.find(frame)
    assert len(faces) == 2
    assert faces[0].box[1] < 150
    assert faces[1].box[1] > 300
    assert faces[0].box[2] > faces[1].box[2]


@pytest.mark.parametrize("size", [96, 200, 480])
def test_a_face_that_fills_the_picture_is_found(finder, size):
    face = Image.fromarray(astronaut()[72:178, 186:266])
    (found,) = finder.find(np.asarray(face.resize((size * 80 // 106, size))))
    assert found.box[3] > 0.6 * size


@pytest.mark.parametrize("turn", [-75, 75])
def test_a_face_that_is_tilted_too_far_for_the_first_look_is_found_where_it_is(finder, turn):
    frame = np.asarray(Image.fromarray(astronaut()).rotate(turn, Image.Resampling.BICUBIC))
    assert FaceFinder(turns=()).find(frame) == []
    (face,) = finder.find(frame)
    centre = complex(256, 256)
    for name, place in (("left_eye", LEFT_EYE), ("right_eye", RIGHT_EYE)):
        turned = centre + (complex(*place) - centre) * np.exp(-1j * np.deg2rad(turn))
        assert np.hypot(*np.subtract(face.landmarks[name], (turned.real, turned.imag))) < 10
    x, y, width, height = face.box
    assert min(x, y) >= 0
    assert max(x + width, y + height) < 512


@pytest.mark.parametrize("covered", [np.s_[116:190, 180:270], np.s_[60:190, 218:270]], ids=["below the eyes", "right"])
def test_a_half_covered_face_is_found_by_the_second_look(finder, covered):
    frame = astronaut().copy()
    frame[covered] = 40
    assert FaceFinder(turns=()).find(frame) == []
    (face,) = finder.find(frame)
    assert np.hypot(*np.subtract(face.landmarks["left_eye"], LEFT_EYE)) < 12


def test_a_face_in_a_dark_room_is_found_by_the_second_look(finder):
    noise = np.random.default_rng(0).normal(0, 4, astronaut().shape)
    frame = np.clip(astronaut() * 0.08 + noise, 0, 255).astype(np.uint8)
    assert FaceFinder(turns=()).find(frame) == []
    (face,) = finder.find(frame)
    assert np.hypot(*np.subtract(face.landmarks["left_eye"], LEFT_EYE)) < 6


def test_a_dark_and_a_blurred_face_are_found(finder):
    image = Image.fromarray(astronaut())
    assert len(finder.find((astronaut() * 0.3).astype(np.uint8))) == 1
    assert len(finder.find(np.asarray(image.filter(ImageFilter.GaussianBlur(3))))) == 1


def test_there_is_no_face_where_there_is_none(finder):
    rng = np.random.default_rng(2)
    frames = [np.zeros((480, 640, 3), np.uint8), np.full((480, 640, 3), 255, np.uint8)]
    frames += [rng.integers(0, 256, (480, 640, 3), np.uint8)]
    blocks = rng.integers(0, 256, (30, 40, 3), np.uint8)
    frames += [np.asarray(Image.fromarray(blocks).resize((640, 480), how)) for how in Image.Resampling]
    for name in ("coffee", "chelsea", "rocket", "brick", "grass", "gravel", "coins", "clock", "text", "page"):
        picture = Image.fromarray(getattr(skimage_data, name)()).convert("RGB")
        frames += [np.asarray(picture), np.asarray(picture.crop((50, 20, 350, 180)))]
    assert [len(finder.find(frame)) for frame in frames] == [0] * len(frames)


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (480, 2), (12, 12), (21, 19), (30, 500)])
def test_frames_too_small_for_a_face_are_answered(finder, shape):
    assert finder.find(np.full((*shape, 3), 90, np.uint8)) == []


def test_windows_grow_by_the_step_of_the_package():
    assert windows(20, 45) == pytest.approx([20, 20 / 0.709, 20 / 0.709**2])
    assert windows(60, 45) == []


def test_memory_does_not_grow_with_frames_of_many_sizes(finder):
    rng = np.random.default_rng(3)
    picture = Image.fromarray(astronaut())

    def look(times):
        for _ in range(times):
            width, height = rng.integers(60, 640, 2)
            finder.find(np.asarray(picture.resize((int(width), int(height)))))
        return psutil.Process().memory_info().rss

    finder.find(np.asarray(picture.resize((640, 640))))
    early = look(30)
    assert look(60) - early < 25 * 1024**2


def agrees(finder, package, frame, eyes=0.05):
    """Hold the package's faces from 45 pixels' width on against ours: IoU 0.7, eyes within a share of the width."""
    ours = finder.find(frame)
    theirs = [face for face in package.detect_faces(frame) if face["box"][2] >= 45]
    for face in theirs:
        match = max(ours, key=lambda own: overlap(own.box, face["box"]))
        assert overlap(match.box, face["box"]) >= 0.7
        for eye in ("left_eye", "right_eye"):
            gap = np.hypot(*np.subtract(match.landmarks[eye], [int(v) for v in face["keypoints"][eye]]))
            assert gap <= eyes * face["box"][2]
    return len(theirs)


@pytest.fixture(scope="module")
def package():
    pytest.importorskip("tensorflow")
    from mtcnn import MTCNN

    return MTCNN()


def test_it_finds_what_the_package_finds_in_photographs(finder, package, data):
    photographs = sorted((data / "faces").glob("*.jpg"))
    assert len(photographs) > 10
    seen = [agrees(finder, package, decode(photograph.read_bytes(), 640)) for photograph in photographs]
    assert min(seen) >= 1


@pytest.mark.short
def test_it_finds_what_the_package_finds_in_frames_made_of_photographs(finder, package, data):
    rng = np.random.default_rng(4)
    for photograph in sorted((data / "faces").glob("photo0*.jpg")):
        picture = Image.fromarray(decode(photograph.read_bytes(), 640))
        for scale in (0.4, 0.7):
            small = np.asarray(picture.resize((int(picture.width * scale), int(picture.height * scale))))
            x, y = int(rng.integers(0, 200)), int(rng.integers(0, 60))
            for part in (small, small // 3, np.ascontiguousarray(small[:, ::-1])):
                assert agrees(finder, package, on_canvas(part, 640, 480, x, y), eyes=0.07) >= 1
