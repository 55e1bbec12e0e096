"""The worker's side of a capture, with the real reader."""

import io

import pytest
from PIL import Image
from skimage.data import astronaut

from accounts.services import withdraw_consent
from detection import claims, images, reading
from detection.models import Capture, Source, Status
from tests.factories import make_capture, make_user

pytestmark = pytest.mark.django_db


def jpeg(image, size=None):
    out = io.BytesIO()
    (image.resize(size) if size else image).save(out, "JPEG", quality=90)
    return out.getvalue()


def capture_of(*pictures):
    capture = make_capture(make_user(consents=True), source=Source.UPLOAD, status=Status.QUEUED, chosen="")
    if pictures:
        images.put(capture.id, pictures)
    return capture


def read(capture, **how):
    reading.read_capture(str(capture.id), **{"redelivered": False, **how})
    capture.refresh_from_db()
    return capture


def test_a_face_is_read_and_its_pictures_are_dropped():
    face = jpeg(Image.fromarray(astronaut()))
    capture = read(capture_of(face, face))
    assert capture.status in {Status.DONE, Status.UNSURE}
    assert capture.faces == 1
    assert sum(capture.scores.values()) == pytest.approx(1, abs=0.01)
    x, y, width, height = capture.box
    assert 170 < x + width / 2 < 280
    assert 60 < y + height / 2 < 180
    assert capture.milliseconds > 0
    assert capture.model_version
    assert images.fetch(capture.id) == []


def test_no_face_is_no_emotion():
    capture = read(capture_of(jpeg(Image.new("RGB", (320, 240), "navy"))))
    assert (capture.status, capture.emotion, capture.mood) == (Status.NO_FACE, "", "")


def test_a_truncated_picture_fails_with_a_sentence():
    whole = jpeg(Image.fromarray(astronaut()))
    capture = read(capture_of(whole[: len(whole) // 2]))
    assert capture.status == Status.FAILED
    assert "cut off" in capture.problem
    assert images.fetch(capture.id) == []


def test_pictures_that_are_gone_expire_the_capture():
    capture = read(capture_of())
    assert (capture.status, capture.problem) == (Status.EXPIRED, claims.GONE)


def test_a_picture_is_dropped_unread_once_consent_is_withdrawn():
    capture = capture_of(jpeg(Image.fromarray(astronaut())))
    withdraw_consent(user=capture.user)
    capture = read(capture)
    assert (capture.status, capture.scores) == (Status.EXPIRED, None)
    assert "withdrew" in capture.problem
    assert images.fetch(capture.id) == []


def test_a_message_that_comes_twice_is_read_once():
    capture = read(capture_of(jpeg(Image.new("RGB", (320, 240), "navy"))))
    finished = capture.finished_at
    assert read(capture, redelivered=True).finished_at == finished
    assert capture.attempts == 1


def test_a_capture_that_was_deleted_is_no_error():
    capture = capture_of()
    capture_id = str(capture.id)
    capture.delete()
    reading.read_capture(capture_id, redelivered=False)
    assert not Capture.objects.filter(id=capture_id).exists()
