"""What the tests of the API share: its routes as the URL conf has them, tokens, and a look at problems."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from accounts.tokens import create_token
from emotune.api.schema import contract_of
from emotune.api.views import ApiView, UnknownAddress, contract

RATES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-RateLimit-Reset-In")
METHODS = ("get", "post", "put", "patch", "delete")
# What the contract leaves out: a method that it does not have either, and a mistake of ours.
UNDESCRIBED = {405, 500}


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    caches["default"].clear()
    yield
    caches["default"].clear()


@pytest.fixture
def ask(client: Client, user: User) -> Callable[..., Any]:
    """Ask for an address below /api/v1/ with a token of the test's `user`."""
    headers = bearing(token_of(user, "read", "listen"))

    def ask(method: str, address: str, body: Any = None) -> Any:
        more = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/{address}", headers=headers, **more)

    return ask


def token_of(user: User, *scopes: str) -> str:
    secret: str = create_token(user=user, name="a program", scopes=scopes)[1]
    return secret


def bearing(secret: str, keyword: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{keyword} {secret}"}


def check_problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    check_described(response)
    assert response["Content-Type"] == "application/problem+json"
    assert all(name in response for name in RATES)
    found: dict[str, Any] = json.loads(response.content)
    assert found["status"] == status
    assert found["type"].startswith("/api/v1/problems/")
    assert found["title"]
    assert found["detail"]
    return found


def check_described(response: Any) -> None:
    """Fail where the contract has an operation and does not say that it can answer with this status."""
    view = getattr(response.resolver_match.func, "cls", None)
    method = response.request["REQUEST_METHOD"]
    found = contract_of(view, "get" if method == "HEAD" else method)
    status = response.status_code
    assert not found or status in described_statuses()[found.name] | UNDESCRIBED, f"{found.name} answers {status}"


@cache
def described_statuses() -> dict[str, set[int]]:
    """Return the statuses of each operation in the contract."""
    operations = [found for methods in json.loads(contract())["paths"].values() for found in methods.values()]
    return {found["operationId"]: set(map(int, found["responses"])) for found in operations}


@dataclass(frozen=True)
class Route:
    """An address of the API: its name, its view, the parts of it that vary, and the methods that it has."""

    name: str
    view: type[ApiView]
    parts: tuple[str, ...]

    @property
    def methods(self) -> list[str]:
        return [method for method in METHODS if hasattr(self.view, method)]


def routes() -> list[Route]:
    """Return every address below /api/ that is an operation."""
    found = []
    for pattern in _patterns(get_resolver().url_patterns):
        view = getattr(pattern.callback, "cls", None)
        if view is not None and view is not UnknownAddress:
            found.append(
                Route(str(pattern.name), view, tuple(pattern.pattern.converters or pattern.pattern.regex.groupindex))
            )
    return found


def _patterns(patterns: list[Any]) -> Iterator[URLPattern]:
    for item in patterns:
        if isinstance(item, URLResolver):
            yield from _patterns(item.url_patterns)
        else:
            yield item
