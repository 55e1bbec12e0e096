"""One shape for every error of the API: problem details after RFC 9457."""

import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from rest_framework.exceptions import (
    APIException,
    MethodNotAllowed,
    NotAuthenticated,
    UnsupportedMediaType,
    ValidationError,
)

from emotune.errors import SOON_S, EmotuneError
from emotune.outage import outage_of

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
HOME = "/api/v1/problems/"
NOTHING_HERE = "There is nothing at this address, or it is not yours."
# An answer names so many errors at most, each in so many characters: some quote what was sent, whatever it was.
MOST_ERRORS = 100
LONGEST_DETAIL = 300


@dataclass(frozen=True)
class Kind:
    """A kind of problem: the last part of its `type`, its HTTP status, its title, and what to do about it."""

    name: str
    status: int
    title: str
    advice: str

    @property
    def type(self) -> str:
        return HOME + self.name


KINDS = (
    Kind("malformed-request", 400, "The request cannot be understood", "Check that a body is what its type says."),
    Kind("not-authenticated", 401, "Nobody is logged in", "Send `Authorization: Bearer` and a token that is usable."),
    Kind("not-allowed", 403, "This may not be done", "Use a token with the scope that the operation names."),
    Kind("not-found", 404, "There is nothing here", "What belongs to other people looks like nothing, too."),
    Kind("method-not-allowed", 405, "This address does not do that", "The header Allow names the methods it has."),
    Kind("not-yet", 409, "It is not ready yet", "Ask again after as many seconds as Retry-After says."),
    Kind("gone", 410, "It is not there any more", "It was deleted, or its time was over."),
    Kind("length-required", 411, "The length is missing", "Send Content-Length: a body in chunks is not read here."),
    Kind("changed", 412, "It is not what the request goes by", "Ask without If-Match for what is here now."),
    Kind("too-large", 413, "The request is too large", "Send smaller or fewer pictures or rows."),
    Kind("unsupported-media-type", 415, "This content type is not read here", "Send one that the operation names."),
    Kind("no-such-part", 416, "The file has no such part", "Ask for a Range within what Content-Range says."),
    Kind("invalid-input", 422, "What was sent cannot be used", "`errors` names each field with what is wrong."),
    Kind("too-many-requests", 429, "A limit is reached", "Wait for as many seconds as Retry-After says."),
    Kind("internal-error", 500, "Something went wrong here", "It is in our log. Trying again may help."),
    Kind("unavailable", 503, "A part of the system does not answer", "Nothing was done. Try again in a moment."),
)
BY_STATUS = {kind.status: kind for kind in KINDS}
BY_KIND = {kind.name: kind for kind in KINDS}


def kind_of(status: int) -> Kind:
    """Return the kind of a status, or of its class for one that has none of its own."""
    return BY_STATUS.get(status) or BY_STATUS[500 if status >= 500 else 400]


class NotYet(EmotuneError):
    """What was asked for is still being made."""

    status = 409

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidQuery(ValidationError):
    """Parameters of the address that cannot be used."""


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return an error as a response."""
    kind = kind_of(status)
    body: dict[str, Any] = {"type": kind.type, "title": kind.title, "status": status, "detail": detail}
    if errors:
        body["errors"] = list(errors)
    return HttpResponse(json.dumps(body), status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))


# What other layers raise, the more special first.
OTHERS: tuple[tuple[type[Exception], int, str], ...] = (
    (Http404, 404, NOTHING_HERE),
    (PermissionDenied, 403, "This may not be done."),
    (RequestDataTooBig, 413, "The body is larger than what is read here. Send less at once."),
    (SuspiciousOperation, 400, "The request cannot be understood. Check how it is put together."),
)


def handle(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Turn what a view raised into a problem; None for what nobody expected, which becomes a 500 and is logged."""
    if isinstance(error, EmotuneError):
        wait = error.retry_after
        return problem(error.status, error.message, headers={} if wait is None else {"Retry-After": str(wait)})
    if isinstance(error, ValidationError):
        key = "parameter" if isinstance(error, InvalidQuery) else "pointer"
        errors = list(islice(_flat(error.detail, key), MOST_ERRORS))
        return problem(422, _sentence(errors), errors=errors)
    if isinstance(error, APIException):
        return problem(error.status_code, _advice(error, context["view"]), headers=_headers(error))
    if words := outage_of(error):
        logger.error("something is away: %s", error)
        return problem(503, words, headers={"Retry-After": str(SOON_S)})
    if refers_to_nothing(error):
        return problem(410, "Something that this is about was deleted while the request was carried out.")
    status, words = next(((status, words) for kind, status, words in OTHERS if isinstance(error, kind)), (0, ""))
    return problem(status, words) if status else None


def refers_to_nothing(error: Exception) -> bool:
    """Return whether a row was to refer to one that was deleted after it was looked up, on either database."""
    if not isinstance(error, IntegrityError):
        return False
    return getattr(error.__cause__, "sqlstate", None) == "23503" or "FOREIGN KEY constraint" in str(error)


def _advice(error: APIException, view: Any) -> str:
    """Return what to do where DRF only says what is wrong."""
    if isinstance(error, NotAuthenticated):
        return "No credentials were sent. Send the header Authorization: Bearer with a token of yours."
    if isinstance(error, MethodNotAllowed):
        return f"This address has {', '.join(view.allowed_methods)}, and no other method."
    if isinstance(error, UnsupportedMediaType):
        return f"What is read here is {' or '.join(parser.media_type for parser in view.parser_classes)}."
    return str(error.detail)


def _headers(error: APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    return headers


def _flat(detail: Any, key: str, path: tuple[str, ...] = ()) -> Iterator[dict[str, str]]:
    """Yield one {detail, pointer} or {detail, parameter} for each message of a nested ValidationError."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flat(inner, key, path if name == "non_field_errors" else (*path, str(name)))
    elif isinstance(detail, list):
        nested = any(isinstance(inner, dict | list) for inner in detail)
        for index, inner in enumerate(detail):
            if nested and not inner:
                continue
            yield from _flat(inner, key, (*path, str(index)) if nested else path)
    else:
        where = ".".join(path) if key == "parameter" else "".join(f"/{_escaped(part)}" for part in path)
        yield {"detail": _short(str(detail))} | ({key: where} if path else {})


def _escaped(name: str) -> str:
    """Return a name as a part of a JSON pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _short(words: str) -> str:
    return words if len(words) <= LONGEST_DETAIL else f"{words[: LONGEST_DETAIL - 1]}…"


def _sentence(errors: Sequence[Mapping[str, str]]) -> str:
    first = errors[0]
    where = first.get("parameter") or first.get("pointer", "").strip("/")
    least = "at least " if len(errors) == MOST_ERRORS else ""
    more = f" There are {least}{len(errors) - 1} more errors." if len(errors) > 2 else ""
    return (f"{where}: {first['detail']}" if where else first["detail"]) + more
