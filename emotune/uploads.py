"""Keep request bodies within bounds before anything parses them; what is too large is never held."""

import contextlib
import math
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from emotune.http import way_back

DRAIN_BYTES = 128 * 1024 * 1024
DRAIN_SECONDS = 20
IN_CHUNKS = "Send Content-Length: a body in chunks is not read here."


class BodyLimitMiddleware:
    """Answer 413 to a body larger than UPLOAD_MAX_BODY, or what LARGER_BODIES grants its address, with a page.

    The body is read and thrown away first, within bounds: a browser that is cut off while sending shows an error of its
    own instead of the answer. A body in chunks is answered 411, as RFC 9110 allows: nobody knows how large it is, and
    Django takes it for an empty one, which may mean something else.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _is_in_chunks(request):
            return render(request, "error.html", {"message": IN_CHUNKS, "back": way_back(request)}, status=411)
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        limit = settings.LARGER_BODIES.get(request.path_info, settings.UPLOAD_MAX_BODY)
        if length <= limit:
            response = self.get_response(request)
            if length > 0:
                drain(request)  # a form that is refused early is answered too
            return response
        drain(request)
        megabytes, most = length / 1024**2, limit // 1024**2
        if request.path_info in settings.LARGER_BODIES:
            sent = math.ceil(megabytes)  # of 100.3 MB nobody is told that they are 100, and that 100 are read
            words = f"This file has {sent} MB; up to {most} MB are read. Pack it with gzip or zip first."
            response = render(request, "error.html", {"message": words, "back": way_back(request)}, status=413)
        else:
            response = render(request, "413.html", {"megabytes": megabytes, "limit": most}, status=413)
        response["Connection"] = "close"
        return response


def _is_in_chunks(request: HttpRequest) -> bool:
    """Return whether something is sent without its length; what only looks has no use for a body."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return False
    return "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH")


def drain(request: HttpRequest) -> None:
    """Read in small pieces what nobody has read of the body, and forget it, up to DRAIN_BYTES and DRAIN_SECONDS."""
    stop, left = time.monotonic() + DRAIN_SECONDS, DRAIN_BYTES
    with contextlib.suppress(OSError):  # whoever sends it has gone
        while left > 0 and time.monotonic() < stop and (piece := request.read(64 * 1024)):
            left -= len(piece)
