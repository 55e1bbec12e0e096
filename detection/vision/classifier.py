"""Read emotions from aligned faces: the trained network, compiled without Keras."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detection.vision.card import HEADS, Architecture, Card, ModelFileError, load_card, probabilities
from detection.vision.data import SIZE
from detection.vision.graphs import Array, Compiled, Graph, multiplies_bytes
from detection.vision.weights import read_weights, write_weights
from emotune.emotions import EMOTIONS

# Faces go through the network in batches of at most this many, so that memory does not grow with what is asked.
BATCH = 16
EPSILON = 1e-5
SHAPE = ("n", SIZE, SIZE, 1)


class Classifier:
    """The network of a folder with its card."""

    def __init__(self, network: Compiled, card: Card, parameters: int) -> None:
        self._network, self.card, self.parameters = network, card, parameters

    @classmethod
    def load(cls, folder: Path, threads: int = 1, *, exact: bool = False) -> "Classifier":
        """Compile the network that `save_network` wrote to a folder. Raises ModelFileError where there is none, where
        files are damaged or where they do not belong together.

        Where the folder has ranges (see `observe`) and the processor is fit for it, the network computes with eight
        bits; `exact` keeps it at float32.
        """
        card = load_card(folder)
        if card.architecture.trunk != "residual":
            raise ModelFileError(f"{folder} holds a teacher, which is not served; train a network with it as --teacher")
        weights, ranges = read_weights(folder)
        try:
            if exact or not multiplies_bytes():
                ranges = None
            graph, output = _layout(card.architecture, weights, ranges)
            network = graph.compile(output, SHAPE, threads)
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
        return probabilities(self.alone_and_served(crops)[1], self.card)

    def answers(self, crops: npt.NDArray[np.uint8], *, flips: bool = False) -> dict[str, npt.NDArray[np.float64]]:
        """Return what is `served` of (n, 48, 48) grey faces, and what each head alone says of them, each (n, 7).

        With `flips` a head is asked about each face and its mirrored twin, too.
        """
        alone, served = self.alone_and_served(crops)
        if flips:
            alone = served if self.card.mirrored else self._with_twins(crops)[1]
        heads = {head: probabilities(alone, self.card, blend) for head, blend in (("labels", 0.0), ("crowd", 1.0))}
        return {**heads, "served": probabilities(served, self.card)}

    def alone_and_served(self, crops: npt.NDArray[np.uint8]) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the logits of faces as they are, and those that are served: where the card is `mirrored`, the mean
        over a face and its mirrored twin.
        """
        if not self.card.mirrored:
            return (logits := self.logits(crops)), logits
        return self._with_twins(crops)

    def _with_twins(self, crops: npt.NDArray[np.uint8]) -> tuple[dict[str, Array], dict[str, Array]]:
        both = self.logits(np.concatenate([crops, crops[:, :, ::-1]]))
        alone = {head: logits[: len(crops)] for head, logits in both.items()}
        return alone, {head: (alone[head] + both[head][len(crops) :]) * np.float32(0.5) for head in HEADS}


def observe(folder: Path, crops: npt.NDArray[np.uint8]) -> None:
    """Add to a folder's weights the ranges of values that (n, 48, 48) grey faces cause, so that eight bits do.

    A network whose channels are squeezed is a teacher, and stays as it is.
    """
    architecture = load_card(folder).architecture
    if architecture.squeeze:
        return
    weights, _ = read_weights(folder)
    graph, _ = _layout(architecture, weights, None)
    batches = (crops[start : start + BATCH, ..., None] for start in range(0, len(crops), BATCH))
    write_weights(folder, weights, graph.observed(SHAPE, batches))


def _layout(architecture: Architecture, weights: list[Array], ranges: Array | None) -> tuple[Graph, str]:
    """Lay out network.py's layers, taking weights in Keras' order, with each normalization folded into its kernel."""
    stored = iter(weights)
    graph = Graph(ranges)
    x = graph.node("Mul", graph.pixels(), graph.constant(np.array(4 / 255, np.float32)))
    x = graph.rounded(graph.node("Sub", x, graph.constant(np.array(2, np.float32))))
    x = graph.rounded(graph.node("Relu", graph.convolution(x, *_fold(next(stored), stored), same=True)))
    for block in architecture.blocks_in_order():
        x = _residual_block(graph, x, stored, block.stride, squeeze=architecture.squeeze > 0)
    x = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    crowd_w, crowd_b, labels_w, labels_b = stored
    x = graph.dense(x, np.concatenate([crowd_w, labels_w], axis=1), np.concatenate([crowd_b, labels_b]))
    return graph, x


def _residual_block(graph: Graph, x: str, stored: Iterator[Array], stride: int, *, squeeze: bool) -> str:
    shortcut = stride > 1
    y = graph.rounded(graph.node("Relu", graph.convolution(x, *_fold(next(stored), stored), stride, same=True)))
    # Keras numbers layers by depth: both kernels, then the shortcut's normalization, then the other; where channels are
    # squeezed, which makes the one way longer, the other way round.
    kernel = next(stored)
    if shortcut and squeeze:
        short = next(stored)
        y = graph.rounded(graph.convolution(y, *_fold(kernel, stored), same=True))
        x = graph.rounded(graph.convolution(x, *_fold(short, stored), stride, same=True))
    elif shortcut:
        short, kernel = kernel, next(stored)
        x = graph.rounded(graph.convolution(x, *_fold(short, stored), stride, same=True))
        y = graph.rounded(graph.convolution(y, *_fold(kernel, stored), same=True))
    else:
        y = graph.rounded(graph.convolution(y, *_fold(kernel, stored), same=True))
    if squeeze:
        y = _weighed(graph, y, stored)
    return graph.rounded(graph.node("Relu", graph.node("Add", y, x)))


def _weighed(graph: Graph, x: str, stored: Iterator[Array]) -> str:
    """Lay out network.py's SqueezeExcitation."""
    mean = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    narrow = graph.node("Relu", graph.dense(mean, next(stored), next(stored)))
    share = graph.node("Sigmoid", graph.dense(narrow, next(stored), next(stored)))
    return graph.node("Mul", x, graph.node("Unsqueeze", share, graph.constant(np.array([2, 3], np.int64))))


def _fold(kernel: Array, stored: Iterator[Array]) -> tuple[Array, Array]:
    """Return the kernel and bias that do what the kernel and the batch normalization after it do."""
    gamma, beta, mean, variance = (next(stored) for _ in range(4))
    scale = gamma / np.sqrt(variance + np.float32(EPSILON))
    return kernel * scale, beta - mean * scale
