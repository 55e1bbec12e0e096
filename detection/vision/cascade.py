"""MTCNN's cascade: the boxes between its three networks.

Thresholds and the arithmetic of boxes are the package's, so that both find the same faces.
"""

import numpy as np
import numpy.typing as npt

from detection.vision.graphs import Array
from detection.vision.mtcnn_networks import output_network, proposal_network, refinement_network
from detection.vision.pyramid import GREY, Pyramid

CELL, STRIDE = 12, 2
# From which confidence on candidates of the first and of the second network go on to the next, and from which on those
# of the third are faces. FAINT lets more through, for a search in which the last network decides nearly alone.
PACKAGE, FAINT, FACE = (0.6, 0.7), (0.4, 0.4), 0.8
# The largest number of boxes that go on from a level of the pyramid, from all levels and from the second network.
PER_LEVEL, PROPOSALS, REFINED = 150, 96, 24


class Cascade:
    """The three networks, compiled. Both steps take from which confidence on candidates go on: PACKAGE or FAINT."""

    def __init__(self, threads: int = 1) -> None:
        self._propose = proposal_network(threads)
        self._refine = refinement_network(threads)
        self._settle = output_network(threads)

    def propose(
        self, pyramid: Pyramid, windows: list[float], margin: float = 0.0, sure: tuple[float, float] = PACKAGE
    ) -> Array:
        """Return candidates (n, 6): x1, y1, x2, y2, logit, window; the most certain first.

        `windows` are the sizes, in pixels of the frame, of the squares in which the first network looks for a face;
        they reach beyond the frame by `margin` of their size.
        """
        beyond = round(margin * CELL)
        read, laid = [], []
        for window in windows:
            width, height = (max(1, round(side * CELL / window)) for side in (pyramid.width, pyramid.height))
            if min(width, height) + 2 * beyond < CELL:
                continue
            small = pyramid.resized(width, height)
            if beyond:
                small = np.pad(small, ((beyond, beyond), (beyond, beyond), (0, 0)), constant_values=GREY)
            (cells,) = self._propose(small[None])
            read.append(cells.reshape(5, -1))
            laid.append((cells[0].size, cells.shape[2], pyramid.width / width, pyramid.height / height, window))
        if not laid:
            return np.empty((0, 6), np.float32)
        found = _candidates(np.concatenate(read, axis=1), np.array(laid, np.float32), beyond, sure[0])
        return suppress(found, 0.5, levels=True)

    def settle(self, pyramid: Pyramid, candidates: Array, sure: tuple[float, float] = PACKAGE) -> Array:
        """Return faces (n, 15): x1, y1, x2, y2, confidence, x of the five landmarks, y of them, best first."""
        boxes = _square(suppress(candidates, 0.7)[:PROPOSALS, :5])
        if not len(boxes):
            return np.empty((0, 15), np.float32)
        read = self._refine(pyramid.cut(boxes, 24))
        boxes = suppress(_adjust(boxes, read)[_sure(read[:, 4], sure[1])], 0.7)
        boxes = _square(boxes[:REFINED])
        if not len(boxes):
            return np.empty((0, 15), np.float32)
        read = self._settle(pyramid.cut(boxes, 48))
        sizes = boxes[:, 2:4] - boxes[:, :2] + 1
        x = boxes[:, :1] + sizes[:, :1] * read[:, 5:10] - 1
        y = boxes[:, 1:2] + sizes[:, 1:2] * read[:, 10:15] - 1
        faces = np.concatenate([_adjust(boxes, read), x, y], axis=1)
        faces = suppress(faces[_sure(read[:, 4], FACE)], 0.7, smaller=True)
        faces[:, 4] = 1 / (1 + np.exp(-faces[:, 4]))
        return faces


def _candidates(read: Array, laid: Array, beyond: int, sure: float) -> Array:
    """Return the boxes (n, 6) of the cells (5, n) that the first network takes for a face.

    `laid` says of each size of windows: the number of its cells, of its columns, pixels of the frame for one of its own
    across and down, and the window.
    """
    ends = np.cumsum(laid[:, 0].astype(np.intp))
    at = np.flatnonzero(_sure(read[4], sure))
    level = np.searchsorted(ends, at, side="right")
    if (np.bincount(level, minlength=1) > PER_LEVEL).any():
        at = np.concatenate([_best(at[level == number], read[4]) for number in range(len(laid))])
        level = np.searchsorted(ends, at, side="right")
    cells, columns, across, down, window = laid[level].T
    row, column = np.divmod((at - ends[level] + cells).astype(np.float32), columns)
    corner = np.stack([column, row], axis=1) * STRIDE - beyond
    boxes = np.concatenate([corner, corner + CELL], axis=1) + read[:4, at].T * CELL
    boxes *= np.stack([across, down, across, down], axis=1)
    return np.concatenate([boxes, read[4, at, None], window[:, None]], axis=1)


def _best(at: npt.NDArray[np.intp], logits: Array) -> npt.NDArray[np.intp]:
    if len(at) <= PER_LEVEL:
        return at
    return at[np.argpartition(-logits[at], PER_LEVEL)[:PER_LEVEL]]


def _sure(logits: Array, confidence: float) -> npt.NDArray[np.bool_]:
    return logits > _logit(confidence)


def _logit(confidence: float) -> float:
    return float(np.log(confidence / (1 - confidence)))


def _adjust(boxes: Array, read: Array) -> Array:
    """Move the corners of boxes as a network says, and take over its confidence."""
    sizes = np.tile(boxes[:, 2:4] - boxes[:, :2] + 1, 2)
    return np.concatenate([boxes[:, :4] + read[:, :4] * sizes, read[:, 4:5]], axis=1)


def _square(boxes: Array) -> Array:
    """Grow the shorter side of each box about its centre."""
    size = boxes[:, 2:4] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + (size - side) / 2
    return np.concatenate([corner, corner + side, boxes[:, 4:]], axis=1)


def suppress(boxes: Array, overlap: float, *, smaller: bool = False, levels: bool = False) -> Array:
    """Sort (n, 5 or more) boxes by confidence and drop those that overlap one before them by more than `overlap`.

    Overlap is the intersection over the union, or over the smaller of the two. As in the package, a box that was
    dropped drops others too. With `levels`, boxes whose sixth numbers differ do not drop each other.
    """
    if len(boxes) < 2:
        return boxes
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    corners = boxes[:, :4].T
    sides = np.minimum(corners[2:, :, None], corners[2:, None])
    sides -= np.maximum(corners[:2, :, None], corners[:2, None])
    np.maximum(sides, 0, out=sides)
    shared = sides[0] * sides[1]
    areas = (corners[2] - corners[0]) * (corners[3] - corners[1])
    whole = np.minimum(areas[:, None], areas) if smaller else areas[:, None] + areas - shared
    over = shared > overlap * whole
    if levels:
        over &= boxes[:, 5, None] == boxes[:, 5]
    kept: Array = boxes[~np.triu(over, k=1).any(axis=0)]
    return kept
