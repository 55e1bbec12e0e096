"""A thread that says something again and again, so that others notice when its process falls silent."""

import contextlib
import threading
from collections.abc import Callable

import redis


class Heartbeat:
    """Calls `beat` at once and then every `every_s` seconds, until it is stopped. What Redis did not hear is not lost
    for long: the next beat says it again."""

    def __init__(self, beat: Callable[[], object], every_s: float, name: str) -> None:
        self._beat, self._every_s = beat, every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_over, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End with the beat at hand, after which there is none."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat_until_over(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(redis.RedisError):
                self._beat()
            self._over.wait(self._every_s)
