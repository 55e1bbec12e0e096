"""How templates write emotions: their names, adjectives and glyphs, and a probability as a percentage."""

from django import template

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
