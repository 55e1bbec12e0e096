"""PostgreSQL restarted under everybody's feet, and away for a while."""

import time

import pytest

from tests.faults.invariants import GO_ON_S, check, fault

pytestmark = pytest.mark.slow

AWAY_S = 8


def test_a_database_that_is_restarted(installation, stream):
    """Pages and API say 503 and when to come back, for as long as it lasts; workers take up what they had."""
    time.sleep(3)
    with fault() as span:
        installation.postgres.stop(by=2)
        page = stream.visitor.person.get("/history/")
        status, words, headers = installation.ask("/api/v1/captures", installation.tokens[0])
        alive = installation.ask("/healthz")[0]
        ready = installation.ask("/readyz")
        style = installation.ask("/static/css/emotune.css")[0]
        time.sleep(AWAY_S)
        installation.postgres.start()
    time.sleep(GO_ON_S)
    assert (page.status, "The database does not answer" in page.text) == (503, True)
    assert (status, headers["Content-Type"], headers["Retry-After"]) == (503, "application/problem+json", "5")
    assert "The database does not answer" in words
    assert (alive, ready[0], style) == (200, 503, 200)
    assert set(check(stream, span, within=120, attempts=2)) == {"done"}


@pytest.mark.short
def test_a_database_that_crashes(installation, stream):
    """As after a power cut: it recovers by itself, and so does all that asks it."""
    time.sleep(3)
    with fault() as span:
        installation.postgres.kill()
        installation.postgres.start()
    time.sleep(GO_ON_S)
    assert set(check(stream, span, within=120, attempts=2)) == {"done"}
