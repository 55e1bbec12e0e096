"""A line chart with error bars as SVG."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 60, 150, 30, 50
# Okabe and Ito's palette, which colour-blind people can tell apart.
COLOURS = ("#999999", "#e69f00", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9")

Points = Sequence[tuple[float, float, float]]


def learning_curve(series: Mapping[str, Points]) -> str:
    """Return an SVG document that shows NDCG@10 by the number of ratings.

    `series` has by name the points (ratings, mean, standard error). Raises ValueError when there is no point.
    """
    points = [point for line in series.values() for point in line]
    if not points:
        raise ValueError("there is no point to draw")
    x_max = max(1.0, *(point[0] for point in points))
    y_max = max(0.1, *(mean + error for _, mean, error in points))

    def x(value: float) -> float:
        return LEFT + value / x_max * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / y_max * (HEIGHT - TOP - BOTTOM)

    parts = [_text(LEFT, 18, "NDCG@10 of simulated listeners (bars: one standard error)")]
    ticks = sorted({point[0] for point in points})
    parts += [_text(x(tick), HEIGHT - BOTTOM + 18, f"{tick:g}", anchor="middle") for tick in ticks]
    for step in range(5):
        value = y_max * step / 4
        parts.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y(value) + 4, f"{value:.2f}", anchor="end"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "ratings given", anchor="middle"))
    for n, (name, line) in enumerate(series.items()):
        colour = COLOURS[n % len(COLOURS)]
        corners = " ".join(f"{x(at):.1f},{y(mean):.1f}" for at, mean, _ in line)
        parts.append(f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<path d="M{x(at):.1f} {y(mean - error):.1f}V{y(mean + error):.1f}" stroke="{colour}"/>'
            for at, mean, error in line
        ]
        place = TOP + 20 * n
        parts.append(f'<rect x="{WIDTH - RIGHT + 14}" y="{place}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(WIDTH - RIGHT + 32, place + 11, name.replace("_", " ")))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
