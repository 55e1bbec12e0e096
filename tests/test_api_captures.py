"""Captures by API: submitted, waited for, put right, deleted."""

import time
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.services import withdraw_consent
from detection import api, images
from detection.models import Capture, Status
from emotune import limits
from emotune.errors import Unavailable
from tests.api_site import bearing, check_problem, fresh_limits, token_of
from tests.browser import jpeg, smiling_photograph
from tests.factories import make_capture, make_track, make_user

__all__ = ["fresh_limits"]
pytestmark = pytest.mark.django_db
PICTURE = jpeg(smiling_photograph())


@pytest.fixture
def user():
    return make_user(consents=True)


@pytest.fixture
def login(user):
    return bearing(token_of(user, "read", "capture"))


def show(client, login, *pictures: bytes, **more):
    files = [SimpleUploadedFile("face.jpg", picture, "image/jpeg") for picture in pictures]
    return client.post("/api/v1/captures", {"frames": files, **more}, headers=login)


def test_pictures_are_taken_and_wait_for_a_worker(client, login):
    made = show(client, login, PICTURE, PICTURE, source="camera")
    assert made.status_code == 202
    assert (made["Retry-After"], made.json()["source"]) == ("1", "camera")
    assert made.json()["status"] == "queued"
    capture = Capture.objects.get()
    assert made["Location"] == f"/api/v1/captures/{capture.id}"
    assert images.fetch(capture.id) == [PICTURE, PICTURE]
    assert "Retry-After" in client.get(made["Location"], headers=login)


@pytest.mark.parametrize(
    ("pictures", "more"),
    [((), {}), ((PICTURE,) * 6, {}), ((b"no picture",), {}), ((b"",), {}), ((PICTURE,), {"source": "named"})],
)
def test_what_cannot_be_read_is_422(client, login, pictures, more):
    check_problem(show(client, login, *pictures, **more), 422)
    assert not Capture.objects.exists()


def test_frames_that_are_no_files_are_422(client, login):
    check_problem(client.post("/api/v1/captures", {"frames": "text"}, headers=login), 422)
    broken = client.post("/api/v1/captures", b"--x\r\nbroken", "multipart/form-data; boundary=x", headers=login)
    assert broken.status_code in (400, 422)
    check_problem(client.post("/api/v1/captures", b"x", "multipart/form-data", headers=login), 400)


def test_without_consent_a_mood_can_be_named_all_the_same(client, login, user):
    withdraw_consent(user=user)
    assert "agree" in check_problem(show(client, login, PICTURE), 403)["detail"]
    named = client.post("/api/v1/captures", {"emotion": "fear"}, "application/json", headers=login)
    assert (named.status_code, named.json()["mood"], named.json()["emotion"]) == (201, "fear", None)


def test_the_limit_of_captures_is_the_pages_own(client, login, settings, monkeypatch):
    settings.CAPTURES_PER_MINUTE = 1
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: 1_000_000.0))
    assert show(client, login, PICTURE).status_code == 202
    refused = show(client, login, PICTURE)
    check_problem(refused, 429)
    assert int(refused["Retry-After"]) >= 1


def test_a_store_that_is_away_is_503(client, login, monkeypatch):
    def away(*_):
        raise Unavailable("The reader cannot be reached just now.")

    monkeypatch.setattr(images, "put", away)
    check_problem(show(client, login, PICTURE), 503)
    assert not Capture.objects.exists()


def test_the_answer_waits_for_the_outcome_and_no_longer(client, login, user, monkeypatch):
    capture = make_capture(user, source="upload", status=Status.QUEUED, chosen="")
    address = f"/api/v1/captures/{capture.id}?wait=1"
    begin = time.monotonic()
    assert client.get(address, headers=login).json()["status"] == "queued"
    assert 0.9 < time.monotonic() - begin < 9
    monkeypatch.setattr("detection.api.time.sleep", lambda _: Capture.objects.update(status=Status.NO_FACE))
    answer = client.get(f"/api/v1/captures/{capture.id}?wait=10", headers=login)
    assert answer.json()["status"] == "no_face"
    assert "Retry-After" not in answer
    for wrong in ("11", "-1", "x", "1.5"):
        check_problem(client.get(f"/api/v1/captures/{capture.id}?wait={wrong}", headers=login), 422)


def test_when_too_many_wait_the_others_are_answered_at_once(client, login, user, monkeypatch):
    capture = make_capture(user, source="upload", status=Status.QUEUED, chosen="")
    held = [api.WAITING.acquire(blocking=False) for _ in range(3)]
    assert all(held)
    try:
        begin = time.monotonic()
        assert client.get(f"/api/v1/captures/{capture.id}?wait=10", headers=login).json()["status"] == "queued"
        assert time.monotonic() - begin < 9
    finally:
        for _ in held:
            api.WAITING.release()


def test_a_reading_is_put_right_and_the_word_taken_back(client, login, user):
    capture = make_capture(user, source="upload", emotion="happy", chosen="")
    address = f"/api/v1/captures/{capture.id}"

    def say(chosen):
        return client.patch(address, {"chosen": chosen}, "application/json", headers=login)

    assert (say("sad").json()["mood"], say(None).json()["mood"]) == ("sad", "happy")
    for wrong in ("", "glad", 7):
        check_problem(say(wrong), 422)
    Capture.objects.update(status=Status.READING)
    check_problem(say("sad"), 422)


def test_a_playlist_waits_for_the_reading(client, login, user):
    make_track("sad")
    capture = make_capture(user, source="upload", status=Status.QUEUED, chosen="")
    address = f"/api/v1/captures/{capture.id}/playlist"
    early = client.get(address, headers=login)
    check_problem(early, 409)
    assert early["Retry-After"] == "1"
    Capture.objects.update(status=Status.NO_FACE)
    check_problem(client.get(address, headers=login), 422)
    Capture.objects.update(chosen="sad")
    first = client.get(address, headers=login).json()
    assert first == client.get(address, headers=login).json()
    assert [row["track"]["emotion"] for row in first["tracks"]] == ["sad"]


def test_a_capture_is_deleted(client, login, user):
    capture = make_capture(user)
    assert client.delete(f"/api/v1/captures/{capture.id}", headers=login).status_code == 204
    check_problem(client.get(f"/api/v1/captures/{capture.id}", headers=login), 404)


def test_captures_are_listed_by_how_far_they_are(client, login, user):
    make_capture(user)
    failed = make_capture(user, status=Status.FAILED, chosen="")
    found = client.get("/api/v1/captures?status=failed", headers=login).json()["results"]
    assert [row["id"] for row in found] == [str(failed.id)]


def test_the_model_shows_its_card(client, settings, tmp_path):
    card = client.get("/api/v1/model")
    assert card.status_code == 200
    assert 0 < card.json()["unsure_below"] < 1
    settings.MODEL_DIR = tmp_path
    check_problem(client.get("/api/v1/model"), 503)
