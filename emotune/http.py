"""What views of every app share: typed requests, headers and safe redirects."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from accounts.models import User


class AppRequest(HttpRequest):
    """A request of a person who is logged in, after HtmxMiddleware; for annotations."""

    user: "User"
    htmx: HtmxDetails


class PermissionsPolicyMiddleware:
    """Allow the camera and media playback to our own pages, and nothing else that a browser could grant."""

    VALUE = "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = self.VALUE
        return response
