"""The cache that all processes share, for limits on attempts above all: in Redis, or in memory while that is away.

Its keys are hashed under SECRET_KEY, so that Redis learns no address or name, and its values are JSON, so that what
another program put there cannot run here.
"""

import contextlib
import hashlib
import hmac
import json
import logging
import time
from typing import Any

import redis
from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.utils.functional import cached_property

logger = logging.getLogger(__name__)

PREFIX = "emotune:cache:"
# While Redis is away it is not asked again for so long: each question would make a page wait for its timeout.
AWAY_S = 5.0
MOST_ALONE = 20_000


def hashed(key: str, key_prefix: str, version: int) -> str:
    """Return the name under which Redis keeps a key."""
    text = f"{key_prefix}:{version}:{key}".encode()
    return PREFIX + hmac.new(settings.SECRET_KEY.encode(), text, hashlib.sha256).hexdigest()


class JsonSerializer:
    """Whole numbers stay as they are, so that Redis itself can count."""

    def dumps(self, value: Any) -> Any:
        return value if type(value) is int else json.dumps(value)

    def loads(self, data: Any) -> Any:
        return json.loads(data)


class OneClient(RedisCacheClient):
    """Django's, but for a client of Redis that is made once: making one takes longer than asking it."""

    @cached_property
    def _one(self) -> "redis.Redis":
        return super().get_client(write=True)

    def get_client(self, *_: Any, **__: Any) -> "redis.Redis":
        """Return the client of the one server that there is, for reading and writing any key."""
        return self._one


class SharedCache(RedisCache):
    """Django's cache in Redis; an error of Redis is no error of the page that asked."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:  # noqa: ARG002 - the address is REDIS_URL
        options = {"serializer": JsonSerializer, "socket_timeout": 1, "socket_connect_timeout": 1}
        super().__init__("", {**params, "KEY_FUNCTION": hashed, "OPTIONS": options})
        alone = {**params, "KEY_FUNCTION": hashed, "OPTIONS": {"MAX_ENTRIES": MOST_ALONE}}
        self._alone = LocMemCache("while Redis is away", alone)
        self._away_until = 0.0

    @cached_property
    def _cache(self) -> Any:
        return OneClient([settings.REDIS_URL], **self._options)  # type: ignore[attr-defined]

    def _ask(self, name: str, *arguments: Any, **more: Any) -> Any:
        """Ask Redis, or else the memory of this process: a limit then counts what this process alone has seen."""
        if time.monotonic() >= self._away_until:
            try:
                return getattr(super(), name)(*arguments, **more)
            except redis.RedisError as error:
                self._is_away(error)
        return getattr(self._alone, name)(*arguments, **more)

    def _is_away(self, error: redis.RedisError) -> None:
        self._away_until = time.monotonic() + AWAY_S
        logger.warning("the shared cache is away, limits count by process: %s", error)

    def add(self, *arguments: Any, **more: Any) -> bool:
        return bool(self._ask("add", *arguments, **more))

    def get(self, *arguments: Any, **more: Any) -> Any:
        return self._ask("get", *arguments, **more)

    def set(self, *arguments: Any, **more: Any) -> None:
        self._ask("set", *arguments, **more)

    def touch(self, *arguments: Any, **more: Any) -> bool:
        return bool(self._ask("touch", *arguments, **more))

    def delete(self, *arguments: Any, **more: Any) -> bool:
        return bool(self._ask("delete", *arguments, **more))

    def get_many(self, *arguments: Any, **more: Any) -> dict[Any, Any]:
        found: dict[Any, Any] = self._ask("get_many", *arguments, **more)
        return found

    def has_key(self, *arguments: Any, **more: Any) -> bool:
        return bool(self._ask("has_key", *arguments, **more))

    def incr(self, *arguments: Any, **more: Any) -> int:
        return int(self._ask("incr", *arguments, **more))

    def count(self, key: str, seconds: int) -> int:
        """Add one to a number that lasts `seconds` from its first time on, in one round trip, and return it."""
        if time.monotonic() >= self._away_until:
            name = self.make_and_validate_key(key)
            try:
                with self._cache.get_client().pipeline(transaction=False) as pipe:
                    return int(pipe.set(name, 0, ex=seconds, nx=True).incr(name).execute()[-1])
            except redis.RedisError as error:
                self._is_away(error)
        self._alone.add(key, 0, seconds)
        try:
            return self._alone.incr(key)
        except ValueError:  # it was one of too many, and thrown away
            return 1

    def set_many(self, *arguments: Any, **more: Any) -> list[Any]:
        kept: list[Any] = self._ask("set_many", *arguments, **more)
        return kept

    def delete_many(self, *arguments: Any, **more: Any) -> None:
        self._ask("delete_many", *arguments, **more)

    def clear(self) -> None:
        """Empty the cache and nothing else: Redis holds tasks and pictures beside it."""
        self._alone.clear()
        with contextlib.suppress(redis.RedisError):
            client = self._cache.get_client()
            for key in client.scan_iter(match=PREFIX + "*", count=1000):
                client.delete(key)
