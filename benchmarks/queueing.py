"""What a day of people asks of an installation, by simulation: python -m benchmarks.queueing [--users 1000000]

Captures arrive at random (Poisson) at the rate of the day's peak hour and are read by `c` workers in the order of their
coming. The time of one reading is drawn from measured ones. The simulation follows each capture through the queue
(Kiefer and Wolfowitz's recursion for G/G/c: each capture goes to the worker that is free first) and prints how long
people wait, for the smallest number of workers that keeps the 95th percentile within a bound.
"""

import argparse
import heapq
import json
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

SECONDS_OF_DAY = 86_400
Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Demand:
    """What people do in a day. The peak hour has `peak` times the mean rate of the day, as evenings have."""

    users: int
    captures: float = 3.0
    pages: float = 25.0
    peak: float = 2.5

    def captures_a_second(self) -> float:
        return self.users * self.captures * self.peak / SECONDS_OF_DAY

    def pages_a_second(self) -> float:
        return self.users * self.pages * self.peak / SECONDS_OF_DAY


@dataclass(frozen=True)
class Cost:
    """What was measured on one core: seconds of a worker for a capture, seconds of a web process for a page."""

    reading: float = 0.030
    reading_spread: float = 0.5
    page: float = 0.020
    # Bytes of a capture that wait in Redis, sealed, and of its row with its playlist in the database.
    waiting_bytes: float = 400_000
    stored_bytes: float = 6_000


@dataclass(frozen=True)
class Answer:
    """How many it takes, and what people then wait for."""

    users: int
    captures_a_second: float
    workers: int
    busy: float
    wait_p50_ms: float
    wait_p95_ms: float
    wait_p99_ms: float
    pages_a_second: float
    web_cores: int
    redis_megabytes: float
    database_gigabytes_a_year: float


def waits(arrivals: Times, services: Times, workers: int) -> Times:
    """Return (n,) seconds in the queue of captures that arrive at (n,) times and take (n,) seconds each."""
    free = [0.0] * workers
    waited = np.empty_like(arrivals)
    for i, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
        begin = max(arrival, heapq.heappop(free))
        waited[i] = begin - arrival
        heapq.heappush(free, begin + service)
    return waited


def waits_in_batches(arrivals: Times, workers: int, batch: int, first: float, more: float) -> Times:
    """Return (n,) seconds in the queue where a free worker takes up to `batch` of what waits.

    The first capture of a batch takes `first` seconds and each further one `more`; all of a batch are over together, as
    the reader writes their outcomes in one transaction.
    """
    free = [0.0] * workers
    waited, taken, times = np.empty_like(arrivals), 0, arrivals.tolist()
    while taken < len(times):
        begin = max(times[taken], heapq.heappop(free))
        end = taken + 1
        while end < len(times) and end - taken < batch and times[end] <= begin:
            end += 1
        waited[taken:end] = begin - arrivals[taken:end]
        heapq.heappush(free, begin + first + more * (end - taken - 1))
        taken = end
    return waited


def hour_with_bursts(rate: float, seconds: float, spread: float, seed: int) -> Times:
    """Return arrivals at `rate` a second whose rate changes each minute: a gamma factor of mean 1 and this spread."""
    rng = np.random.default_rng(seed)
    minutes = int(np.ceil(seconds / 60))
    factors = rng.gamma(1 / spread**2, spread**2, minutes) if spread else np.ones(minutes)
    counts = rng.poisson(rate * 60 * factors)
    starts = np.repeat(60.0 * np.arange(minutes), counts)
    return np.sort(starts + rng.uniform(0, 60, counts.sum()))


def draw(demand: Demand, cost: Cost, count: int, seed: int) -> tuple[Times, Times]:
    """Return arrivals and lognormal service times with the measured mean and coefficient of variation."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(1 / demand.captures_a_second(), count))
    variance = np.log1p(cost.reading_spread**2)
    services = rng.lognormal(np.log(cost.reading) - variance / 2, np.sqrt(variance), count)
    return arrivals, services


def plan(demand: Demand, cost: Cost, *, bound: float = 0.5, count: int = 200_000, seed: int = 1) -> Answer:
    """Return the smallest number of workers under which 95 of 100 captures wait at most `bound` seconds."""
    arrivals, services = draw(demand, cost, count, seed)
    load = demand.captures_a_second() * cost.reading
    workers = max(1, int(np.ceil(load)))
    while np.percentile(waited := waits(arrivals, services, workers), 95) > bound or load / workers > 0.95:
        workers += 1
    p50, p95, p99 = (round(1000 * float(np.percentile(waited, q)), 1) for q in (50, 95, 99))
    in_system = demand.captures_a_second() * (float(waited.mean()) + cost.reading)
    return Answer(
        users=demand.users,
        captures_a_second=round(demand.captures_a_second(), 2),
        workers=workers,
        busy=round(load / workers, 2),
        wait_p50_ms=p50,
        wait_p95_ms=p95,
        wait_p99_ms=p99,
        pages_a_second=round(demand.pages_a_second(), 1),
        web_cores=int(np.ceil(demand.pages_a_second() * cost.page / 0.7)),
        redis_megabytes=round(in_system * cost.waiting_bytes / 1e6, 1),
        database_gigabytes_a_year=round(demand.users * demand.captures * 365 * cost.stored_bytes / 1e9, 1),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--users", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000], help="people a day"
    )
    parser.add_argument("--reading", type=float, default=Cost.reading, help="seconds of a core for one capture")
    parser.add_argument("--page", type=float, default=Cost.page, help="seconds of a core for one page")
    parser.add_argument("--bound", type=float, default=0.5, help="seconds that 95 of 100 captures may wait at most")
    options = parser.parse_args()
    cost = Cost(reading=options.reading, page=options.page)
    answers = [asdict(plan(Demand(users=users), cost, bound=options.bound)) for users in options.users]
    print(json.dumps(answers, indent=1))


if __name__ == "__main__":
    main()
