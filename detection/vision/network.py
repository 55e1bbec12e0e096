"""The emotion network: its layers, its file and its probabilities."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from detection.vision.data import SIZE
from emotune.emotions import EMOTIONS

FORMAT = 1
# Heads: FER2013's own labels, and the votes of FER+'s ten annotators. They agree on 64 % of the pictures only.
HEADS = ("labels", "crowd")


class ModelFileError(ValueError):
    """A model file is missing or was written in another format; the message says which and what to do."""


@dataclass(frozen=True)
class Architecture:
    """Widths of the stem and of the residual stages, and how many blocks a stage has."""

    stem: int = 32
    widths: tuple[int, ...] = (64, 128, 192)
    blocks: int = 2
    dropout: float = 0.3


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


def build_network(architecture: Architecture, seed: int = 0) -> keras.Model:
    """Return a residual network: (n, 48, 48, 1) grey in 0..1 to a dict of logits (n, 7), one entry per head."""
    keras.utils.set_random_seed(seed)
    inputs = layers.Input((SIZE, SIZE, 1))
    x = layers.Rescaling(4.0, offset=-2.0)(inputs)
    x = _convolution(x, architecture.stem, 1, activate=True)
    for width in architecture.widths:
        for block in range(architecture.blocks):
            x = _residual_block(x, width, stride=2 if block == 0 else 1)
    x = layers.GlobalAveragePooling2D(dtype="float32")(x)
    x = layers.Dropout(architecture.dropout, dtype="float32")(x)
    outputs = {head: layers.Dense(len(EMOTIONS), dtype="float32", name=head)(x) for head in HEADS}
    return keras.Model(inputs, outputs)


def _convolution(x: Any, width: int, stride: int, *, activate: bool, size: int = 3) -> Any:
    x = layers.Conv2D(width, size, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = FusedBatchNormalization(momentum=0.97, epsilon=1e-5)(x)
    return layers.ReLU()(x) if activate else x


def _residual_block(x: Any, width: int, stride: int) -> Any:
    y = _convolution(x, width, stride, activate=True)
    y = _convolution(y, width, 1, activate=False)
    if stride != 1 or x.shape[-1] != width:
        x = _convolution(x, width, stride, activate=False, size=1)
    return layers.ReLU()(layers.Add()([x, y]))


@dataclass(frozen=True)
class Card:
    """The model card that travels with the weights: what the network is, and what was measured of it.

    `temperature` divides a head's logits; `blend` is the share of the crowd head in the probabilities that are served;
    under `unsure_below` (top probability) a reading is called unsure.
    """

    version: str
    architecture: Architecture
    temperature: dict[str, float] = field(default_factory=lambda: dict.fromkeys(HEADS, 1.0))
    blend: float = 0.5
    unsure_below: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def save_network(network: keras.Model, card: Card, folder: Path) -> None:
    """Write `weights.npz` and `card.json` to `folder`, each to a part file first, so that a reader sees whole files."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "weights.part.npz"
    weights: dict[str, Any] = {f"w{i:03d}": np.asarray(w, np.float32) for i, w in enumerate(network.get_weights())}
    np.savez(part, **weights)
    part.replace(folder / "weights.npz")
    text = folder / "card.json.part"
    text.write_text(json.dumps(card.to_json(), indent=1) + "\n", encoding="utf-8")
    text.replace(folder / "card.json")


def load_card(folder: Path) -> Card:
    """Read the model card. Raises ModelFileError when there is none or its format is not this code's."""
    try:
        fields = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ModelFileError(f"{folder}: no model there; train one with `manage.py train_detector --out`") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelFileError(f"{folder}/card.json is not JSON ({error})") from None
    if fields.get("format") != FORMAT:
        raise ModelFileError(f"{folder}/card.json has format {fields.get('format')}, this version reads {FORMAT}")
    architecture = Architecture(**{**fields["architecture"], "widths": tuple(fields["architecture"]["widths"])})
    return Card(**{**fields, "architecture": architecture})


def load_network(folder: Path) -> tuple[keras.Model, Card]:
    """Build the network that a folder's card describes and give it the folder's weights; see load_card."""
    card = load_card(folder)
    network = build_network(card.architecture)
    try:
        with np.load(folder / "weights.npz", allow_pickle=False) as stored:
            network.set_weights([stored[name] for name in sorted(stored.files)])
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{folder}/weights.npz does not fit its card ({error}); train again") from error
    return network, card


def probabilities(
    logits: dict[str, npt.NDArray[np.float32]], card: Card, blend: float | None = None
) -> npt.NDArray[np.float64]:
    """Turn logits by head, each (n, 7), into calibrated probabilities (n, 7) that sum to 1.

    `blend` overrides the card's: 0 is the `labels` head alone, 1 the `crowd` head alone.
    """
    share = card.blend if blend is None else blend
    labels, crowd = (softmax(logits[head] / card.temperature[head]) for head in HEADS)
    blended: npt.NDArray[np.float64] = (1 - share) * labels + share * crowd
    return blended


def softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Softmax over the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    exponentials: npt.NDArray[np.float64] = np.exp(shifted)
    shares: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return shares
