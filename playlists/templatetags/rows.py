"""Lists within Django's templates that Jinja writes (playlists/rows.py)."""

from typing import Any

from django import template
from django.template.context import RequestContext
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag(takes_context=True)
def rows(context: RequestContext, name: str, **more: object) -> SafeString:
    """Write a list with a template of Jinja's; it sees what the template around it sees, and `more`."""
    seen: dict[Any, Any] = context.flatten()
    made = get_template(name, using="jinja2").render(seen | more, context.request)
    return mark_safe(made)  # noqa: S308 - Jinja has escaped what people wrote
