"""Limits on how often something is done in a minute, counted in the shared cache for all web processes together."""

import time
from dataclasses import dataclass

from django.core.cache import cache

WINDOW_S = 60


@dataclass(frozen=True)
class Budget:
    """What is left of a limit until `reset`, in seconds since 1970."""

    limit: int
    remaining: int
    reset: int

    @property
    def is_overdrawn(self) -> bool:
        return self.remaining < 0

    @property
    def wait(self) -> int:
        return max(1, self.reset - int(time.time()))


def spend(who: str, limit: int) -> Budget:
    """Take one request from a budget, in windows of a minute. Two requests at once are two: the cache adds."""
    window = int(time.time()) // WINDOW_S
    reset = (window + 1) * WINDOW_S
    spent = cache.count(f"limit:{who}:{window}", 2 * WINDOW_S)  # type: ignore[attr-defined]
    return Budget(limit, limit - spent, reset)
