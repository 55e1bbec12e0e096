"""The cache that all processes share, and what happens while Redis is away."""

import logging
from urllib.parse import urlsplit

import pytest
import redis

from emotune import cache as module
from emotune.cache import PREFIX, SharedCache, hashed
from emotune.embedded import embedded_server
from tests.servers import free_port


@pytest.fixture
def client(redis_url):
    return redis.Redis.from_url(redis_url)


@pytest.fixture
def cache(redis_url):
    fresh = SharedCache("", {})
    fresh.clear()
    yield fresh
    fresh.clear()


@pytest.fixture
def alone(settings, caplog):
    """A cache whose Redis cannot be reached."""
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    fresh = SharedCache("", {})
    fresh.clear()
    with caplog.at_level(logging.WARNING):
        yield fresh
    fresh.clear()


def test_what_one_process_keeps_another_finds(cache, redis_url):
    other = SharedCache("", {})
    cache.set("guesses", [1.5, 2.5], 60)
    assert other.get("guesses") == [1.5, 2.5]
    assert not other.add("guesses", [], 60)
    assert other.add("more", True, 60)
    assert cache.get("more") is True
    cache.set("count", 1, 60)
    assert other.incr("count") == 2
    assert cache.get_many(["count", "none"]) == {"count": 2}
    assert other.has_key("count")
    assert cache.delete("count")
    assert other.get("count", "gone") == "gone"
    assert cache.touch("guesses", 60)
    assert cache.get_or_set("word", "made", 60) == "made"


def test_what_two_processes_count_adds_up_and_is_forgotten_in_time(cache, client):
    other = SharedCache("", {})
    assert [cache.count("tries", 60), other.count("tries", 60), cache.count("tries", 60)] == [1, 2, 3]
    assert 0 < client.ttl(hashed("tries", "", 1)) <= 60
    assert other.count("others", 60) == 1


def test_redis_learns_neither_keys_nor_how_to_run_anything(cache, client):
    cache.set("login of ada@example.org from 192.0.2.7", {"tries": 3}, 60)
    kept = client.get(hashed("login of ada@example.org from 192.0.2.7", "", 1))
    assert kept in {b'{"tries": 3}', '{"tries": 3}'}
    names = b" ".join(client.keys("*"))
    assert b"ada@" not in names  # three letters alone may stand in a hexadecimal number
    assert b"example" not in names
    assert b"192.0.2.7" not in names


def test_the_names_of_keys_cannot_be_found_by_trying_without_the_secret(settings):
    one = hashed("ip:192.0.2.7", "", 1)
    settings.SECRET_KEY = "another"
    assert hashed("ip:192.0.2.7", "", 1) != one
    assert one.startswith(PREFIX)


def test_clearing_leaves_tasks_and_pictures(cache, client):
    client.set("emotune:capture:1", "sealed")
    cache.set("a", 1, 60)
    cache.clear()
    assert cache.get("a") is None
    assert client.get("emotune:capture:1")
    client.delete("emotune:capture:1")


def test_while_redis_is_away_a_process_counts_by_itself(alone, caplog):
    assert alone.add("lock", True, 60)
    assert not alone.add("lock", True, 60)
    alone.set("guesses", [1.0], 60)
    assert alone.get("guesses") == [1.0]
    assert alone.get_many(["guesses"]) == {"guesses": [1.0]}
    alone.set("count", 1, 60)
    assert alone.incr("count") == 2
    assert [alone.count("tries", 60), alone.count("tries", 60)] == [1, 2]
    assert alone.touch("guesses", 60)
    assert alone.set_many({"b": 1}, 60) == []
    alone.delete_many(["b"])
    assert not alone.has_key("b")
    assert alone.delete("guesses")
    # and asked once, not at every step
    assert sum("the shared cache is away" in record.message for record in caplog.records) == 1


def test_it_goes_back_to_redis_once_that_answers(alone, settings, monkeypatch):
    alone.set("a", 1, 60)
    monkeypatch.setattr(module, "AWAY_S", 0.0)
    alone._away_until = 0.0
    with embedded_server(urlsplit(settings.REDIS_URL).port) as url:
        assert url == settings.REDIS_URL
        assert alone.get("a") is None
        alone.set("b", 2, 60)
        assert SharedCache("", {}).get("b") == 2
