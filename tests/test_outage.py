"""What people and programs see while the database is away or a disk is full."""

import errno

import pytest
from django.db import InterfaceError, OperationalError
from django.test.client import MULTIPART_CONTENT

from emotune.errors import Unavailable
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    user = make_user()
    client.force_login(user)
    client.raise_request_exception = False
    return client


def breaks(monkeypatch, where, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(where, fail)


@pytest.mark.parametrize("error", [OperationalError("refused"), InterfaceError("closed")])
def test_a_page_says_that_the_database_is_away_and_when_to_come_back(ada, monkeypatch, error):
    breaks(monkeypatch, "detection.services.name_mood", error)
    answer = ada.post("/captures/name/", {"emotion": "sad"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The database does not answer just now" in answer.text
    assert "refused" not in answer.text


def test_a_session_that_cannot_be_read_is_told_likewise(ada, monkeypatch):
    """It breaks in a middleware, before there is a view."""
    breaks(monkeypatch, "django.contrib.sessions.backends.db.SessionStore.load", OperationalError("refused"))
    for path in ("/history/", "/api/v1/me"):
        answer = ada.get(path)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5"), path
        assert "The database does not answer just now" in answer.text


def test_a_full_disk_is_told_in_words(ada, monkeypatch):
    breaks(monkeypatch, "detection.services.name_mood", OSError(errno.ENOSPC, "No space left on device"))
    answer = ada.post("/captures/name/", {"emotion": "sad"})
    assert (answer.status_code, "There is no room to keep this file" in answer.text) == (503, True)


def test_any_other_error_is_a_500(ada, monkeypatch):
    breaks(monkeypatch, "detection.services.name_mood", OSError(errno.EIO, "broken"))
    answer = ada.post("/captures/name/", {"emotion": "sad"})
    assert (answer.status_code, "Retry-After" in answer) == (500, False)


@pytest.mark.parametrize("path", ["/captures/name/", "/api/v1/captures"])
def test_whoever_meets_a_part_that_is_away_is_told_when_to_come_back(ada, monkeypatch, path):
    breaks(monkeypatch, "detection.services.name_mood", Unavailable("It is away. Please try again in a moment."))
    answer = ada.post(path, {"emotion": "sad"}, content_type="application/json" if "api" in path else MULTIPART_CONTENT)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "It is away" in answer.text
