"""Jinja for what stands many times on a page: a list of 25 tracks has 700 places to fill, which Django's templates need
six times as long for as Jinja's, which are compiled to Python.
"""

from functools import cache
from typing import Any

from django.template.defaultfilters import date
from django.urls import get_script_prefix, reverse
from jinja2 import Environment

from detection.templatetags.emotions import adjective, glyph


def environment(**options: Any) -> Environment:
    """Return the environment that settings.TEMPLATES asks for: `url` and the filters of Django's templates."""
    made = Environment(**options, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - Django's backend sets autoescape
    made.globals["url"] = url
    made.filters.update(adjective=adjective, glyph=glyph, date=date)
    return made


def url(name: str, *arguments: Any) -> str:
    """Return a route's address. With one number, as rows have it, the address is reversed once and then filled in."""
    if len(arguments) == 1 and type(arguments[0]) is int:
        before, after = _around_number(name, get_script_prefix())
        return f"{before}{arguments[0]}{after}"
    return reverse(name, args=arguments)


@cache
def _around_number(name: str, prefix: str) -> tuple[str, str]:  # noqa: ARG001 - reverse() begins with the prefix
    before, _, after = reverse(name, args=[0]).rpartition("0")
    return before, after
