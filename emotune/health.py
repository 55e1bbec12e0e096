"""Whether this installation is alive and ready, for load balancers, containers and people."""

import logging
import os
import socket
import threading
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from emotune.http import GetResponse

# A worker process says this often that it is warm, and is forgotten after so long in silence.
ANNOUNCE_EVERY_S = 5
FORGET_AFTER_S = 20
WARM = "emotune:warm:"
OK = "ok"

logger = logging.getLogger(__name__)


class HealthMiddleware:
    """Answer /healthz and /readyz before anything else: probes know no host name, no session and no https."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return HttpResponse(OK, content_type="text/plain")
        if request.path == "/readyz":
            return ready()
        return self.get_response(request)


def ready() -> HttpResponse:
    """Return 200 when a capture could be taken and read now, else 503; the body says what is missing."""
    parts = {"database": database_answer(), "broker": broker_answer(), "reader": reader_answer()}
    is_ready = all(answer == OK for answer in parts.values())
    response = JsonResponse(parts, status=200 if is_ready else 503)
    response["Cache-Control"] = "no-store"
    return response


def database_answer() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        logger.warning("the database does not answer", exc_info=True)
        return "does not answer"
    return OK


def broker_answer() -> str:
    try:
        client().ping()
    except redis.RedisError:
        return "does not answer"
    return OK


def reader_answer() -> str:
    try:
        return OK if warm_readers() else "no worker is warm"
    except redis.RedisError:
        return "not known while the broker does not answer"


def warm_readers() -> int:
    """Return how many worker processes said lately that their reader is warm. Raises redis.RedisError."""
    return sum(1 for _ in client().scan_iter(match=f"{WARM}*", count=1000))


def announce_warm() -> None:
    """Say from now on, from a thread of this worker process, that its reader is loaded."""
    name = f"{WARM}{socket.gethostname()}:{os.getpid()}"
    stop = threading.Event()

    def announce() -> None:
        while True:
            try:
                client().set(name, "1", ex=FORGET_AFTER_S)
            except redis.RedisError:
                logger.debug("the broker does not hear that this reader is warm")
            if stop.wait(ANNOUNCE_EVERY_S):
                return

    threading.Thread(target=announce, name="announce-warm", daemon=True).start()


@cache
def client() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1)
