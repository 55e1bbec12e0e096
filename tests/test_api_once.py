"""Idempotency-Key: a submission that is sent again, or five times at once, makes one thing."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, encode_multipart
from django.utils import timezone

from detection.models import Capture
from emotune.api.models import Submission
from emotune.retention import forget_submissions
from playlists.models import Listen, Playlist, Skip
from playlists.storing import store
from tests.api_server import ApiServer, api_server
from tests.api_site import bearing, check_problem, fresh_limits, token_of
from tests.browser import jpeg, smiling_photograph
from tests.factories import make_capture, make_track, make_user

__all__ = ["fresh_limits"]
PICTURE = jpeg(smiling_photograph())


@pytest.fixture
def user(db):
    return make_user(consents=True)


@pytest.fixture
def send(client, user):
    secret = token_of(user, "read", "listen", "capture")

    def send(address: str, body: object, key: str = "one", who: str = secret):
        headers = {**bearing(who), "Idempotency-Key": key}
        return client.post(f"/api/v1/{address}", body, "application/json", headers=headers)

    return send


def test_sent_again_it_makes_nothing_and_says_the_same(send):
    first, again = send("captures", {"emotion": "sad"}), send("captures", {"emotion": "sad"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first["Location"] == again["Location"]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Capture.objects.count() == 1


def test_another_key_another_person_and_another_request_are_told_apart(send):
    send("captures", {"emotion": "sad"})
    assert send("captures", {"emotion": "sad"}, key="two").status_code == 201
    other = token_of(make_user(), "capture")
    assert send("captures", {"emotion": "sad"}, who=other).status_code == 201
    assert Capture.objects.count() == 3
    assert "another request" in check_problem(send("captures", {"emotion": "happy"}), 422)["detail"]
    assert "another request" in check_problem(send("playlists", {"emotion": "sad"}), 422)["detail"]


@pytest.mark.parametrize("key", ["", "with a space", "a" * 256, "\x7f", "ä"])
def test_a_key_that_is_none_is_refused(send, key):
    check_problem(send("captures", {"emotion": "sad"}, key=key), 422)
    assert not Capture.objects.exists()


def test_what_failed_can_be_put_right_under_the_same_key(send):
    check_problem(send("captures", {"emotion": "glad"}), 422)
    assert send("captures", {"emotion": "sad"}).status_code == 201
    assert Submission.objects.count() == 1


def test_after_a_day_a_key_is_free_again(send):
    send("captures", {"emotion": "sad"})
    Submission.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert send("captures", {"emotion": "happy"}).json()["mood"] == "happy"
    assert Submission.objects.count() == 1


def test_keys_of_people_who_send_nothing_any_more_are_forgotten_by_the_clock(send):
    for key in ("one", "two"):
        send("captures", {"emotion": "sad"}, key=key)
    Submission.objects.filter(key="one").update(created_at=timezone.now() - timedelta(hours=25))
    forget_submissions()
    assert [row.key for row in Submission.objects.all()] == ["two"]


def test_what_was_deleted_since_is_gone_and_not_made_again(client, send, user):
    made = send("captures", {"emotion": "sad"})
    Capture.objects.all().delete()
    check_problem(send("captures", {"emotion": "sad"}), 410)
    assert made.status_code == 201
    assert not Capture.objects.exists()


def test_a_skip_that_is_sent_again_counts_once(send):
    body = {"track": make_track().pk, "seconds": 7.5}
    first, again = send("skips", body), send("skips", body)
    assert (first.status_code, again.status_code, again.content) == (204, 204, b"")
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert send("skips", body, key="two").status_code == 204
    assert Skip.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_what_is_deleted_while_its_playlist_is_made_is_gone_and_the_key_is_free(client, monkeypatch):
    user, _ = make_user(), make_track("sad")
    capture, secret = make_capture(user), token_of(user, "listen")

    def late(*what):
        mine = Capture.objects.filter(pk=capture.pk)
        mine._raw_delete(mine.db)  # as another process, which knows of no playlist
        return store(*what)

    monkeypatch.setattr("playlists.services.store", late)
    headers = {**bearing(secret), "Idempotency-Key": "one"}
    body = {"capture": str(capture.id)}
    check_problem(client.post("/api/v1/playlists", body, "application/json", headers=headers), 410)
    assert not Submission.objects.exists()
    assert not Playlist.objects.exists()


def test_what_is_kept_tells_neither_mood_nor_picture(client, user):
    secret, key = token_of(user, "capture"), str(uuid4())
    for _ in range(2):
        frames = SimpleUploadedFile("face.jpg", PICTURE, "image/jpeg")
        answer = client.post(
            "/api/v1/captures", {"frames": frames}, headers={**bearing(secret), "Idempotency-Key": key}
        )
        assert answer.status_code == 202, answer.content
    assert Capture.objects.count() == 1
    kept = Submission.objects.get()
    assert set(kept.receipt) == {"id"}


def test_playlists_journeys_and_listens_are_made_once_too(send, user):
    track, capture = make_track("sad"), make_capture(user)
    make_track("happy")
    cases = [
        ("playlists", {"capture": str(capture.id)}, 201),
        ("journeys", {"emotion": "sad", "wanted": "happy"}, 201),
        ("listens", {"track": track.pk}, 201),
        ("listens/bulk", {"listens": [{"track": track.pk, "listened_at": "2026-01-02T03:04:05Z"}]}, 200),
        ("ratings", {"tracks": [track.pk], "value": 1}, 200),
        ("me/exports", {}, 202),
    ]
    for place, (address, body, status) in enumerate(cases):
        first, again = (send(address, body, key=f"key-{place}") for _ in range(2))
        assert (first.status_code, again.status_code) == (status, status), (address, first.content, again.content)
        assert first.json() == again.json()
        assert again["Idempotency-Replayed"] == "true"
    assert (Playlist.objects.count(), Listen.objects.count()) == (2, 2)


def test_a_submission_goes_with_its_account(send, user):
    send("captures", {"emotion": "sad"})
    user.delete()
    assert not Submission.objects.exists()


@pytest.fixture(scope="module")
def server(postgres, real_redis, demo_audio) -> Iterator[ApiServer]:
    with api_server(postgres, real_redis, demo_audio, "once") as running:
        yield running


def at_once(
    server: ApiServer, address: str, body: bytes, headers: dict[str, str], times: int = 5
) -> list[tuple[int, Any]]:
    """Send the same request from as many threads, all at the same moment."""
    gate = threading.Barrier(times)
    answers: list[tuple[int, Any]] = []

    def send() -> None:
        request = urllib.request.Request(f"{server.url}/api/v1/{address}", body, headers)
        gate.wait()
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answers.append((response.status, json.load(response)))
        except urllib.error.HTTPError as error:
            with error:
                answers.append((error.code, json.load(error)))

    threads = [threading.Thread(target=send) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_five_at_once_make_one_capture(server):
    body = encode_multipart(BOUNDARY, {"frames": SimpleUploadedFile("face.jpg", PICTURE, "image/jpeg")})
    headers = {
        "Authorization": f"Bearer {server.ada}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Idempotency-Key": "five at once".replace(" ", "-"),
    }
    with psycopg.connect(server.env["DATABASE_URL"]) as connection:
        count = "SELECT count(*) FROM detection_capture"
        before = connection.execute(count).fetchall()[0][0]
        connection.rollback()
        answers = at_once(server, "captures", body, headers)
        assert [status for status, _ in answers] == [202] * 5, answers
        assert len({answer["id"] for _, answer in answers}) == 1
        after = connection.execute(count).fetchall()[0][0]
    assert after == before + 1


def test_five_at_once_without_a_key_are_five(server):
    headers = {"Authorization": f"Bearer {server.ada}", "Content-Type": "application/json"}
    answers = at_once(server, "captures", b'{"emotion": "sad"}', headers)
    assert len({answer["id"] for _, answer in answers}) == 5
