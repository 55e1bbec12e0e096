"""How templates write emotions and captures: names, adjectives, glyphs, percentages, how long pictures were held."""

from django import template

from detection.models import Capture
from emotune.emotions import BY_NAME, EMOTIONS

register = template.Library()


@register.simple_tag
def all_emotions() -> tuple[str, ...]:
    """Return the names of the seven, in their order."""
    return EMOTIONS


@register.filter
def adjective(emotion: str) -> str:
    """Return the word that completes "You look ..."."""
    return BY_NAME[emotion].adjective if emotion in BY_NAME else emotion


@register.filter
def glyph(emotion: str) -> str:
    """Return the sign that stands beside the emotion's colour."""
    return BY_NAME[emotion].glyph if emotion in BY_NAME else ""


@register.filter
def percent(probability: float | None) -> str:
    """Return a probability in whole per cent; never "100", which no reading of a face deserves."""
    if probability is None:
        return ""
    return str(min(99, round(100 * probability)))


@register.filter
def held(capture: Capture) -> str:
    """Return how long the pictures of a capture that has ended were held, as in "0.3 s"; they go when it ends."""
    if capture.finished_at is None:
        return ""
    seconds = max(0.1, (capture.finished_at - capture.created_at).total_seconds())
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
