"""The emotion network in Keras: its layers and its file."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from detection.vision.card import HEADS, Architecture, Card, ModelFileError, load_card, write_card
from detection.vision.data import SIZE
from detection.vision.weights import read_weights, write_weights
from emotune.emotions import EMOTIONS

# Of the running mean and variance of what a batch normalization sees.
MOMENTUM = 0.97


@keras.saving.register_keras_serializable("emotune")
class FusedBatchNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalization that trains with the backend's one fused kernel.

    Keras composes the layer of several elementwise operations; on a CPU in bfloat16 the fused kernel made the whole
    training step 1.5 times faster. Inference and other backends use Keras' own code.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        backend = keras.backend.backend()
        if not training or backend not in ("tensorflow", "torch"):
            return super().call(inputs, training=training, mask=mask)
        return self._fused_tensorflow(inputs) if backend == "tensorflow" else self._fused_torch(inputs)

    def _fused_tensorflow(self, inputs: Any) -> Any:
        import tensorflow as tf

        scale, offset = tf.cast(self.gamma.value, tf.float32), tf.cast(self.beta.value, tf.float32)
        normalized, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=scale, offset=offset, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1 - self.momentum))
        self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1 - self.momentum))
        return normalized

    def _fused_torch(self, inputs: Any) -> Any:
        import torch

        mean, variance = self.moving_mean.value, self.moving_variance.value
        scale, offset = self.gamma.value.float(), self.beta.value.float()
        normalized = torch.nn.functional.batch_norm(
            inputs.permute(0, 3, 1, 2), mean, variance, scale, offset, True, 1 - self.momentum, self.epsilon
        )
        return normalized.permute(0, 2, 3, 1)


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
    """Return a residual network: (n, 48, 48, 1) grey in 0..1 to a dict of logits (n, 7), one entry per head.

    With `mixed` it computes in bfloat16 and keeps its weights and logits at float32.
    """
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if mixed else "float32")
    try:
        return _network(architecture)
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


def renew_statistics(network: keras.Model, batches: Iterable[npt.NDArray[np.float32]]) -> None:
    """Give the normalizations the mean and variance of what batches of (n, 48, 48, 1) pictures in 0..1 cause in them.

    Those of a training belong to the weights on their way and to pictures mixed in pairs; what is served is an average
    of the weights, and sees pictures as they are (Izmailov et al. 2018, stochastic weight averaging).
    """
    normalizations = [layer for layer in network.layers if isinstance(layer, FusedBatchNormalization)]
    for number, faces in enumerate(batches):
        for layer in normalizations:
            layer.momentum = number / (number + 1)  # a plain mean over the batches
        network(faces, training=True)
    for layer in normalizations:
        layer.momentum = MOMENTUM


def predict(network: keras.Model, faces: npt.NDArray[np.uint8], batch: int = 256) -> dict[str, npt.NDArray[np.float32]]:
    """Return the logits by head, each (n, 7), of (n, 48, 48) grey faces."""
    parts: list[dict[str, npt.NDArray[np.float32]]] = []
    for start in range(0, len(faces), batch):
        part = faces[start : start + batch, ..., None].astype(np.float32) / 255
        parts.append(network.predict_on_batch(part))  # compiled, unlike a call of the network
    return {head: np.concatenate([part[head] for part in parts]) for head in HEADS}


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
