"""A burst of frames becomes one reading."""

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from detection.vision.alignment import align
from detection.vision.classifier import Classifier
from detection.vision.faces import FaceFinder
from detection.vision.pyramid import Pyramid
from detection.vision.reader import Reader
from emotune.emotions import EMOTIONS
from tests.vision_files import on_canvas, write_model

EMPTY = np.full((480, 640, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def reader(folder):
    return Reader.load(folder)


def frame(x=0, y=0, scale=1.0, width=640):
    side = round(512 * scale)
    return on_canvas(np.asarray(Image.fromarray(astronaut()).resize((side, side))), width, 480, x, y)


def test_a_face_gives_an_emotion_with_its_probabilities(reader):
    reading = reader.read([astronaut()])
    assert reading.status == "done"
    assert list(reading.scores) == list(EMOTIONS)
    assert sum(reading.scores.values()) == pytest.approx(1, abs=1e-3)
    assert reading.emotion == max(reading.scores, key=reading.scores.get)
    assert reading.confidence == reading.scores[reading.emotion]
    assert reading.faces == 1
    assert reading.model_version == "test-1"
    assert reading.milliseconds > 0
    x, _, width, _ = reading.box
    assert x < reading.landmarks["left_eye"][0] < reading.landmarks["right_eye"][0] < x + width
    assert all(type(value) is int for value in reading.box)


def test_no_face_is_no_emotion(reader):
    reading = reader.read([EMPTY, EMPTY])
    assert (reading.status, reading.emotion, reading.scores, reading.faces) == ("no_face", "", {}, 0)
    assert reading.confidence is reading.box is reading.landmarks is None


def test_probabilities_are_averaged_over_the_frames_with_a_face(reader):
    one, two = frame(0, 0), frame(100, 20, 0.8)
    alone = [reader.read([picture]) for picture in (one, two)]
    both = reader.read([one, EMPTY, two])
    assert alone[0].scores != alone[1].scores
    for name in EMOTIONS:
        assert both.scores[name] == pytest.approx((alone[0].scores[name] + alone[1].scores[name]) / 2, abs=2e-4)


def test_the_box_is_that_of_the_largest_face_of_all_frames(reader):
    small, large = frame(0, 0, 0.6), frame(100, 0, 1.1)
    assert reader.read([small, large, small]).box == reader.read([large]).box


def test_of_several_faces_the_largest_is_read_and_all_are_counted(reader):
    pair = frame(0, 0).copy()
    pair[300:472, 220:620] = np.asarray(Image.fromarray(astronaut()[:220]).resize((400, 172)))
    reading = reader.read([frame(0, 0), pair])
    assert reading.faces == 2
    assert reading.box[1] < 200
    assert reader.read([pair]).scores == pytest.approx(reader.read([frame(0, 0)]).scores, abs=0.05)


def test_a_reading_below_the_card_s_threshold_is_unsure(tmp_path):
    reading = Reader.load(write_model(tmp_path, unsure_below=1.0)).read([astronaut()])
    assert reading.status == "unsure"
    assert reading.emotion in EMOTIONS
    assert len(reading.scores) == 7


def test_the_probabilities_are_those_of_the_aligned_face(reader, folder):
    reading = reader.read([astronaut()])
    points = reading.landmarks
    crop = align(Pyramid(astronaut()), points["left_eye"], points["right_eye"])
    wanted = Classifier.load(folder).classify(crop[None])[0]
    assert list(reading.scores.values()) == pytest.approx(list(wanted), abs=0.02)


def test_a_reading_scales_to_the_picture_that_was_sent(reader):
    reading = reader.read([astronaut()])
    double = reading.scaled(2)
    assert double.box == tuple(2 * value for value in reading.box)
    assert double.landmarks["nose"] == pytest.approx([2 * value for value in reading.landmarks["nose"]])
    assert double.scores == reading.scores
    assert reader.read([EMPTY]).scaled(2).box is None


def test_what_a_first_reading_needs_has_run_once_before_it_is_loaded(folder, monkeypatch):
    ran = []
    search, classify = FaceFinder.search, Classifier.classify

    def note_search(finder, pyramid):
        ran.append(("search", pyramid.width, pyramid.height))
        return search(finder, pyramid)

    def note_classify(classifier, crops):
        ran.append(("classify", *crops.shape))
        return classify(classifier, crops)

    monkeypatch.setattr(FaceFinder, "search", note_search)
    monkeypatch.setattr(Classifier, "classify", note_classify)
    fresh = Reader.load(folder)
    assert ran == [("search", 640, 480), ("classify", 1, 48, 48)]
    assert fresh.read([astronaut()]).status == "done"
    assert len(ran) == 4, "a reading goes through both"
