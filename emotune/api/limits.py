"""How many requests a token and an address may make in a minute, and what an answer says of it."""

import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from emotune.limits import Budget, spend


def spend_for_address(request: HttpRequest) -> Budget:
    return spend(f"address:{address_of(request)}", settings.API_ADDRESS_LIMIT)


def address_of(request: HttpRequest) -> str:
    """Return the address that a limit counts: an IPv6 one by its network, of which one person has all addresses."""
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    passed_on = [part for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    text = passed_on[-proxies] if 0 < proxies <= len(passed_on) else request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def spend_for_caller(request: Request) -> None:
    """Take one request from the budget of the token, or of the person who is logged in. Raises Throttled."""
    if not request.user.is_authenticated:
        return
    who = f"token:{request.auth.pk}" if request.auth else f"person:{request.user.pk}"
    budget = spend(who, settings.API_TOKEN_LIMIT)
    budgets_of(request._request).append(budget)  # noqa: SLF001 - DRF documents it as the way to Django's request
    if budget.is_overdrawn:
        raise Throttled(budget.wait, f"That was {budget.limit} requests within a minute. Wait {budget.wait} seconds.")


def budgets_of(request: HttpRequest) -> list[Budget]:
    """Return the budgets that a request was taken from so far; a list to be added to."""
    holder: Any = request
    if not hasattr(holder, "api_budgets"):
        holder.api_budgets = []
    budgets: list[Budget] = holder.api_budgets
    return budgets


def describe(response: HttpResponse, budgets: list[Budget]) -> None:
    """Say in headers how much is left of the budget that has least."""
    budget = min(budgets, key=lambda budget: budget.remaining)
    response["X-RateLimit-Limit"] = str(budget.limit)
    response["X-RateLimit-Remaining"] = str(max(0, budget.remaining))
    response["X-RateLimit-Reset"] = str(budget.reset)
    response["X-RateLimit-Reset-In"] = str(budget.wait)
