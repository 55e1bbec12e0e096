"""The plane of valence and arousal as a drawing: the catalogue's density, the seven emotions, and a journey's path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotune.emotions import EMOTIONS

Floats = npt.NDArray[np.float64]

# The drawing's side in its own units, and how many cells of the catalogue it shows along a side.
SIDE = 400
CELLS = 20
# A window is never narrower than this, and leaves so much room around the path; valence and arousal reach 9.
NARROWEST, ROOM, LARGEST = 4.0, 0.8, 9.0
# Names of two emotions nearer than this, in units of the drawing, stand above one another.
NEAR = 30


@dataclass(frozen=True)
class Dot:
    """A cell of the catalogue: where, how large, and the emotion of most of its tracks."""

    x: float
    y: float
    r: float
    emotion: str


@dataclass(frozen=True)
class Mark:
    """A place with a name: an emotion's centre, or a stop of a journey."""

    x: float
    y: float
    name: str


@dataclass(frozen=True)
class Drawing:
    """What a template draws, in units of SIDE; y grows downwards. `valences` and `arousals` are the window's ends."""

    dots: list[Dot]
    centres: list[Mark]
    stops: list[Mark]
    path: str
    valences: tuple[float, float]
    arousals: tuple[float, float]


def draw(
    points: Floats,
    *,
    vad: npt.NDArray[np.floating],
    emotion: npt.NDArray[np.integer],
    centres: Mapping[str, Sequence[float]],
    names: Sequence[str] = (),
) -> Drawing:
    """Draw a journey through `points` (m, 2 or more: valence, arousal) over a catalogue of n tracks.

    `vad` is (n, 2 or more), `emotion` (n,) codes into EMOTIONS, -1 for none; both scales reach from 0 to 9. The window
    is a square around the path and the `centres` of the emotions that `names` lists. Raises ValueError without a point.
    """
    if not len(points):
        raise ValueError("a journey without a point cannot be drawn")
    shown = np.vstack([np.asarray(points)[:, :2], *(np.array(centres[name][:2])[None] for name in names)])
    low, side = _window(shown)

    def place(at: Floats) -> Floats:
        scaled: Floats = (at - low) * SIDE / side
        scaled[:, 1] = SIDE - scaled[:, 1]
        return scaled

    stops = place(np.asarray(points, np.float64)[:, :2]).round(1).tolist()
    inside = {
        name: at
        for name, at in zip(centres, place(np.array([c[:2] for c in centres.values()], np.float64)), strict=True)
        if (at >= 0).all() and (at <= SIDE).all()
    }
    return Drawing(
        dots=_dots(np.asarray(vad, np.float64)[:, :2], np.asarray(emotion), low, side),
        centres=[Mark(round(float(x), 1), round(float(y), 1), name) for name, (x, y) in _apart(inside).items()],
        stops=[Mark(x, y, str(number)) for number, (x, y) in enumerate(stops, start=1)],
        path=" ".join(f"{x},{y}" for x, y in stops),
        valences=(round(float(low[0]), 1), round(float(low[0]) + side, 1)),
        arousals=(round(float(low[1]), 1), round(float(low[1]) + side, 1)),
    )


def _window(shown: Floats) -> tuple[Floats, float]:
    """Return the lower corner (2,) and the side of a square that holds all points with some room, inside the scale."""
    low, high = shown.min(axis=0) - ROOM, shown.max(axis=0) + ROOM
    side = min(max(float((high - low).max()), NARROWEST), LARGEST)
    corner: Floats = np.clip((low + high - side) / 2, 0, LARGEST - side)
    return corner, side


def _dots(places: Floats, emotion: npt.NDArray[np.integer], low: Floats, side: float) -> list[Dot]:
    cells = np.floor((places - low) * CELLS / side).astype(np.intp)
    known = ((cells >= 0) & (cells < CELLS)).all(axis=1) & (emotion >= 0)
    counts = np.zeros((CELLS, CELLS, len(EMOTIONS)), np.intp)
    np.add.at(counts, (cells[known, 0], cells[known, 1], emotion[known]), 1)
    totals, most = counts.sum(axis=2), counts.argmax(axis=2)
    unit = SIDE / CELLS
    radius = unit / 2 * np.sqrt(totals / max(int(totals.max()), 1))
    return [
        Dot(
            x=round((column + 0.5) * unit, 1),
            y=round(SIDE - (row + 0.5) * unit, 1),
            r=round(max(float(radius[column, row]), 1.0), 1),
            emotion=EMOTIONS[most[column, row]],
        )
        for column, row in np.argwhere(totals).tolist()
    ]


def _apart(places: dict[str, Floats]) -> dict[str, tuple[float, float]]:
    """Move a name that would lie on an earlier one below it."""
    moved: dict[str, tuple[float, float]] = {}
    for name, at in sorted(places.items(), key=lambda item: float(item[1][1])):
        x, y = at.tolist()
        while any(abs(x - other_x) < 2 * NEAR and abs(y - other_y) < NEAR / 2 for other_x, other_y in moved.values()):
            y += NEAR / 2
        moved[name] = (x, y)
    return moved
