"""Redis, which carries the tasks and holds the pictures: restarted empty, away, or hanging."""

import time

import pytest

from tests.faults.invariants import GO_ON_S, check, fault

pytestmark = pytest.mark.slow

# What people open and programs ask while a part is away.
PAGES = ("/", "/about/", "/captures/new/?camera=no", "/history/", "/tracks/", "/account/", "/model/", "/map/")
API = ("/me", "/captures", "/emotions", "/tracks", "/playlists", "/listens", "/schema")


def statuses(installation, stream):
    """Return what pages and the API answer just now, by address."""
    person = stream.visitor.person
    return {path: person.get(path).status for path in PAGES} | {
        f"/api/v1{path}": installation.ask(f"/api/v1{path}", installation.tokens[0])[0] for path in API
    }


def test_a_redis_that_comes_back_empty(installation, stream):
    """What had not been read is gone with its pictures: it ends in words, and whoever comes next is served."""
    time.sleep(3)
    with fault() as span:
        installation.stop("worker")
        time.sleep(4)
        installation.redis.kill()
        installation.redis.start()
        installation.start("worker")
    time.sleep(GO_ON_S)
    ends = check(stream, span, within=90)
    assert set(ends) == {"done", "expired"}


def test_a_redis_that_cannot_be_reached(installation, stream):
    """Pictures are refused in words; everything else goes on."""
    time.sleep(3)
    with fault() as span:
        installation.redis.kill()
        time.sleep(1)
        seen = statuses(installation, stream)
        refused = installation.ask("/readyz")
        time.sleep(10)
        installation.redis.start()
    time.sleep(GO_ON_S)
    assert set(seen.values()) == {200}, seen
    assert (refused[0], '"broker": "does not answer"' in refused[1]) == (503, True)
    ends = check(stream, span, within=90, attempts=2)
    assert set(ends) <= {"done", "expired"}


def test_a_redis_that_hangs(installation, stream):
    """No answer and no refusal: nobody waits for it much longer than a moment, and nothing is lost."""
    time.sleep(3)
    with fault() as span, installation.hanging(installation.redis):
        time.sleep(1)
        seen = statuses(installation, stream)
        time.sleep(10)
    time.sleep(GO_ON_S)
    assert set(seen.values()) == {200}, seen
    slowest = max(answer.seconds for answer in stream.ledger.answers)
    assert slowest < 15
    assert set(check(stream, span, within=90, attempts=2, left_in_store=12)) <= {"done", "expired"}
