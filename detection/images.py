"""The pictures of a capture on their way to the worker: encrypted, in memory only, gone after minutes."""

import base64
import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar
from uuid import UUID

import redis
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from emotune import store
from emotune.errors import Unavailable

NONCE_BYTES = 12
T = TypeVar("T")


class Sealed(Exception):
    """A picture cannot be unsealed: it was sealed with another SECRET_KEY or for another capture, or is damaged."""


@cache
def _cipher() -> AESGCM:
    """Encrypt under a key of SECRET_KEY: a Redis that was set to keep its memory on a disk keeps nothing readable."""
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"emotune capture images")
    return AESGCM(derive.derive(settings.SECRET_KEY.encode()))


def _ask(call: Callable[[], T]) -> T:
    try:
        return call()
    except redis.RedisError as error:
        raise Unavailable("The reader cannot be reached just now. Please try again in a moment.") from error


def _key(capture_id: UUID) -> str:
    return f"emotune:capture:{capture_id}"


def put(capture_id: UUID, images: Sequence[bytes]) -> None:
    """Hold the pictures for CAPTURE_TTL. Raises Unavailable, with nothing held, when the store does not answer."""
    sealed = [_seal(capture_id, image) for image in images]

    def write() -> None:
        with store.client().pipeline(transaction=True) as pipe:
            pipe.delete(_key(capture_id))
            pipe.rpush(_key(capture_id), *sealed)
            pipe.expire(_key(capture_id), settings.CAPTURE_TTL)
            pipe.execute()

    _ask(write)


def fetch(capture_id: UUID) -> list[bytes]:
    """Return the pictures, or an empty list when their time is over. They stay until dropped, for a second attempt.

    Raises Unavailable when the store does not answer, and Sealed.
    """
    sealed = _ask(lambda: store.client().lrange(_key(capture_id), 0, -1))
    return [_open(capture_id, item) for item in sealed]


def drop(*capture_ids: UUID) -> None:
    """Forget the pictures of captures. Raises Unavailable when the store does not answer."""
    if capture_ids:
        _ask(lambda: store.client().delete(*map(_key, capture_ids)))


def store_answers() -> bool:
    """Whether the store, which is the tasks' broker too, answers right now."""
    try:
        return bool(store.client().ping())
    except redis.RedisError:
        return False


def _seal(capture_id: UUID, image: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    # base64, for the in-memory server of `make run` decodes values as text
    return base64.b64encode(nonce + _cipher().encrypt(nonce, image, capture_id.bytes))


def _open(capture_id: UUID, sealed: bytes | str) -> bytes:
    try:
        raw = base64.b64decode(sealed)
        return _cipher().decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], capture_id.bytes)
    except (InvalidTag, ValueError) as error:  # ValueError: it is no base64, or shorter than a nonce
        raise Sealed from error
