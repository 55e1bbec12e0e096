"""The emotion network in Keras: its layers and its file."""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from detection.vision.card import HEADS, Architecture, Card, ModelFileError, load_card, write_card
from detection.vision.data import SIZE
from detection.vision.facenet import build_facenet
from detection.vision.normalization import MOMENTUM, FusedBatchNormalization
from detection.vision.weights import read_weights, write_weights
from emotune.emotions import EMOTIONS


@keras.saving.register_keras_serializable("emotune")
class SqueezeExcitation(layers.Layer):  # type: ignore[misc]
    """Weigh each channel by what the whole picture holds (Hu et al. 2018)."""

    def __init__(self, ratio: int, **how: Any) -> None:
        super().__init__(**how)
        self.ratio = ratio

    def build(self, shape: tuple[int | None, ...]) -> None:
        width = shape[-1] or 0
        self.squeeze = layers.Dense(max(1, width // self.ratio), activation="relu")
        self.excite = layers.Dense(width, activation="sigmoid")
        self.squeeze.build((None, width))
        self.excite.build((None, self.squeeze.units))

    def call(self, inputs: Any) -> Any:
        weights = self.excite(self.squeeze(keras.ops.mean(inputs, axis=(1, 2))))
        return inputs * weights[:, None, None, :]


def build_network(architecture: Architecture, seed: int = 0, *, mixed: bool = False) -> keras.Model:
    """Return a network: (n, 48, 48, 1) grey in 0..1 to a dict of logits (n, 7), one entry per head.

    With `mixed` it computes in bfloat16 and keeps its weights and logits at float32.
    """
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
    try:
        facenet = architecture.trunk == "facenet"
        return build_facenet(architecture.enlarged) if facenet else _network(architecture)
    finally:
        keras.config.set_dtype_policy(before)


def _network(architecture: Architecture) -> keras.Model:
    inputs = layers.Input((SIZE, SIZE, 1))
    x = layers.Rescaling(4.0, offset=-2.0)(inputs)
    x = layers.ReLU()(_convolution(x, architecture.stem, 1, "stem"))
    for block in architecture.blocks_in_order():
        x = _residual_block(x, block.width, block.stride, architecture.squeeze, block.name)
    x = layers.GlobalAveragePooling2D(dtype="float32")(x)
    x = layers.Dropout(architecture.dropout, dtype="float32")(x)
    outputs = {head: layers.Dense(len(EMOTIONS), dtype="float32", name=head)(x) for head in HEADS}
    return keras.Model(inputs, outputs)


def _convolution(x: Any, width: int, stride: int, name: str, size: int = 3) -> Any:
    how = {"strides": stride, "padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    x = layers.Conv2D(width, size, **how, name=name)(x)
    return FusedBatchNormalization(momentum=MOMENTUM, epsilon=1e-5, name=f"{name}_normalization")(x)


def _residual_block(x: Any, width: int, stride: int, squeeze: int, name: str) -> Any:
    y = layers.ReLU()(_convolution(x, width, stride, f"{name}_first"))
    y = _convolution(y, width, 1, f"{name}_second")
    if squeeze:
        y = SqueezeExcitation(squeeze, name=f"{name}_squeeze")(y)
    if stride > 1:
        x = _convolution(x, width, stride, f"{name}_shortcut", size=1)
    return layers.ReLU()(layers.Add()([x, y]))


def grow(network: keras.Model, earlier: keras.Model) -> None:
    """Give a network the weights of an earlier one, which may have fewer blocks, so that both say the same.

    A block that the earlier one lacks ends in a normalization that gives zero and passes on what reaches it, until
    it has learned something (after Chen et al. 2016, Net2Net). Raises ValueError where the earlier one does not fit in.
    """
    known = {layer.name: layer.get_weights() for layer in earlier.layers if layer.weights}
    for layer in network.layers:
        if layer.name in known:
            layer.set_weights(known.pop(layer.name))
        elif layer.name.endswith("_second_normalization"):
            layer.gamma.assign(np.zeros(layer.gamma.shape))
    if known:
        raise ValueError(f"it lacks {', '.join(sorted(known))}")


def predict(network: keras.Model, faces: npt.NDArray[np.uint8], batch: int = 256) -> dict[str, npt.NDArray[np.float32]]:
    """Return the logits by head, each (n, 7), of (n, 48, 48) grey faces."""
    parts: list[dict[str, npt.NDArray[np.float32]]] = []
    for start in range(0, len(faces), batch):
        part = np.zeros((batch, SIZE, SIZE, 1), np.float32)  # a smaller batch at the end would be compiled once more
        few = faces[start : start + batch, ..., None]
        np.divide(few, 255, out=part[: len(few)], dtype=np.float32)
        parts.append(network.predict_on_batch(part))  # compiled, unlike a call of the network
    return {head: np.concatenate([part[head] for part in parts])[: len(faces)] for head in HEADS}


def save_network(network: keras.Model, card: Card, folder: Path) -> None:
    """Write `weights.npz` and `card.json` to `folder`, each to a part file first, so that a reader sees whole files."""
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder, network.get_weights())
    write_card(folder, card)


def load_network(folder: Path, *, mixed: bool = False) -> tuple[keras.Model, Card]:
    """Build the network that a folder's card describes (see build_network) and give it the folder's weights.

    Raises ModelFileError.
    """
    card = load_card(folder)
    weights, _ = read_weights(folder)
    network = build_network(card.architecture, mixed=mixed)
    try:
        network.set_weights(weights)
    except ValueError as error:
        raise ModelFileError(f"{folder}/weights.npz does not fit its card ({error}); train again") from error
    return network, card
