"""MTCNN's three networks with the weights of the `mtcnn` package, compiled.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks" (2016).

ONNX Runtime convolves fast in a layout of its own, blocks of 16 channels, and has no PReLU in it: the way out and back
took longer than the convolutions. So channels are filled up to whole blocks, and a PReLU is made of convolutions alone.
"""

from importlib.util import find_spec
from pathlib import Path

import joblib
import numpy as np

from detection.vision.graphs import Array, Compiled, Graph

BLOCK = 16


def load_weights(name: str) -> list[Array]:
    """Return the weights of "pnet", "rnet" or "onet" from the package's files, without importing the package."""
    spec = find_spec("mtcnn")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package mtcnn is missing; install requirements-worker.txt")
    weights: list[Array] = joblib.load(Path(spec.origin).parent / "assets" / "weights" / f"{name}.lz4")
    return weights


class Layers:
    """Layers laid one upon another. Between them, channels may have their signs turned and others of zeros follow."""

    def __init__(self) -> None:
        self.graph = Graph()
        self._x = self.graph.pixels()
        self._signs = np.ones(3, np.float32)
        self._width = 3

    def bent(self, kernel: Array, bias: Array, slope: Array) -> None:
        """Convolve with a (h, w, in, out) kernel and apply a PReLU with (out) slopes."""
        slope = slope.reshape(-1)
        self._convolve(kernel, bias)
        straight, bend = _straight_and_bent(slope)
        self._bend(np.diag(straight), np.diag(bend), _signs(slope))

    def bent_and_pooled(self, kernel: Array, bias: Array, slope: Array, size: int, *, same: bool = False) -> None:
        """The same, and the maximum over windows that lie two pixels apart; the PReLU last, on a quarter of the pixels.

        Where a slope is negative the maximum of a PReLU is that of the values or that of their negatives times it; so
        such channels are convolved once more, negated.
        """
        slope = slope.reshape(-1)
        falling = np.flatnonzero(slope < 0)
        negated = [np.concatenate([values, -values[..., falling]], axis=-1) for values in (kernel, bias)]
        self._convolve(*negated)
        self.pool(size, same=same)
        straight, bend = (np.diag(values) for values in _straight_and_bent(slope))
        straight[falling, falling], bend[falling, falling] = 1, -1
        more = np.zeros((len(falling), len(slope)), np.float32)
        more[np.arange(len(falling)), falling] = -slope[falling]
        self._bend(np.concatenate([straight, 0 * more]), np.concatenate([bend, more]), _signs(slope))

    def pool(self, size: int, *, same: bool = False) -> None:
        self._x = self.graph.pool(self._x, size, same=same)

    def bent_to(self, kernel: Array, bias: Array, slope: Array, outputs: Array, output_bias: Array) -> str:
        """Convolve, apply a PReLU, and convolve with a (1, 1, in, out) kernel, which takes the PReLU in."""
        self._convolve(kernel, bias)
        z, graph, filled = self._x, self.graph, self._width - len(bias)
        slope = np.pad(slope.reshape(-1, 1), ((0, filled), (0, 0)))
        outputs = np.pad(outputs, ((0, 0), (0, 0), (0, filled), (0, 0)))
        straight = graph.convolution(z, outputs * slope, np.zeros_like(output_bias))
        return graph.node("Add", straight, graph.convolution(graph.node("Relu", z), outputs * (1 - slope), output_bias))

    def dense(self, weights: Array, bias: Array, slope: Array, side: int) -> str:
        """Apply a layer to all (side, side) pixels and a PReLU; weights as the package has them, column by column."""
        channels = len(weights) // side**2
        if channels != self._width:
            raise ValueError(f"{channels} channels are no whole number of blocks")
        ordered = weights.reshape(side, side, channels, -1).transpose(2, 1, 0, 3) * self._signs[:, None, None, None]
        flat = self.graph.node("Flatten", self._x)
        return self.graph.prelu(self.graph.dense(flat, ordered.reshape(len(weights), -1), bias), slope)

    def _convolve(self, kernel: Array, bias: Array) -> None:
        filled = -kernel.shape[3] % BLOCK
        kernel = kernel * self._signs[:, None]
        kernel = np.pad(kernel, ((0, 0), (0, 0), (0, self._width - kernel.shape[2]), (0, filled)))
        self._x = self.graph.convolution(self._x, kernel, np.pad(bias, (0, filled)))
        self._width = kernel.shape[3]
        self._signs = np.ones(len(bias), np.float32)

    def _bend(self, straight: Array, bend: Array, signs: Array) -> None:
        """Let x be straight(x) + relu(bend(x)), of (in, out) matrices."""
        self._signs = np.ones(len(straight), np.float32)
        x, width = self._x, self._width
        self._convolve(bend[None, None], np.zeros(bend.shape[1], np.float32))
        bent = self.graph.node("Relu", self._x)
        self._x, self._width, self._signs = x, width, np.ones(len(straight), np.float32)
        self._convolve(straight[None, None], np.zeros(bend.shape[1], np.float32))
        self._x = self.graph.node("Add", self._x, bent)
        self._signs = signs


def _straight_and_bent(slope: Array) -> tuple[Array, Array]:
    """Return a and b such that a * x + relu(b * x) is a PReLU, of which those with slopes above 1 are turned upside
    down: they bend downwards, and a ReLU bends upwards."""
    return np.where(slope > 1, -slope, slope), np.where(slope > 1, slope - 1, 1 - slope)


def _signs(slope: Array) -> Array:
    return np.where(slope > 1, np.float32(-1), np.float32(1))


def _normalized(kernel: Array, bias: Array) -> tuple[Array, Array]:
    """Let a first layer take pixels in 0..255 where its weights expect (pixel - 127.5) / 128."""
    shift: Array = kernel.sum(axis=(0, 1, 2)) * np.float32(127.5 / 128)
    return kernel / np.float32(128), bias - shift


def _contrast(weights: Array, bias: Array) -> tuple[Array, Array]:
    """Turn the two outputs of a softmax into one logit: that there is a face."""
    return weights[..., 1:] - weights[..., :1], bias[1:] - bias[:1]


def proposal_network(threads: int) -> Compiled:
    """Compile what takes a picture (1, h, w, 3) to (1, 5, rows, columns): four moves of corners and a logit."""
    k1, b1, a1, k2, b2, a2, k3, b3, a3, box_k, box_b, face_k, face_b = load_weights("pnet")
    layers = Layers()
    layers.bent_and_pooled(*_normalized(k1, b1), a1, 2, same=True)
    layers.bent(k2, b2, a2)
    face_k, face_b = _contrast(face_k, face_b)
    outputs = np.concatenate([box_k, face_k], axis=-1), np.concatenate([box_b, face_b])
    return layers.graph.compile(layers.bent_to(k3, b3, a3, *outputs), (1, "height", "width", 3), threads)


def refinement_network(threads: int) -> Compiled:
    """Compile what takes (n, 24, 24, 3) candidates to (n, 5): four moves of corners and a logit."""
    k1, b1, a1, k2, b2, a2, k3, b3, a3, w4, b4, a4, box_w, box_b, face_w, face_b = load_weights("rnet")
    layers = Layers()
    layers.bent_and_pooled(*_normalized(k1, b1), a1, 3, same=True)
    layers.bent(k2, b2, a2)
    layers.pool(3)
    layers.bent(k3, b3, a3)
    x = layers.dense(w4, b4, a4, 3)
    face_w, face_b = _contrast(face_w, face_b)
    x = layers.graph.dense(x, np.concatenate([box_w, face_w], axis=1), np.concatenate([box_b, face_b]))
    return layers.graph.compile(x, ("n", 24, 24, 3), threads)


def output_network(threads: int) -> Compiled:
    """Compile what takes (n, 48, 48, 3) candidates to (n, 15): moves of corners, a logit, five x and five y."""
    k1, b1, a1, k2, b2, a2, k3, b3, a3, k4, b4, a4, w5, b5, a5, *heads = load_weights("onet")
    box_w, box_b, points_w, points_b, face_w, face_b = heads
    layers = Layers()
    layers.bent_and_pooled(*_normalized(k1, b1), a1, 3, same=True)
    layers.bent(k2, b2, a2)
    layers.pool(3)
    layers.bent(k3, b3, a3)
    layers.pool(2, same=True)
    layers.bent(k4, b4, a4)
    x = layers.dense(w5, b5, a5, 3)
    face_w, face_b = _contrast(face_w, face_b)
    weights, biases = (box_w, face_w, points_w), (box_b, face_b, points_b)
    x = layers.graph.dense(x, np.concatenate(weights, axis=1), np.concatenate(biases))
    return layers.graph.compile(x, ("n", 48, 48, 3), threads)
