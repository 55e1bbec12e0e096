"""Who holds a capture: one process at a time, until it lets go or falls silent."""

import threading
import time
from uuid import uuid4

import pytest
import redis

from detection import holding
from detection.holding import Hold
from emotune import store


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(holding, "BEAT_S", 0.1)
    monkeypatch.setattr(holding, "SILENCE_S", 0.5)


def test_a_capture_is_held_by_one_and_free_afterwards():
    one, two = uuid4(), uuid4()
    with Hold() as hold, Hold() as other:
        assert hold.take([one]) == [one]
        assert other.take([one, two]) == [two]
        hold.let_go([one, two])
        assert other.take([one]) == [one]
    with Hold() as later:
        assert later.take([one, two]) == [one, two]


def test_it_is_held_for_as_long_as_its_holder_lives():
    capture = uuid4()
    with Hold() as hold:
        hold.take([capture])
        time.sleep(1)
        with Hold() as other:
            assert other.take([capture]) == []


def test_what_a_dead_process_held_is_taken_once_it_has_been_silent():
    capture = uuid4()
    dead = Hold()  # never begins to beat
    dead.take([capture])
    with Hold() as hold:
        start = time.monotonic()
        hold.take_from_the_dead(capture)
        assert time.monotonic() - start > 0.3


def test_what_a_living_process_holds_is_waited_for():
    capture = uuid4()
    order = []

    def wait():
        with Hold() as second:
            second.take_from_the_dead(capture)
            order.append("second")

    with Hold() as hold:
        hold.take([capture])
        (thread := threading.Thread(target=wait)).start()
        time.sleep(1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_without_redis_everything_counts_as_free(monkeypatch):
    capture = uuid4()
    away = redis.Redis(port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(store, "client", lambda: away)
    with Hold() as hold, Hold() as other:
        assert hold.take([capture]) == other.take([capture]) == [capture]
