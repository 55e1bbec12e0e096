"""Read emotions from aligned faces: the trained network, compiled without Keras."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detection.vision.card import Architecture, Card, ModelFileError, load_card, probabilities
from detection.vision.data import SIZE
from detection.vision.graphs import Array, Compiled, Graph
from emotune.emotions import EMOTIONS

# Faces go through the network in batches of at most this many, so that memory does not grow with what is asked.
BATCH = 16
EPSILON = 1e-5


class Classifier:
    """The network of a folder with its card."""

    def __init__(self, network: Compiled, card: Card, parameters: int) -> None:
        self._network, self.card, self.parameters = network, card, parameters

    @classmethod
    def load(cls, folder: Path, threads: int = 1) -> "Classifier":
        """Compile the network that `save_network` wrote to a folder. Raises ModelFileError where there is none."""
        card = load_card(folder)
        try:
            with np.load(folder / "weights.npz", allow_pickle=False) as stored:
                weights = [stored[name] for name in sorted(stored.files)]
            network = _compile(card.architecture, weights, threads)
        except (OSError, ValueError, StopIteration, RuntimeError) as error:
            raise ModelFileError(f"{folder}/weights.npz does not fit its card ({error}); train again") from error
        return cls(network, card, parameters=sum(values.size for values in weights))

    def logits(self, crops: npt.NDArray[np.uint8]) -> dict[str, Array]:
        """Return the logits by head, each (n, 7), of (n, 48, 48) grey faces."""
        parts = [self._network(crops[start : start + BATCH, ..., None]) for start in range(0, len(crops), BATCH)]
        both = np.concatenate(parts)
        return {"crowd": both[:, : len(EMOTIONS)], "labels": both[:, len(EMOTIONS) :]}

    def classify(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Return the probabilities (n, 7), in the order of EMOTIONS, of (n, 48, 48) grey faces."""
        return probabilities(self.logits(crops), self.card)


def _compile(architecture: Architecture, weights: list[Array], threads: int) -> Compiled:
    """Lay out network.py's layers, taking weights in Keras' order, with each normalization folded into its kernel."""
    stored = iter(weights)
    graph = Graph()
    x = graph.node("Mul", graph.pixels(), graph.constant(np.array(4 / 255, np.float32)))
    x = graph.node("Sub", x, graph.constant(np.array(2, np.float32)))
    x = graph.node("Relu", graph.convolution(x, *_fold(next(stored), stored), same=True))
    width = architecture.stem
    for stage in architecture.widths:
        for block in range(architecture.blocks):
            x = _residual_block(graph, x, stored, stride=2 if block == 0 else 1, shortcut=block == 0 or width != stage)
            width = stage
    x = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    crowd_w, crowd_b, labels_w, labels_b = stored
    x = graph.dense(x, np.concatenate([crowd_w, labels_w], axis=1), np.concatenate([crowd_b, labels_b]))
    return graph.compile(x, ("n", SIZE, SIZE, 1), threads)


def _residual_block(graph: Graph, x: str, stored: Iterator[Array], *, stride: int, shortcut: bool) -> str:
    y = graph.node("Relu", graph.convolution(x, *_fold(next(stored), stored), stride, same=True))
    if shortcut:  # Keras numbers layers by depth: both kernels, then the shortcut's normalization, then the other
        short, kernel = next(stored), next(stored)
        x = graph.convolution(x, *_fold(short, stored), stride, same=True)
    else:
        kernel = next(stored)
    y = graph.convolution(y, *_fold(kernel, stored), same=True)
    return graph.node("Relu", graph.node("Add", y, x))


def _fold(kernel: Array, stored: Iterator[Array]) -> tuple[Array, Array]:
    """Return the kernel and bias that do what the kernel and the batch normalization after it do."""
    gamma, beta, mean, variance = (next(stored) for _ in range(4))
    scale = gamma / np.sqrt(variance + np.float32(EPSILON))
    return kernel * scale, beta - mean * scale
