"""The queueing simulation behind docs/scaling.md agrees with what theory knows."""

import numpy as np
import pytest

from benchmarks.queueing import Cost, Demand, draw, hour_with_bursts, plan, waits, waits_in_batches


def test_captures_wait_for_the_worker_that_is_free_first():
    arrivals, services = np.array([0.0, 1.0, 2.0, 3.0]), np.array([10.0, 4.0, 1.0, 1.0])
    assert waits(arrivals, services, 1).tolist() == [0, 9, 12, 12]
    assert waits(arrivals, services, 2).tolist() == [0, 0, 3, 3]


def test_one_worker_waits_as_long_as_pollaczek_and_khinchine_say():
    cost, demand = Cost(reading=0.1, reading_spread=1.0), Demand(users=1, captures=60_480, peak=1)
    arrivals, services = draw(demand, cost, 400_000, seed=3)
    load = demand.captures_a_second() * cost.reading
    assert load == pytest.approx(0.07 * 1)
    expected = load * cost.reading * (1 + cost.reading_spread**2) / (2 * (1 - load))
    assert waits(arrivals, services, 1).mean() == pytest.approx(expected, rel=0.05)


def test_a_plan_has_no_worker_too_many():
    demand, cost = Demand(users=1_000_000), Cost()
    answer = plan(demand, cost, bound=0.1, count=50_000)
    arrivals, services = draw(demand, cost, 50_000, seed=1)
    assert answer.wait_p95_ms <= 100
    assert answer.workers >= demand.captures_a_second() * cost.reading
    fewer = answer.workers - 1
    too_busy = demand.captures_a_second() * cost.reading / fewer > 0.95
    assert too_busy or np.percentile(waits(arrivals, services, fewer), 95) > 0.1


def test_batches_of_one_wait_as_captures_by_themselves_do():
    arrivals = np.cumsum(np.random.default_rng(2).exponential(0.1, 2000))
    alone = waits(arrivals, np.full(2000, 0.18), 2)
    assert waits_in_batches(arrivals, 2, 1, 0.18, 0.18) == pytest.approx(alone)


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
