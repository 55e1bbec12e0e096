"""The worker's side of a capture, with the real reader."""

import numpy as np
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils import timezone
from PIL import Image
from skimage.data import astronaut

from accounts.services import withdraw_consent
from detection import claims, images, reading, tasks
from detection.models import Capture, Source, Status
from detection.vision.card import ModelFileError
from emotune.errors import Unavailable
from tests.factories import make_capture, make_user
from tests.vision_files import encoded

pytestmark = pytest.mark.django_db


def jpeg(image, size=None):
    return encoded(image.resize(size) if size else image, "JPEG", quality=90)


def capture_of(*pictures):
    capture = make_capture(make_user(consents=True), source=Source.UPLOAD, status=Status.QUEUED, chosen="")
    if pictures:
        images.put(capture.id, pictures)
    return capture


def away(*_):
    raise Unavailable("The reader cannot be reached just now.")


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


def test_captures_that_wait_are_read_together_each_with_its_own_outcome(settings):
    settings.CAPTURE_BATCH = 4
    face, broken = jpeg(Image.fromarray(astronaut())), jpeg(Image.fromarray(astronaut()))[:5000]
    leader, empty, damaged, fifth = (
        capture_of(face),
        capture_of(jpeg(Image.new("RGB", (320, 240), "navy"))),
        capture_of(broken),
        capture_of(face),
    )
    over = capture_of(face)
    assert reading.read_capture(str(leader.id), redelivered=False) == []
    ends = [Capture.objects.get(id=capture.id).status for capture in (leader, empty, damaged, fifth, over)]
    assert ends[0] == ends[3] != Status.QUEUED
    assert ends[1:3] == [Status.NO_FACE, Status.FAILED]
    assert ends[4] == Status.QUEUED, "four are the most"
    assert [images.fetch(capture.id) for capture in (leader, empty, damaged, fifth)] == [[]] * 4
    assert Capture.objects.get(id=leader.id).scores == Capture.objects.get(id=fifth.id).scores


def test_when_time_runs_out_the_capture_at_hand_fails_and_the_others_wait_again(settings, monkeypatch):
    settings.CAPTURE_BATCH = 4
    face = jpeg(Image.fromarray(astronaut()))
    leader, slow, after = capture_of(face), capture_of(b"slow"), capture_of(face)

    def decode(blob, side):
        if blob == b"slow":
            raise SoftTimeLimitExceeded
        return np.zeros((48, 64, 3), np.uint8)

    monkeypatch.setattr(reading, "decode", decode)
    assert set(reading.read_capture(str(leader.id), redelivered=False)) == {leader.id, after.id}
    slow.refresh_from_db()
    assert (slow.status, slow.problem) == (Status.FAILED, reading.TOO_SLOW)
    assert images.fetch(slow.id) == []
    for capture in (leader, after):
        capture.refresh_from_db()
        assert capture.status == Status.QUEUED
        assert images.fetch(capture.id) == [face], "they are there for the next attempt"
    assert read(leader).status == Status.NO_FACE
    after.refresh_from_db()
    assert after.status == Status.QUEUED, "what was tried before is read alone"


def test_pictures_are_dropped_when_the_time_limit_strikes_after_the_outcome_is_written(monkeypatch):
    drop = images.drop
    strikes = [SoftTimeLimitExceeded()]

    def interrupted(*ids):
        if strikes:
            raise strikes.pop()
        drop(*ids)

    monkeypatch.setattr(images, "drop", interrupted)
    capture = read(capture_of(jpeg(Image.new("RGB", (320, 240), "navy"))))
    assert capture.status == Status.NO_FACE
    assert images.fetch(capture.id) == []


def test_pictures_stay_when_the_time_limit_strikes_before_the_outcomes_are_kept(settings, monkeypatch):
    settings.CAPTURE_BATCH = 4
    picture = jpeg(Image.new("RGB", (320, 240), "navy"))
    both, settle = [capture_of(picture) for _ in range(2)], claims.settle
    settled: list[object] = []

    def strike_at_the_second(capture, status, **outcome):
        if settled:
            raise SoftTimeLimitExceeded
        settled.append(capture.id)
        return settle(capture, status, **outcome)

    monkeypatch.setattr(claims, "settle", strike_at_the_second)
    assert set(reading.read_capture(str(both[0].id), redelivered=False)) == {capture.id for capture in both}
    monkeypatch.undo()
    for capture in both:
        capture.refresh_from_db()
        assert (capture.status, images.fetch(capture.id)) == (Status.QUEUED, [picture])
        assert read(capture).status == Status.NO_FACE


def test_a_picture_that_another_secret_has_sealed_fails_at_once_and_alone(settings, monkeypatch, caplog):
    settings.CAPTURE_BATCH = 4
    leader, sealed = (capture_of(jpeg(Image.new("RGB", (320, 240), "navy"))) for _ in range(2))
    other = AESGCM(AESGCM.generate_key(256))
    with monkeypatch.context() as web:
        web.setattr(images, "_cipher", lambda: other)
        images.put(sealed.id, [b"face"])
    assert reading.read_capture(str(leader.id), redelivered=False) == []
    for capture in (leader, sealed):
        capture.refresh_from_db()
    assert leader.status == Status.NO_FACE
    assert (sealed.status, sealed.problem) == (Status.FAILED, reading.SEALED)
    assert images.fetch(sealed.id) == []
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "SECRET_KEY differs from the web's" in line.message
    assert not line.exc_info


def test_when_the_store_is_away_for_a_moment_what_was_looked_at_ends_and_the_rest_waits_again(settings, monkeypatch):
    settings.CAPTURE_BATCH = 4
    picture = jpeg(Image.new("RGB", (320, 240), "navy"))
    leader, *others = [capture_of(picture) for _ in range(3)]
    fetch = images.fetch

    def away(capture_id):
        if capture_id != leader.id:
            raise Unavailable("The reader cannot be reached just now.")
        return fetch(capture_id)

    with monkeypatch.context() as context:
        context.setattr(images, "fetch", away)
        assert set(reading.read_capture(str(leader.id), redelivered=False)) == {capture.id for capture in others}
    leader.refresh_from_db()
    assert leader.status == Status.NO_FACE
    for capture in others:
        capture.refresh_from_db()
        assert capture.status == Status.QUEUED
        assert read(capture).status == Status.NO_FACE


def test_pictures_that_stayed_after_the_outcome_go_when_the_message_comes_again(monkeypatch):
    face = jpeg(Image.new("RGB", (320, 240), "navy"))
    with monkeypatch.context() as context:
        context.setattr(images, "drop", away)
        capture = read(capture_of(face))
    assert capture.finished_at
    assert images.fetch(capture.id) == [face]
    waiting = capture_of(face)
    Capture.objects.filter(id=waiting.id).update(status=Status.READING, claimed_at=timezone.now())
    for each, redelivered in ((capture, True), (waiting, False)):
        reading.read_capture(str(each.id), redelivered=redelivered)
    assert images.fetch(capture.id) == []
    assert images.fetch(waiting.id) == [face], "another worker reads it"


def test_pictures_of_a_capture_that_was_deleted_go_when_its_message_comes():
    capture = capture_of(b"face")
    Capture.objects.filter(id=capture.id).delete()
    reading.read_capture(str(capture.id), redelivered=False)
    assert images.fetch(capture.id) == []


def test_pictures_that_cannot_be_read_go_before_others_of_the_batch_are_looked_at(settings, monkeypatch):
    settings.CAPTURE_BATCH = 4
    leader, other = capture_of(b"no picture"), capture_of(jpeg(Image.new("RGB", (320, 240), "navy")))
    left: list[list[bytes]] = []
    fetch = images.fetch

    def look(capture_id):
        if capture_id == other.id:
            left.append(fetch(leader.id))
        return fetch(capture_id)

    monkeypatch.setattr(images, "fetch", look)
    assert read(leader).status == Status.FAILED
    assert left == [[]]


def test_where_the_reader_is_not_whole_its_sender_hears_that(monkeypatch, caplog):
    def load():
        raise ModelFileError("weights.npz cannot be read (cut off); train again, or fetch it anew")

    monkeypatch.setattr(reading, "reader", load)
    capture = read(capture_of(jpeg(Image.new("RGB", (320, 240), "navy"))))
    assert (capture.status, capture.problem) == (Status.FAILED, reading.UNINSTALLED)
    assert images.fetch(capture.id) == []
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "weights.npz cannot be read" in line.message
    assert not line.exc_info


def test_captures_that_a_dead_worker_had_taken_along_are_sent_again():
    leader, along, done = capture_of(), capture_of(), capture_of()
    Capture.objects.filter(id__in=(along.id, done.id)).update(claimed_with=leader.id, attempts=1)
    Capture.objects.filter(id=along.id).update(status=Status.READING, claimed_at=timezone.now())
    Capture.objects.filter(id=done.id).update(status=Status.DONE)
    assert reading.read_capture(str(leader.id), redelivered=True) == [along.id]
    along.refresh_from_db()
    done.refresh_from_db()
    assert (along.status, along.claimed_with, done.status) == (Status.QUEUED, None, Status.DONE)


def test_captures_left_when_a_batch_takes_long_go_to_other_workers(settings, monkeypatch):
    settings.CAPTURE_BATCH = 4
    monkeypatch.setattr(reading, "BATCH_BUDGET_S", 0)
    leader, other = (capture_of(jpeg(Image.new("RGB", (320, 240), "navy"))) for _ in range(2))
    assert reading.read_capture(str(leader.id), redelivered=False) == [other.id]
    leader.refresh_from_db()
    assert leader.status == Status.NO_FACE


def test_damaged_frames_of_a_burst_are_left_out():
    face = jpeg(Image.fromarray(astronaut()))
    capture = read(capture_of(face[:3000], face, b"no picture at all"))
    assert capture.status in {Status.DONE, Status.UNSURE}
    assert capture.faces == 1


def test_the_box_is_measured_in_the_picture_that_was_sent():
    picture = Image.fromarray(astronaut())
    small, large = (read(capture_of(jpeg(picture, (side, side)))).box for side in (512, 2048))
    assert large == pytest.approx([4 * value for value in small], abs=40)


def test_the_largest_of_several_faces_is_read_and_all_are_counted():
    near = Image.fromarray(astronaut()).crop((120, 0, 340, 220))
    frame = Image.new("RGB", (640, 480), (90, 90, 90))
    frame.paste(near.resize((300, 300)), (20, 60))
    frame.paste(near.resize((160, 160)), (420, 150))
    capture = read(capture_of(jpeg(frame)))
    assert capture.faces == 2
    assert capture.box[0] + capture.box[2] / 2 < 320


def test_frames_of_different_people_and_sizes_give_one_reading():
    face = Image.fromarray(astronaut())
    mirrored = face.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pictures = (face, mirrored.resize((1600, 1600)), Image.new("RGB", (30, 2000), "red"), Image.new("L", (1, 1)))
    capture = read(capture_of(*(jpeg(picture) for picture in pictures)))
    assert capture.status in {Status.DONE, Status.UNSURE}
    assert capture.box[2] > 200, "the largest is that of the large picture, in its pixels"


def test_a_capture_that_ended_its_worker_three_times_is_given_up():
    face = jpeg(Image.fromarray(astronaut()))
    capture = capture_of(face)
    Capture.objects.filter(id=capture.id).update(
        status=Status.READING, attempts=claims.MAX_ATTEMPTS, claimed_at=timezone.now()
    )
    capture = read(capture, redelivered=True)
    assert (capture.status, capture.problem) == (Status.FAILED, claims.GAVE_UP)
    assert images.fetch(capture.id) == []


def test_the_task_sends_messages_for_captures_that_were_given_back(settings, monkeypatch):
    settings.CAPTURE_BATCH = 2
    monkeypatch.setattr(reading, "BATCH_BUDGET_S", 0)
    sent: list[object] = []
    monkeypatch.setattr(tasks, "send", sent.append)
    leader, other = (capture_of(jpeg(Image.new("RGB", (320, 240), "navy"))) for _ in range(2))
    tasks.read_capture(str(leader.id))
    assert sent == [other.id]
