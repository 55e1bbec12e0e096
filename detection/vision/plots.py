"""Draw an evaluation's figures as SVG, for files and for pages.

Text and axes have the colour of their surroundings, so that a page may be light or dark; no styles are written into the
picture, which a strict content security policy would refuse.
"""

from collections.abc import Mapping, Sequence
from html import escape

from emotune.emotions import BY_NAME, EMOTIONS

# Okabe and Ito's colours, which stay apart for colour-blind people, for series that are no emotions.
SERIES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f", "#b8a000")
LEFT, TOP, BOTTOM = 60, 34, 56
# Weeks whose readings make one point of a trend.
POOLED = 4
# The width and height of a panel.
PANEL = 128, 84
Point = tuple[float, float]
# (part, whole) by time.
Counts = Sequence[tuple[int, int]]


def grouped_bars(title: str, groups: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """Draw bars of shares (0 to 1): for each group one bar of every series, with a legend."""
    width, height = max(520, LEFT + 20 + len(groups) * (len(series) * 14 + 20)), 300
    floor = height - BOTTOM
    step = (width - LEFT - 10) / len(groups)
    parts = _share_axis(width, floor)
    bar = (step - 12) / len(series)
    for g, group in enumerate(groups):
        middle = LEFT + step * (g + 0.5)
        parts.append(_text(middle, floor + 16, group, anchor="middle"))
        for s, (name, values) in enumerate(series.items()):
            tall = values[g] * (floor - TOP)
            x = LEFT + step * g + 6 + bar * s
            hint = f"{group}, {name}: {values[g]:.3f}"
            parts.append(_bar(x, floor - tall, bar - 1, tall, SERIES[s % len(SERIES)], hint))
    return _svg(title, width, height + 18 * (len(series) // 4), [*parts, *_legend(list(series), height - 22)])


def emotion_bars(title: str, values: Mapping[str, float]) -> str:
    """Draw one bar of a share (0 to 1) for each emotion, in its colour, with its value."""
    width, height = 560, 250
    floor = height - 40
    step = (width - LEFT - 10) / len(values)
    parts = _share_axis(width, floor)
    for i, (name, value) in enumerate(values.items()):
        tall = value * (floor - TOP)
        x = LEFT + step * (i + 0.2)
        parts.append(_bar(x, floor - tall, step * 0.6, tall, BY_NAME[name].colour, f"{name}: {value:.2f}"))
        parts.append(_text(x + step * 0.3, floor - tall - 5, f"{value:.2f}", anchor="middle"))
        parts.append(_text(x + step * 0.3, floor + 16, name, anchor="middle"))
    return _svg(title, width, height, parts)


def confusion_matrix(title: str, counts: Sequence[Sequence[int]]) -> str:
    """Draw (7, 7) counts, rows the truth and columns what was read; a cell's shade is its share of the row."""
    side, left, top = 54, 84, 70
    width, height = left + 7 * side + 10, top + 7 * side + 10
    parts = [_text(left + 3.5 * side, 46, "read as", anchor="middle"), _text(8, top - 8, "shown")]
    for i, name in enumerate(EMOTIONS):
        parts.append(_text(left - 8, top + side * (i + 0.5) + 4, name, anchor="end"))
        parts.append(_text(left + side * (i + 0.5), top - 8, name, anchor="middle"))
    for i, row in enumerate(counts):
        total = max(1, sum(row))
        for j, count in enumerate(row):
            x, y = left + side * j, top + side * i
            parts.append(
                f'<rect x="{x}" y="{y}" width="{side - 2}" height="{side - 2}" fill="#0072b2"'
                f' fill-opacity="{0.06 + 0.74 * count / total:.3f}">'
                f"<title>{EMOTIONS[i]} read as {EMOTIONS[j]}: {count} of {sum(row)}</title></rect>"
            )
            parts.append(_text(x + side / 2 - 1, y + side / 2 + 4, str(count), anchor="middle"))
    return _svg(title, width, height, parts)


def reliability_diagram(title: str, bins: Sequence[Sequence[float]]) -> str:
    """Draw the share right over the confidence for [share of readings, confidence, share right]; level is the ideal."""
    dots = [(confidence, right) for _, confidence, right in bins]
    sizes = [3 + 12 * share**0.5 for share, *_ in bins]
    return _square_plot(title, "confidence", "share right", dots, diagonal=True, sizes=sizes)


def risk_coverage_curve(title: str, points: Sequence[Sequence[float]]) -> str:
    """Draw the error over the share answered, the most confident first."""
    return _square_plot(title, "share answered", "error", [(x, y) for x, y in points])


def shares_over_time(title: str, labels: Sequence[str], series: Mapping[str, Counts]) -> str:
    """Draw (parts, wholes) over time: for each series a panel of its own, with a dot for each part of a whole.

    A dot's area is its whole, so that few readings weigh little to the eye; the line is the share of the last POOLED
    wholes together. Where nothing is there is no dot. What belongs to an emotion is named by `data-emotion` and has its
    colour on a light page, so that a page's style sheet may give it another one in the dark.
    """
    across, (wide, tall) = 4, PANEL
    most = max((whole for values in series.values() for _, whole in values), default=1) or 1
    parts = []
    for number, (name, values) in enumerate(series.items()):
        column, row = number % across, number // across
        left, top = 40 + column * (wide + 14), 50 + row * (tall + 52)
        parts += _panel_frame(left, top, name, values, labels, first=column == 0)
        parts += _panel_values(left, top, name, values, labels, most)
    rows = -(-len(series) // across)
    return _svg(title, 40 + across * (wide + 14), 50 + rows * (tall + 52) - 26, parts)


def _panel_frame(
    left: float, top: float, name: str, values: Counts, labels: Sequence[str], *, first: bool
) -> list[str]:
    """Draw a panel's lines of 0, 50 and 100 %, named where it is the first of a row, and the words around it."""
    wide, tall = PANEL
    parts = []
    for half in range(3):
        y = top + tall * (1 - half / 2)
        line = f'x1="{left}" y1="{y}" x2="{left + wide}" y2="{y}" stroke="currentColor" stroke-opacity="0.25"'
        parts.append(f"<line {line}/>")
        if first:
            parts.append(_text(left - 5, y + 4, f"{half * 50} %", anchor="end"))
    in_all = sum(part for part, _ in values), sum(whole for _, whole in values)
    parts.append(_text(left, top - 8, name))
    parts.append(_text(left + wide, top - 8, _percent(*in_all) if in_all[1] else "none yet", anchor="end"))
    parts.append(_text(left, top + tall + 14, labels[0]))
    parts.append(_text(left + wide, top + tall + 14, labels[-1], anchor="end"))
    return parts


def _panel_values(  # noqa: PLR0917
    left: float, top: float, name: str, values: Counts, labels: Sequence[str], most: int
) -> list[str]:
    """Draw a panel's dots and their trend; `most` is the whole that has the largest dot."""
    wide, tall = PANEL
    step = wide / max(1, len(labels) - 1)
    trend = [pooled for i in range(len(values)) if (pooled := _pooled(values[: i + 1], left + step * i))]
    colour = BY_NAME[name].colour if name in BY_NAME else "currentColor"
    parts = [f'<g data-emotion="{escape(name)}" color="{colour}">']
    parts.append(_line([(x, top + tall * (1 - share)) for x, share in trend], "currentColor"))
    for i, (part, whole) in enumerate(values):
        if whole:
            hint = f"{name}, {labels[i]}: {_percent(part, whole)} of {whole}"
            at = left + step * i, top + tall * (1 - part / whole)
            parts.append(_dot(*at, 1 + 3 * (whole / most) ** 0.5, "currentColor", hint, 0.55))
    return [*parts, "</g>"]


def _pooled(values: Counts, x: float) -> Point | None:
    part, whole = (sum(column) for column in zip(*values[-POOLED:], strict=True))
    return (x, part / whole) if whole else None


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


def _square_plot(
    title: str, across: str, up: str, points: list[Point], *, diagonal: bool = False, sizes: list[float] | None = None
) -> str:
    width, height = 380, 380
    floor, right = height - BOTTOM, width - 16
    parts = _share_axis(width - 6, floor)
    places = [(LEFT + x * (right - LEFT), floor - y * (floor - TOP)) for x, y in points]
    if diagonal:
        parts.append(
            f'<line x1="{LEFT}" y1="{floor}" x2="{right}" y2="{TOP}" stroke="currentColor" stroke-opacity="0.5"'
            ' stroke-dasharray="4 4"/>'
        )
    parts += [_text(LEFT + x / 4 * (right - LEFT), floor + 16, f"{x * 25} %", anchor="middle") for x in range(5)]
    parts += [_text((LEFT + right) / 2, floor + 36, across, anchor="middle"), _text(8, TOP - 8, up)]
    parts.append(_line(places, SERIES[0]))
    for (x, y), (left, value), size in zip(places, points, sizes or [3.0] * len(points), strict=True):
        parts.append(_dot(x, y, size, SERIES[0], f"{across} {left:.2f}: {value:.3f}"))
    return _svg(title, width, height, parts)


def _share_axis(width: float, floor: float) -> list[str]:
    lines = []
    for quarter in range(5):
        y = floor - quarter / 4 * (floor - TOP)
        lines.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{width - 10:.1f}" y2="{y:.1f}" stroke="currentColor"'
            ' stroke-opacity="0.25"/>'
        )
        lines.append(_text(LEFT - 6, y + 4, f"{quarter * 25} %", anchor="end"))
    return lines


def _legend(names: list[str], y: float) -> list[str]:
    parts = []
    for i, name in enumerate(names):
        x, row = LEFT + (i % 4) * 135, y + 18 * (i // 4)
        parts.append(_bar(x, row - 9, 10, 10, SERIES[i % len(SERIES)], name))
        parts.append(_text(x + 15, row, name))
    return parts


def _bar(x: float, y: float, width: float, height: float, colour: str, hint: str) -> str:  # noqa: PLR0917
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(0, height):.1f}"'
    return f'<rect {size} fill="{colour}"><title>{escape(hint)}</title></rect>'


def _dot(x: float, y: float, radius: float, colour: str, hint: str, opacity: float = 1) -> str:  # noqa: PLR0917
    how = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity="{opacity}"'
    return f"<circle {how}><title>{escape(hint)}</title></circle>"


def _line(points: Sequence[Point], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(words)}</text>'


def _svg(title: str, width: float, height: float, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img"'
        f' aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="11">'
    )
    heading = f'<text x="8" y="16" font-size="13" font-weight="600" fill="currentColor">{escape(title)}</text>'
    return "\n".join([head, heading, *parts, "</svg>"]) + "\n"
