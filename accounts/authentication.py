"""How requests to the API say whose they are: by a token in the header Authorization, or by the login of the pages."""

from typing import Any

from django.http import HttpRequest, QueryDict
from rest_framework import authentication
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.tokens import authenticate

# ListenBrainz's clients say Token, everybody else Bearer.
KEYWORDS = (b"bearer", b"token")


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer emo_...`; request.auth is the ApiToken. Another scheme is left to other classes."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() not in KEYWORDS:
            return None
        token = authenticate(parts[1].decode("ascii", "replace")) if len(parts) == 2 else None
        if token is None:
            raise AuthenticationFailed("This token is unknown, revoked or over. Make another one on the account page.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return 'Bearer realm="emotune"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The login of the pages, with the header X-CSRFToken for what changes something.

    A field of a form does not do in its place. To find it, the whole form would have to be read, with files of half a
    gigabyte, before anybody has asked whether the person may send them.
    """

    def enforce_csrf(self, request: Request) -> None:
        super().enforce_csrf(WithoutForm(request._request))  # type: ignore[arg-type]  # noqa: SLF001 - DRF's way to it


class WithoutForm:
    """A request as it is but for its form, which looks empty and is not read."""

    POST = QueryDict()

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)
