"""A trunk that has told many faces apart: Inception-ResNet-v1 (Szegedy et al. 2016), for which there are weights.

Those are a file that Keras 2 wrote, `facenet_keras.h5` of the project keras-facenet (MIT), whose names of layers are
used here. It is no part of emotune; docs/models.md tells where it comes from. A network with this trunk is a teacher:
it is too large to be served.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from detection.vision.card import HEADS, ModelFileError
from detection.vision.data import SIZE
from detection.vision.normalization import MOMENTUM, FusedBatchNormalization, renew_statistics
from emotune.emotions import EMOTIONS

Array = npt.NDArray[np.float32]
# The share of blocks that are passed by in training, at the last of them (stochastic depth, Huang et al. 2016), and of
# what the heads see that is left out.
DEPTH, DROPOUT = 0.15, 0.4
EPSILON = 1e-3
# Edges and spots are the same in every picture of a face: what finds them stays as it is.
FROZEN = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1")
# Of each kind of block: how many there are, how much of its sum is added to what comes in, and its branches, which are
# rows of kernels with so many channels. A "1a" keeps every other place and leaves the rim out.
BLOCKS: dict[str, tuple[int, float, tuple[str, ...]]] = {
    "Block35": (5, 0.17, ("1x1 32", "0a_1x1 32, 0b_3x3 32", "0a_1x1 32, 0b_3x3 32, 0c_3x3 32")),
    "Block17": (10, 0.1, ("1x1 128", "0a_1x1 128, 0b_1x7 128, 0c_7x1 128")),
    "Block8": (6, 0.2, ("1x1 192", "0a_1x1 192, 0b_1x3 192, 0c_3x1 192")),
}
REDUCTIONS = {
    "Mixed_6a": ("1a_3x3 384", "0a_1x1 192, 0b_3x3 192, 1a_3x3 256"),
    "Mixed_7a": ("0a_1x1 256, 1a_3x3 384", "0a_1x1 256, 1a_3x3 256", "0a_1x1 256, 0b_3x3 256, 1a_3x3 256"),
}


class Standardization(layers.Layer):  # type: ignore[misc]
    """Give each picture a mean of 0 and a deviation of 1, as the weights expect."""

    def call(self, inputs: Any) -> Any:
        mean = keras.ops.mean(inputs, axis=(1, 2, 3), keepdims=True)
        deviation = keras.ops.std(inputs, axis=(1, 2, 3), keepdims=True)
        return (inputs - mean) / keras.ops.maximum(deviation, 0.02)


def build_facenet(enlarged: int) -> keras.Model:
    """Return the network: (n, 48, 48, 1) grey in 0..1 to a dict of logits (n, 7), one entry per head.

    Its trunk sees faces `enlarged` to so many pixels. Its weights learned from 160; the time grows with the square.
    """
    return _Layers(enlarged).network()


class _Layers:
    """Lays out the network's layers."""

    def __init__(self, enlarged: int) -> None:
        self.enlarged, self.depth = enlarged, _depths()

    def network(self) -> keras.Model:
        inputs = layers.Input((SIZE, SIZE, 1))
        x = layers.Resizing(self.enlarged, self.enlarged, interpolation="bicubic", dtype="float32")(inputs)
        x = Standardization(dtype="float32")(layers.ReLU(max_value=1.0, dtype="float32")(x))
        x = self.blocks(self.stem(x), "Block35")
        x = self.blocks(self.reduced(x, "Mixed_6a"), "Block17")
        x = self.blocks(self.reduced(x, "Mixed_7a"), "Block8")
        x = layers.Dropout(DROPOUT, dtype="float32")(layers.GlobalAveragePooling2D(dtype="float32")(x))
        small = keras.initializers.RandomNormal(stddev=0.01)
        how = {"kernel_initializer": small, "dtype": "float32"}
        return keras.Model(inputs, {head: layers.Dense(len(EMOTIONS), **how, name=head)(x) for head in HEADS})

    def stem(self, x: Any) -> Any:
        x = self.convolution(x, "Conv2d_1a_3x3", 32, stride=2, padding="valid")
        x = self.convolution(x, "Conv2d_2a_3x3", 32, padding="valid")
        x = self.convolution(x, "Conv2d_2b_3x3", 64)
        x = self.convolution(layers.MaxPooling2D(3, 2)(x), "Conv2d_3b_1x1", 80)
        x = self.convolution(x, "Conv2d_4a_3x3", 192, padding="valid")
        return self.convolution(x, "Conv2d_4b_3x3", 256, stride=2, padding="valid")

    def blocks(self, x: Any, kind: str) -> Any:
        count, scale, branches = BLOCKS[kind]
        for number in range(1, count + 1):
            name, last = f"{kind}_{number}", kind == "Block8" and number == count
            y = layers.Concatenate()([self.branch(x, f"{name}_Branch_{i}", row) for i, row in enumerate(branches)])
            y = layers.Conv2D(x.shape[-1], 1, name=f"{name}_Conv2d_1x1")(y)
            y = layers.Rescaling(1.0 if last else scale)(y)
            y = layers.Dropout(next(self.depth), noise_shape=(None, 1, 1, 1))(y)
            x = layers.Add()([x, y])
            x = x if last else layers.ReLU()(x)
        return x

    def reduced(self, x: Any, name: str) -> Any:
        halves = [self.branch(x, f"{name}_Branch_{i}", row) for i, row in enumerate(REDUCTIONS[name])]
        return layers.Concatenate()([*halves, layers.MaxPooling2D(3, 2)(x)])

    def branch(self, x: Any, name: str, row: str) -> Any:
        for kernel, width in (part.split() for part in row.split(", ")):
            how: dict[str, Any] = {"stride": 2, "padding": "valid"} if kernel.startswith("1a") else {}
            x = self.convolution(x, f"{name}_Conv2d_{kernel}", int(width), **how)
        return x

    def convolution(self, x: Any, name: str, width: int, *, stride: int = 1, padding: str = "same") -> Any:
        size = (int(name[-3]), int(name[-1]))
        how = {"strides": stride, "padding": padding, "use_bias": False, "trainable": name not in FROZEN}
        x = layers.Conv2D(width, size, **how, name=name)(x)
        x = FusedBatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=f"{name}_BatchNorm")(x)
        return layers.ReLU()(x)


def _depths() -> Iterator[float]:
    """Give each block's share of being passed by: the more, the later."""
    count = sum(count for count, _, _ in BLOCKS.values())
    return (DEPTH * (number + 1) / count for number in range(count))


def read_facenet(network: keras.Model, file: Path, batches: Iterable[npt.NDArray[np.float32]]) -> None:
    """Give a network of `build_facenet` the weights of a file; its heads stay as they are.

    The normalizations take their means and variances anew from batches of (n, 48, 48, 1) pictures in 0..1, which are
    smaller, grey and cut otherwise than what the weights learned from.
    Raises ModelFileError where the file is missing or holds something else.
    """
    try:
        with h5py.File(file) as opened:
            stored = opened["model_weights"]
            for layer in network.layers:
                if layer.weights and layer.name not in HEADS:
                    layer.set_weights(_stored(stored[layer.name], layer))
    except (OSError, KeyError, ValueError) as error:
        raise ModelFileError(f"{file} does not hold FaceNet's weights as Keras 2 wrote them ({error})") from None
    renew_statistics(network, batches)


def _stored(group: Any, layer: Any) -> list[Array]:
    """Return a layer's weights in Keras' order.

    The file's normalizations have no scale, which is 1. Its first kernels look at three colours, which are alike here.
    """
    held = {name.partition(":")[0].rpartition("/")[2]: np.asarray(values) for name, values in _datasets(group)}
    if isinstance(layer, FusedBatchNormalization):
        held["gamma"] = np.ones_like(held["beta"])
        return [held[name] for name in ("gamma", "beta", "moving_mean", "moving_variance")]
    if held["kernel"].shape[2] != layer.kernel.shape[2] == 1:
        held["kernel"] = held["kernel"].sum(axis=2, keepdims=True)
    return [held[name] for name in ("kernel", "bias") if name == "kernel" or layer.use_bias]


def _datasets(group: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    group.visititems(lambda name, item: found.append((name, item)) if isinstance(item, h5py.Dataset) else None)
    return found
