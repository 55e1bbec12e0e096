"""A line of counts as a small drawing: the shape of a day beside a number.

The colour is that of the surroundings, so that a page may be light or dark; no style is written into the picture, which
a strict content security policy would refuse.
"""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, EDGE = 240, 44, 3


def sparkline(values: Sequence[float], title: str) -> str:
    """Return an SVG element with a bar for each value, the tallest as high as the picture; `title` is read aloud.

    A value over zero can always be seen, however small it is beside the others. Raises ValueError for no value, and for
    one below zero.
    """
    if not values or min(values) < 0:
        raise ValueError("a sparkline needs counts, and at least one")
    tallest = max(*values, 1)
    step = (WIDTH - 2 * EDGE) / len(values)
    floor = HEIGHT - EDGE
    bars = []
    for place, value in enumerate(values):
        if value:
            tall = max(2.0, value / tallest * (HEIGHT - 2 * EDGE))
            x = EDGE + step * place
            bars.append(f"M{x:.1f} {floor}v{-tall:.1f}h{max(1.0, step - 2):.1f}v{tall:.1f}z")
    return (
        f'<svg class="sparkline" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="xMinYMid">'
        f"<title>{escape(title)}</title>"
        f'<path d="M{EDGE} {floor + 0.5}H{WIDTH - EDGE}" stroke="currentColor" stroke-opacity="0.5" fill="none"/>'
        f'<path d="{"".join(bars)}" fill="currentColor"/></svg>'
    )
