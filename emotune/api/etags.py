"""ETags for what seldom changes: a program that has it already is told so in a few bytes."""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.http import HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from rest_framework.response import Response

Method = Callable[..., HttpResponse]


def with_etag(method: Method) -> Method:
    """Give a GET's answer an ETag of its content, and answer 304 where the request names it in If-None-Match."""

    @wraps(method)
    def answer(view: Any, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        response = method(view, request, *args, **kwargs)
        patch_cache_control(response, private=True, max_age=0, must_revalidate=True)

        def check(rendered: HttpResponse) -> HttpResponse:
            etag = f'"{sha256(rendered.content).hexdigest()[:32]}"'
            rendered["ETag"] = etag
            return get_conditional_response(request, etag=etag, response=rendered) or rendered

        if not isinstance(response, Response):
            return check(response)
        response.add_post_render_callback(check)
        return response

    answer.has_etag = True  # type: ignore[attr-defined]
    return answer
