"""Pages that are the same for everybody who is not logged in: made once by each process, then answered from memory.

A view says so of itself with `same_for_strangers`; such a page holds no form, no CSRF token and no nonce. A stranger is
whoever sends neither a session nor a message; what they are answered is kept under scheme, host and path, all headers
included, and only where the full way through the middleware led to it. So a host that is not allowed or a redirect to
https is never answered from here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django.utils.cache import get_conditional_response, patch_cache_control, set_response_etag

from emotune.http import GetResponse

P = ParamSpec("P")
Key = tuple[str, str, str]

# What is kept is made anew after this many seconds; caches in front of us may keep it as long.
KEPT_S = 60
# More would be somebody who makes up hosts below a wildcard in ALLOWED_HOSTS.
MOST = 200
_MARK = "same_for_strangers"


def same_for_strangers(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a page's answer to strangers be kept, here and by caches in front of us; nobody keeps what others get."""

    @wraps(view)
    def marked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if not is_stranger(request):
            patch_cache_control(response, private=True, no_cache=True)
        elif response.status_code == 200:
            # a browser asks each time, for it may have logged in since; a shared cache tells visitors by their cookies
            patch_cache_control(response, public=True, max_age=0, s_maxage=KEPT_S)
            setattr(response, _MARK, True)
        return response

    return marked


def is_stranger(request: HttpRequest) -> bool:
    cookies = request.COOKIES
    return settings.SESSION_COOKIE_NAME not in cookies and CookieStorage.cookie_name not in cookies


@dataclass(frozen=True)
class Kept:
    """A finished answer."""

    body: bytes
    headers: dict[str, str]
    match: ResolverMatch | None
    until: float

    def answer(self, request: HttpRequest) -> HttpResponse:
        request.resolver_match = self.match  # figures are counted by the name of the view
        response = HttpResponse(self.body, headers=self.headers)
        if "HTTP_IF_NONE_MATCH" not in request.META:
            return response
        same: Any = get_conditional_response(request, etag=self.headers["ETag"], response=response)
        return same  # type: ignore[no-any-return]


class StrangersMiddleware:
    """Answer strangers from memory where a page allows it. Stands before everything that adds a header of the page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.kept: dict[Key, Kept] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = _key(request)
        if key is None:
            return self.get_response(request)
        now = time.monotonic()
        if (kept := self.kept.get(key)) and kept.until > now:
            return kept.answer(request)
        response = self.get_response(request)
        if getattr(response, _MARK, False) and not response.cookies and not response.streaming:
            set_response_etag(response)
            if len(self.kept) >= MOST:
                self.kept.clear()
            match, headers = request.resolver_match, dict(response.items())
            self.kept[key] = Kept(response.content, headers, match, now + KEPT_S)
        return response


def _key(request: HttpRequest) -> Key | None:
    """Return under what the answer may be kept, or None where the request says more than scheme, host and path."""
    meta = request.META
    is_plain = request.method == "GET" and not meta.get("QUERY_STRING") and meta.get("CONTENT_LENGTH", "") in ("", "0")
    if not is_plain or "HTTP_HX_REQUEST" in meta or settings.DEBUG:
        return None
    if "HTTP_COOKIE" in meta and not is_stranger(request):
        return None
    return request.scheme or "", meta.get("HTTP_HOST", ""), request.path
