"""Reading bodies of requests, so that nothing in them can be a surprise further in."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

# No operation's body has more than a handful of lists and objects in one another, nor has a scrobbler's. One with about
# as many as Python reads would break further in, where more is on the stack.
MAX_DEPTH = 40
TOO_DEEP = f"This JSON is nested too deeply: {MAX_DEPTH} lists and objects in one another are the most."


class StrictJsonParser(BaseParser):
    """JSON as RFC 8259 has it, in UTF-8: no NaN, no half of a surrogate pair, no name twice, nothing too deep."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(raw) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig
        try:
            text = raw.decode()
            data = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
            if _is_deeper(data, MAX_DEPTH):
                raise ParseError(TOO_DEEP)
            if "\\u" in text:
                json.dumps(data, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError(TOO_DEEP) from None
        except (UnicodeError, ValueError) as error:
            raise ParseError(f"This is not JSON: {error}".encode("ascii", "replace").decode()) from error
        return data


def _is_deeper(data: Any, most: int) -> bool:
    """Return whether lists and objects lie in one another more than so many times."""
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(most):
        if not level:
            return False
        inside = (value for outer in level for value in (outer.values() if isinstance(outer, dict) else outer))
        level = [value for value in inside if isinstance(value, dict | list)]
    return bool(level)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


class OneRenderer(BaseContentNegotiation):
    """Answer in the one format that a view has, whatever the request would accept: RFC 9110 (12.4.1) allows that."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Any,
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type
