"""How templates write measured figures."""

from django import template

register = template.Library()


@register.filter
def share(value: float | str | None) -> str:
    """Return a share of 0 to 1 in per cent, as in "66.0 %"; nothing where there is none."""
    return "" if value is None or isinstance(value, str) else f"{100 * value:.1f} %"


@register.filter
def thousands(value: int | str | None) -> str:
    """Return a whole number in groups of three digits, as in "27,274"; nothing where there is none."""
    return "" if value is None or isinstance(value, str) else f"{value:,}"
