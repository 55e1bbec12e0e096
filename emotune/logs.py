"""Logs that can be followed: every request has an id, and a task carries the id of the request that sent it."""

import contextvars
import logging
import re
import time
import uuid
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.http import HttpRequest, HttpResponse

from emotune.http import GetResponse

HEADER = "X-Request-ID"
# What a proxy in front may have called the request; anything else could forge lines or fill disks.
ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")
NONE = "-"
# Probes, scrapes and static files would drown the rest.
QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
# What follows lets whoever reads it in: links of messages, and of playlists that are shared. By its place and not by
# its view, for a link that lost its end in a message, or has something at it, leads to no view.
LETS_IN = re.compile(r"(/(?:password/reset/key|confirm-email|shared)/).+", re.DOTALL)

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default=NONE)
logger = logging.getLogger("emotune.requests")


class RequestIdFilter(logging.Filter):
    """Give every log record the id of the request or task in which it was written."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def fit_for_a_line(text: str) -> str:
    """Return a text of a stranger's, such as a path, without what lets somebody in, and as part of one line."""
    text = LETS_IN.sub(r"\1…", text)
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class FitForALine(logging.Filter):
    """Take out of what others log, above all Django of refused requests, what we take out of paths ourselves."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.__dict__.pop("request", None)  # in JSON it would be written down, with its query
        if isinstance(record.args, tuple):
            record.args = tuple(fit_for_a_line(each) if isinstance(each, str) else each for each in record.args)
        return True


class WithoutTraceback(logging.Filter):
    """Leave of a record the line that says what happened, where the code is not at fault."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


class RequestLogMiddleware:
    """Name each request, answer with its name, and log one line of it: neither query nor body, which are private.

    Nor what is secret in a path.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        name = given if ACCEPTED.fullmatch(given) else uuid.uuid4().hex
        # It is not taken back at the end: Django logs an error after the middleware, and the next request sets its own.
        request_id.set(name)
        start = time.perf_counter()
        response = self.get_response(request)
        response[HEADER] = name
        spent = round(1000 * (time.perf_counter() - start), 1)
        path = fit_for_a_line(request.path)
        fields = {"method": request.method, "path": path, "status": response.status_code, "ms": spent}
        level = logging.DEBUG if request.path.startswith(QUIET) else logging.INFO
        logger.log(level, "%(method)s %(path)s %(status)s %(ms)s ms", fields, extra=fields)
        return response


@before_task_publish.connect
def send_request_id(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None:
        headers["request_id"] = request_id.get()


@task_prerun.connect
def take_request_id(task: Any = None, **_: Any) -> None:
    # Celery keeps what it does not know of a message in `headers`, or beside its own fields; older messages have none
    kept = getattr(task.request, "request_id", None) or (task.request.headers or {}).get("request_id")
    request_id.set(kept or NONE)


@task_postrun.connect
def forget_request_id(**_: Any) -> None:
    request_id.set(NONE)
