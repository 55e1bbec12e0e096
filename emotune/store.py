"""Redis, where tasks, pictures and the progress of jobs wait: one client for each process, which does not wait long."""

from functools import cache

import redis
from django.conf import settings

# How long it is waited for, in seconds: for a connection, and for each part of an answer, of which pictures have most.
CONNECT_S, ANSWER_S = 1, 3


@cache
def client() -> "redis.Redis":
    """Return this process's client. It answers in bytes, and its calls raise redis.RedisError while Redis is away."""
    return connect(settings.REDIS_URL)


def connect(url: str) -> "redis.Redis":
    """Return a client such as this process's, of another Redis."""
    # Of two threads that come first at once each makes one, and one is dropped: a client that owned its pool would
    # close it, while what its thread began is still under way.
    pool = redis.ConnectionPool.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=CONNECT_S)
    return redis.Redis(connection_pool=pool)
