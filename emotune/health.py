"""Whether this installation is alive and ready, for load balancers, containers and people."""

import logging

import redis
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from emotune import store
from emotune.http import GetResponse
from emotune.workers import warm_readers

OK = "ok"
UNKNOWN = "not known while the broker does not answer"

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
    broker = broker_answer()
    reader = reader_answer() if broker == OK else UNKNOWN
    parts = {"database": database_answer(), "broker": broker, "reader": reader}
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
        store.client().ping()
    except redis.RedisError:
        return "does not answer"
    return OK


def reader_answer() -> str:
    try:
        return OK if warm_readers() else "no worker is warm"
    except redis.RedisError:
        return UNKNOWN
