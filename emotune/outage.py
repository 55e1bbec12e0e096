"""A database that is away and a disk that is full, told in words wherever they show."""

import errno
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views.defaults import server_error

from emotune.errors import SOON_S

NO_DATABASE = "The database does not answer just now. Please try again in a moment."
NO_ROOM = "There is no room to keep this file just now. Please try again later."


def outage_of(error: BaseException | None) -> str:
    """Return the sentence for people on what is away, or "" for an error that says nothing of the kind."""
    if isinstance(error, OperationalError | InterfaceError):
        return NO_DATABASE
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return NO_ROOM
    return ""


def went_wrong(request: HttpRequest) -> HttpResponse:
    """Answer what no view expected: 503 and when to come back while a part is away, else 500.

    Django calls this wherever it was raised: in a view, or in a middleware that reads a session. The page itself asks
    for nothing that may be away.
    """
    message = outage_of(sys.exc_info()[1])
    if not message:
        return server_error(request)
    page = loader.get_template("503.html").render({"message": message})
    return HttpResponse(page, status=503, headers={"Retry-After": str(SOON_S)})
