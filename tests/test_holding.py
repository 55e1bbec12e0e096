"""Who holds a capture: one process at a time, until it lets go or falls silent."""

import threading
import time
from types import SimpleNamespace
from uuid import uuid4

import pytest

from detection import holding
from detection.holding import Hold
from emotune import store
from tests.servers import redis_that_is_away, wait_until


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Beats that come fast, and a silence that no slow machine reaches by itself."""
    monkeypatch.setattr(holding, "BEAT_S", 0.02)
    monkeypatch.setattr(holding, "SILENCE_S", 60)


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
        for _ in range(2):
            store.client().pexpire(holding._key(capture), 30_000)
            wait_until("the next beat", lambda: store.client().pttl(holding._key(capture)) > 50_000, pause=0.01)
        with Hold() as other:
            assert other.take([capture]) == []


def test_what_a_dead_process_held_is_taken_once_it_has_been_silent(monkeypatch):
    monkeypatch.setattr(holding, "SILENCE_S", 0.5)
    capture = uuid4()
    dead = Hold()  # never begins to beat
    start = time.monotonic()
    dead.take([capture])
    with Hold() as hold:
        hold.take_from_the_dead(capture)
        assert time.monotonic() - start > 0.45


def test_what_a_living_process_holds_is_waited_for(monkeypatch):
    capture = uuid4()
    order = []
    looks = threading.Semaphore(0)

    def pause(seconds):
        looks.release()
        time.sleep(0.01)

    monkeypatch.setattr(holding, "time", SimpleNamespace(sleep=pause))

    def wait():
        with Hold() as second:
            second.take_from_the_dead(capture)
            order.append("second")

    with Hold() as hold:
        hold.take([capture])
        (thread := threading.Thread(target=wait)).start()
        for _ in range(3):
            assert looks.acquire(timeout=60)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_without_redis_everything_counts_as_free(monkeypatch):
    capture = uuid4()
    monkeypatch.setattr(store, "client", redis_that_is_away)
    with Hold() as hold, Hold() as other:
        assert hold.take([capture]) == other.take([capture]) == [capture]
