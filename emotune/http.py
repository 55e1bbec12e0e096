"""What views of every app share: typed requests, headers, safe redirects, and errors put into words once."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from csp.constants import HEADER
from csp.utils import build_policy
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget
from django_htmx.middleware import HtmxDetails

from emotune.errors import EmotuneError

if TYPE_CHECKING:
    from accounts.models import User

GetResponse = Callable[[HttpRequest], HttpResponse]


class AppRequest(HttpRequest):
    """A request of a person who is logged in, after HtmxMiddleware; for annotations."""

    user: "User"
    htmx: HtmxDetails


SESSION_ENDED = "You are no longer logged in, so that was not done. Log in and do it again: your page comes back."


def redirect_back(request: HttpRequest, default: str) -> HttpResponse:
    """Send a form that works without JavaScript back to the page of ours that its field `next` names."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = resolve_url(default)
    return redirect(target)


def way_back(request: HttpRequest) -> str:
    """Return the address of the page of ours that led here, or else of the first page; for one that only says no."""
    page = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    leads_here = request.method != "POST" and page == request.build_absolute_uri()
    return page if is_ours and not leads_here else resolve_url("home")


def _page_before(request: HttpRequest) -> str:
    """Return the address of the page on which something was pressed: a form's own has often nothing to show."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    if htmx:
        return htmx.current_url_abs_path or "/"
    page = urlsplit(request.headers.get("Referer", ""))
    if page.netloc != request.get_host() or page.path == request.path:
        return "/"
    return page.path + (f"?{page.query}" if page.query else "")


def _asks_to_log_in(request: HttpRequest, target: str) -> bool:
    """Whether a redirect is that of login_required, which wants to come back to where the request went."""
    page = urlsplit(target)
    return page.path == resolve_url("account_login") and QueryDict(page.query).get("next") == request.get_full_path()


def _elsewhere(response: HttpResponse, target: str) -> HttpResponse:
    response["Location"] = target
    return response


class ContentSecurityPolicyMiddleware:
    """Send one policy with everything: no page needs a nonce or an exception, so it is built once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.value = build_policy()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response[HEADER] = self.value
        return response


class PermissionsPolicyMiddleware:
    """Allow the camera and media playback to our own pages, and nothing else that a browser could grant."""

    VALUE = "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()"

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = self.VALUE
        return response


class FragmentMiddleware:
    """Send people to pages: keep whole pages out of fragments, lead from a form back to its page after the login, and
    show an EmotuneError's sentence as a page or a fragment of one.

    htmx would follow a redirect, such as the one to the login page, and put that page where a fragment belongs: the
    browser is told to go there instead, and to come back to the page that it shows now.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
        if response.status_code == 405 and not response.content and request.method in ("GET", "HEAD"):
            allowed = response["Allow"]
            response = render(request, "405.html", status=405)
            response["Allow"] = allowed
        if response.status_code not in (301, 302, 303):
            return response
        target = response["Location"]
        if _asks_to_log_in(request, target) and (htmx or request.method == "POST"):
            messages.warning(request, SESSION_ENDED)
            target = f"{resolve_url('account_login')}?{urlencode({'next': _page_before(request)}, safe='/')}"
        return HttpResponseClientRedirect(target) if htmx else _elsewhere(response, target)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, EmotuneError):
            return None
        context = {"message": exception.message}
        if request.htmx:  # type: ignore[attr-defined]
            response = render(request, "_error.html", context, status=exception.status)
            retarget(reswap(response, "innerHTML"), "#notices")
        else:
            context["back"] = way_back(request)
            response = render(request, "error.html", context, status=exception.status)
        if exception.retry_after is not None:
            response["Retry-After"] = str(exception.retry_after)
        return response
