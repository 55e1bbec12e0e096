"""The queueing simulation behind docs/scaling.md agrees with what theory knows."""

import numpy as np
import pytest

from benchmarks.queueing import hour_with_bursts, waits_in_batches


def test_captures_wait_for_the_worker_that_is_free_first():
    arrivals = np.array([0.0, 1.0, 2.0, 3.0])
    assert waits_in_batches(arrivals, 1, 1, 10.0, 10.0).tolist() == [0, 9, 18, 27]
    assert waits_in_batches(arrivals, 2, 1, 10.0, 10.0).tolist() == [0, 0, 8, 8]


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_one_worker_waits_as_long_as_pollaczek_and_khinchine_say(load):
    """Captures come at random, and each takes a second of the one worker (M/D/1)."""
    arrivals = np.cumsum(np.random.default_rng(3).exponential(1 / load, 100_000))
    expected = load / (2 * (1 - load))
    assert waits_in_batches(arrivals, 1, 1, 1.0, 1.0).mean() == pytest.approx(expected, rel=0.05)


def test_a_batch_takes_what_waits_and_no_more_than_it_may():
    arrivals = np.array([0.0, 1.0, 2.0, 3.0, 20.0])
    # the first is alone until 10, the next two go together until 21, when the last two wait
    assert waits_in_batches(arrivals, 1, 2, 10.0, 1.0).tolist() == [0, 9, 8, 18, 1]


def test_an_hour_with_bursts_has_its_rate():
    arrivals = hour_with_bursts(50, 3600, 0.3, seed=1)
    assert len(arrivals) == pytest.approx(50 * 3600, rel=0.1)
    assert (np.diff(arrivals) >= 0).all()
    minutes = np.bincount((arrivals // 60).astype(int), minlength=60)
    assert 0.15 < minutes.std() / minutes.mean() < 0.45
