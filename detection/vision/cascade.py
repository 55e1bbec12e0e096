"""MTCNN's three networks with the weights of the `mtcnn` package, and the boxes between them.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks" (2016).
Thresholds and the arithmetic of boxes are the package's, so that both find the same faces.
"""

from importlib.util import find_spec
from pathlib import Path

import joblib
import numpy as np
import numpy.typing as npt

from detection.vision.graphs import Array, Compiled, Graph
from detection.vision.pyramid import GREY, Pyramid

CELL, STRIDE = 12, 2
# The largest number of boxes that go on from a level of the pyramid, from all levels and from the second network.
PER_LEVEL, PROPOSALS, REFINED = 150, 96, 24


def load_weights(name: str) -> list[Array]:
    """Return the weights of "pnet", "rnet" or "onet" from the package's files, without importing the package."""
    spec = find_spec("mtcnn")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package mtcnn is missing; install requirements-worker.txt")
    weights: list[Array] = joblib.load(Path(spec.origin).parent / "assets" / "weights" / f"{name}.lz4")
    return weights


class Cascade:
    """The three networks, compiled."""

    def __init__(self, threads: int = 1) -> None:
        self._propose = _proposal_network(threads)
        self._refine = _refinement_network(threads)
        self._settle = _output_network(threads)

    def find(self, pyramid: Pyramid, windows: list[float], margin: float = 0.0) -> Array:
        """Return (n, 15): x1, y1, x2, y2, confidence, x of the five landmarks, y of them; the most certain first.

        `windows` are the sizes, in pixels of the frame, of the squares in which the first network looks for a face;
        they reach beyond the frame by `margin` of their size.
        """
        proposals = [self._proposals(pyramid, window, margin, level) for level, window in enumerate(windows)]
        boxes = np.concatenate([np.empty((0, 6), np.float32), *proposals])
        boxes = suppress(suppress(boxes, 0.5, levels=True), 0.7)
        boxes = _square(boxes[:PROPOSALS, :5])
        if not len(boxes):
            return np.empty((0, 15), np.float32)
        read = self._refine(_crops(pyramid, boxes, 24))
        boxes = suppress(_adjust(boxes, read)[_sure(read[:, 4], 0.7)], 0.7)
        boxes = _square(boxes[:REFINED])
        if not len(boxes):
            return np.empty((0, 15), np.float32)
        read = self._settle(_crops(pyramid, boxes, 48))
        sizes = boxes[:, 2:4] - boxes[:, :2] + 1
        x = boxes[:, :1] + sizes[:, :1] * read[:, 5:10] - 1
        y = boxes[:, 1:2] + sizes[:, 1:2] * read[:, 10:15] - 1
        faces = np.concatenate([_adjust(boxes, read), x, y], axis=1)
        faces = suppress(faces[_sure(read[:, 4], 0.8)], 0.7, smaller=True)
        faces[:, 4] = 1 / (1 + np.exp(-faces[:, 4]))
        return faces

    def _proposals(self, pyramid: Pyramid, window: float, margin: float, level: int) -> Array:
        """Return (n, 6): x1, y1, x2, y2, logit, level."""
        width, height = (max(1, round(side * CELL / window)) for side in (pyramid.width, pyramid.height))
        beyond = round(margin * CELL)
        small = pyramid.resized(width, height)
        if beyond:
            small = np.pad(small, ((beyond, beyond), (beyond, beyond), (0, 0)), constant_values=GREY)
        if min(small.shape[:2]) < CELL:
            return np.empty((0, 6), np.float32)
        read = self._propose(small[None])[0]
        row, column = np.nonzero(read[4] > _logit(0.6))
        if not len(row):
            return np.empty((0, 6), np.float32)
        if len(row) > PER_LEVEL:
            best = np.argpartition(-read[4, row, column], PER_LEVEL)[:PER_LEVEL]
            row, column = row[best], column[best]
        corner = np.stack([column, row], axis=1).astype(np.float32) * STRIDE - beyond
        boxes = np.concatenate([corner, corner + CELL], axis=1) + read[:4, row, column].T * CELL
        boxes *= np.array([pyramid.width / width, pyramid.height / height] * 2, np.float32)
        return np.concatenate([boxes, read[4, row, column, None], np.full_like(boxes[:, :1], level)], axis=1)


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


def _crops(pyramid: Pyramid, boxes: Array, size: int) -> npt.NDArray[np.uint8]:
    along = np.linspace(0, 1, size, dtype=np.float32)
    x, y = (boxes[:, i, None] + (boxes[:, i + 2] - boxes[:, i])[:, None] * along for i in (0, 1))
    # Points of the frame itself, as the package takes them: means of what lies between them move eyes by pixels.
    sampled = pyramid.sample(x[:, None, :], y[:, :, None], np.ones(len(boxes)), repeat_edge=False)
    return np.round(sampled).astype(np.uint8)


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


def _normalized(kernel: Array, bias: Array) -> tuple[Array, Array]:
    """Let a first layer take pixels in 0..255 where its weights expect (pixel - 127.5) / 128."""
    shift: Array = kernel.sum(axis=(0, 1, 2)) * np.float32(127.5 / 128)
    return kernel / np.float32(128), bias - shift


def _contrast(weights: Array, bias: Array) -> tuple[Array, Array]:
    """Turn the two outputs of a softmax into one logit: that there is a face."""
    return weights[..., 1:] - weights[..., :1], bias[1:] - bias[:1]


def _column_first(weights: Array, side: int) -> Array:
    """Reorder a dense layer's inputs from the package's (column, row, channel) to (channel, row, column)."""
    channels = len(weights) // side**2
    return weights.reshape(side, side, channels, -1).transpose(2, 1, 0, 3).reshape(len(weights), -1)


def _proposal_network(threads: int) -> Compiled:
    k1, b1, a1, k2, b2, a2, k3, b3, a3, box_k, box_b, face_k, face_b = load_weights("pnet")
    graph = Graph()
    x = graph.prelu(graph.convolution(graph.pixels(), *_normalized(k1, b1)), a1)
    x = graph.pool(x, 2, same=True)
    x = graph.prelu(graph.convolution(x, k2, b2), a2)
    x = graph.prelu(graph.convolution(x, k3, b3), a3)
    face_k, face_b = _contrast(face_k, face_b)
    x = graph.convolution(x, np.concatenate([box_k, face_k], axis=-1), np.concatenate([box_b, face_b]))
    return graph.compile(x, (1, "height", "width", 3), threads)


def _refinement_network(threads: int) -> Compiled:
    k1, b1, a1, k2, b2, a2, k3, b3, a3, w4, b4, a4, box_w, box_b, face_w, face_b = load_weights("rnet")
    graph = Graph()
    x = graph.prelu(graph.convolution(graph.pixels(), *_normalized(k1, b1)), a1)
    x = graph.prelu(graph.convolution(graph.pool(x, 3, same=True), k2, b2), a2)
    x = graph.prelu(graph.convolution(graph.pool(x, 3), k3, b3), a3)
    x = graph.prelu(graph.dense(graph.node("Flatten", x), _column_first(w4, 3), b4), a4)
    face_w, face_b = _contrast(face_w, face_b)
    x = graph.dense(x, np.concatenate([box_w, face_w], axis=1), np.concatenate([box_b, face_b]))
    return graph.compile(x, ("n", 24, 24, 3), threads)


def _output_network(threads: int) -> Compiled:
    k1, b1, a1, k2, b2, a2, k3, b3, a3, k4, b4, a4, w5, b5, a5, *heads = load_weights("onet")
    box_w, box_b, points_w, points_b, face_w, face_b = heads
    graph = Graph()
    x = graph.prelu(graph.convolution(graph.pixels(), *_normalized(k1, b1)), a1)
    x = graph.prelu(graph.convolution(graph.pool(x, 3, same=True), k2, b2), a2)
    x = graph.prelu(graph.convolution(graph.pool(x, 3), k3, b3), a3)
    x = graph.prelu(graph.convolution(graph.pool(x, 2, same=True), k4, b4), a4)
    x = graph.prelu(graph.dense(graph.node("Flatten", x), _column_first(w5, 3), b5), a5)
    face_w, face_b = _contrast(face_w, face_b)
    weights, biases = (box_w, face_w, points_w), (box_b, face_b, points_b)
    x = graph.dense(x, np.concatenate(weights, axis=1), np.concatenate(biases))
    return graph.compile(x, ("n", 48, 48, 3), threads)
