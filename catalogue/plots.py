"""Draw a clustering as SVG: two projections of valence-arousal-dominance space, and the silhouette of each cluster."""

import numpy as np

from catalogue.measures import Floats, Indices
from emotune.emotions import ANCHORS, EMOTION_LIST

# More points than this cannot be told apart in a picture.
DRAWN = 4000
SIDE, MARGIN = 360, 46
HIGHEST = 9
FONT = 'font-family="sans-serif" font-size="12"'


def draw_space(vad: Floats, labels: Indices, centroids: Floats, title: str) -> str:
    """Return SVG of `vad` (n, 3) in the colours of their emotions: valence to arousal, and valence to dominance.

    Each emotion's centroid is a filled circle, its anchor a hollow one, with the drift as a line between them.
    """
    few = np.linspace(0, len(vad) - 1, min(DRAWN, len(vad))).astype(int)
    parts = [_projection(vad[few], labels[few], centroids, axis, axis - 1) for axis in (1, 2)]
    names = "".join(
        f'<text x="{MARGIN + 108 * index}" y="{SIDE + 2 * MARGIN}" fill="{emotion.colour}">● {emotion.name}</text>'
        for index, emotion in enumerate(EMOTION_LIST)
    )
    return _svg(2 * (SIDE + MARGIN) + MARGIN, SIDE + 2 * MARGIN + 16, title, "".join(parts) + names)


def draw_silhouettes(values: Floats, labels: Indices, title: str) -> str:
    """Return SVG of the silhouettes (n,), -1 to 1, of points with `labels` (n,): sorted, cluster by cluster."""
    rows, zero, scale = [], 220, 140
    top = float(MARGIN)
    for index, emotion in enumerate(EMOTION_LIST):
        own = np.sort(values[labels == index])[::-1]
        if not len(own):
            continue
        height = max(4.0, 400 * len(own) / len(values))
        shown = own[np.linspace(0, len(own) - 1, min(200, len(own))).astype(int)]
        edge = " ".join(
            f"{zero + scale * value:.1f},{top + height * place / len(shown):.1f}" for place, value in enumerate(shown)
        )
        rows.append(
            f'<polygon points="{zero},{top:.1f} {edge} {zero},{top + height:.1f}" fill="{emotion.colour}"/>'
            f'<text x="8" y="{top + height / 2 + 4:.1f}">{emotion.name} {own.mean():.2f}</text>'
        )
        top += max(height, 14) + 6
    mean = zero + scale * values.mean()
    lines = _line(zero, MARGIN, zero, top, "#333") + _line(mean, MARGIN, mean, top, "#c00")
    ends = f'<text x="{zero - scale}" y="{top + 16:.0f}">-1</text><text x="{zero + scale}" y="{top + 16:.0f}">1</text>'
    return _svg(zero + scale + MARGIN, int(top) + 30, title, "".join(rows) + lines + ends)


def _projection(vad: Floats, labels: Indices, centroids: Floats, axis: int, panel: int) -> str:
    left = MARGIN + panel * (SIDE + MARGIN)

    def place(point: Floats) -> tuple[float, float]:
        return left + SIDE * point[0] / HIGHEST, MARGIN + SIDE * (1 - point[axis] / HIGHEST)

    dots, marks = [], []
    for index, emotion in enumerate(EMOTION_LIST):
        own = [place(point) for point in vad[labels == index]]
        path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in own)
        dots.append(f'<path d="{path}" stroke="{emotion.colour}" stroke-width="2" stroke-linecap="round"/>')
        (x, y), (at, over) = place(centroids[index]), place(np.array(ANCHORS[index]))
        marks.append(_line(x, y, at, over, "#000"))
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{emotion.colour}" stroke="#000"/>')
        marks.append(f'<circle cx="{at:.1f}" cy="{over:.1f}" r="6" fill="#fff" stroke="{emotion.colour}"/>')
    frame = f'<rect x="{left}" y="{MARGIN}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>'
    word = ("valence", "arousal", "dominance")[axis]
    texts = (
        f'<text x="{left}" y="{SIDE + MARGIN + 18}">valence 0 to {HIGHEST}</text>'
        f'<text x="{left}" y="{MARGIN - 6}">{word} 0 to {HIGHEST}</text>'
    )
    return frame + "".join(dots) + "".join(marks) + texts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _svg(width: int, height: int, title: str, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' {FONT}><title>{title}</title><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="8" y="18" font-weight="bold">{title}</text>{content}</svg>\n'
    )
