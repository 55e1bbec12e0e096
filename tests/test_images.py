"""The pictures on their way to the worker: sealed, for minutes, gone when dropped."""

import uuid

import pytest
import redis
from django.conf import settings

from detection import images
from emotune import store
from emotune.errors import Unavailable
from tests.servers import redis_that_is_away


@pytest.fixture
def raw(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


def test_what_was_put_is_fetched_until_it_is_dropped():
    capture_id = uuid.uuid4()
    images.put(capture_id, [b"first", b"second"])
    assert images.fetch(capture_id) == [b"first", b"second"]
    images.drop(capture_id)
    assert images.fetch(capture_id) == []


def test_it_lives_for_minutes_only(raw):
    capture_id = uuid.uuid4()
    images.put(capture_id, [b"face"])
    (key,) = raw.keys(f"*{capture_id}*")
    assert 0 < raw.ttl(key) <= settings.CAPTURE_TTL.total_seconds()


def test_the_store_never_sees_the_bytes(raw):
    capture_id, face = uuid.uuid4(), b"\xff\xd8 a face in the clear " * 10
    images.put(capture_id, [face])
    stored = b"".join(raw.lrange(raw.keys(f"*{capture_id}*")[0], 0, -1))
    assert stored
    assert face not in stored
    assert b"a face in the clear" not in stored


def test_a_picture_cannot_be_moved_to_another_capture(raw):
    mine, other = uuid.uuid4(), uuid.uuid4()
    images.put(mine, [b"face"])
    (key,) = raw.keys(f"*{mine}*")
    raw.rename(key, key.decode().replace(str(mine), str(other)))
    with pytest.raises(images.Sealed):
        images.fetch(other)


def test_a_store_that_is_away_is_said_to_be(monkeypatch):
    monkeypatch.setattr(store, "client", redis_that_is_away)
    assert not images.store_answers()
    with pytest.raises(Unavailable, match="try again"):
        images.put(uuid.uuid4(), [b"face"])
