"""The model card that travels with the weights, and the probabilities that it makes of a network's logits.

No TensorFlow here: what serves the network reads its card too.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

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
