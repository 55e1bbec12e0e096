"""The queueing simulation behind docs/scaling.md agrees with what theory knows."""

import numpy as np
import pytest

from benchmarks.queueing import Cost, Demand, draw, plan, waits


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
