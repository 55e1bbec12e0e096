"""Who reads a capture at present: a process says so several times a second, in Redis, for as long as it does.

A broker delivers a message again when a process died, and also when it only believes so: after its visibility timeout,
or when the clocks of two workers differ. The silence of whoever held a capture is what tells.
"""

import contextlib
import time
from collections.abc import Iterable
from typing import Self
from uuid import UUID, uuid4

import redis

from emotune import store
from emotune.heartbeat import Heartbeat

# Whoever holds a capture says so this often, and is dead when it was silent for so long.
BEAT_S, SILENCE_S = 0.5, 3.0
LOOK_AGAIN_S = 0.1


def _key(capture_id: UUID) -> str:
    return f"emotune:held:{capture_id}"


class Hold:
    """The captures that this process reads; they are let go at the end. Without Redis, everything counts as free."""

    def __init__(self) -> None:
        self._ids: set[UUID] = set()
        self._token = uuid4().hex
        self._heartbeat = Heartbeat(self._beat, BEAT_S, name="hold")

    def __enter__(self) -> Self:
        self._heartbeat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._heartbeat.stop()
        self.let_go(list(self._ids))

    def take(self, capture_ids: Iterable[UUID]) -> list[UUID]:
        """Hold those of the captures that nobody else holds, and return them."""
        ids = list(capture_ids)
        try:
            with store.client().pipeline(transaction=False) as pipe:
                for capture_id in ids:
                    pipe.set(_key(capture_id), self._token, nx=True, px=int(1000 * SILENCE_S))
                free = [capture_id for capture_id, is_free in zip(ids, pipe.execute(), strict=True) if is_free]
        except redis.RedisError:
            return ids
        self._ids.update(free)
        return free

    def take_from_the_dead(self, capture_id: UUID) -> None:
        """Hold a capture as soon as whoever holds it has finished, or has been silent for SILENCE_S."""
        while not self.take([capture_id]):
            time.sleep(LOOK_AGAIN_S)

    def let_go(self, capture_ids: Iterable[UUID]) -> None:
        mine = self._ids.intersection(capture_ids)
        self._ids -= mine
        if mine:
            with contextlib.suppress(redis.RedisError):
                store.client().delete(*map(_key, mine))

    def _beat(self) -> None:
        with store.client().pipeline(transaction=False) as pipe:
            for capture_id in list(self._ids):
                pipe.set(_key(capture_id), self._token, px=int(1000 * SILENCE_S))
            pipe.execute()
