"""How long captures wait for a worker, by simulation of a queue whose workers take several at a time.

Each capture is followed through the queue by Kiefer and Wolfowitz's recursion: what waits longest goes to the worker
that is free first. benchmarks.scaling plans with it.
"""

import heapq

import numpy as np
import numpy.typing as npt

SECONDS_OF_DAY = 86_400
Times = npt.NDArray[np.float64]


def waits_in_batches(arrivals: Times, workers: int, batch: int, first: float, more: float) -> Times:
    """Return (n,) seconds in the queue of captures that arrive at (n,) seconds, ascending.

    A free worker takes up to `batch` of what waits. The first capture of a batch takes `first` seconds and each further
    one `more`; all of a batch are over together, as the reader writes their outcomes in one transaction.
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
