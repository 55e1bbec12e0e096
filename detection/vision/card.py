"""The model card that travels with the weights, and the probabilities that it makes of a network's logits.

No TensorFlow here: what serves the network reads its card too.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detection.vision.sureness import confidence, features, restate
from emotune.emotions import EMOTIONS

FORMAT = 1
# Heads: FER2013's own labels, and the votes of FER+'s ten annotators. They agree on 64 % of the pictures only.
HEADS = ("labels", "crowd")
AGAIN = "train again, or take the card that belongs to the weights"


class ModelFileError(ValueError):
    """A model file is missing or was written in another format; the message says which and what to do."""


@dataclass(frozen=True)
class Architecture:
    """Widths of the stem and of the residual stages, and how many blocks a stage has: all the same, or each its own.

    Each stage halves the picture; `fine` blocks of the stem's width come before, where a face has all its pixels.
    With `squeeze` each block weighs its channels by the picture as a whole (squeeze-and-excitation, Hu et al. 2018),
    through a layer that is so many times narrower. All of this is of the residual trunk; a `trunk` of another name
    ("facenet") has sizes of its own (facenet.py), and sees a face `enlarged` to so many pixels.
    """

    stem: int = 32
    widths: tuple[int, ...] = (64, 128, 192)
    blocks: int | tuple[int, ...] = 2
    dropout: float = 0.3
    squeeze: int = 0
    fine: int = 0
    trunk: str = "residual"
    enlarged: int = 112

    @property
    def stages(self) -> list[tuple[int, int]]:
        """The width of each stage and how many blocks it has."""
        blocks = (self.blocks,) * len(self.widths) if isinstance(self.blocks, int) else self.blocks
        return list(zip(self.widths, blocks, strict=True))

    def blocks_in_order(self) -> Iterator["Block"]:
        """Give the residual blocks as a picture meets them."""
        for number in range(self.fine):
            yield Block(f"fine_block{number}", self.stem, 1)
        for stage, (width, blocks) in enumerate(self.stages):
            for number in range(blocks):
                yield Block(f"stage{stage}_block{number}", width, 2 if number == 0 else 1)


class Block(NamedTuple):
    """A residual block: how many channels leave it, and whether it keeps the picture's size (1) or halves it (2)."""

    name: str
    width: int
    stride: int


# The small network with a block more where its kernels are widest.
DEEP = Architecture(blocks=(2, 3, 3))
# And with a block before the first stage.
FINE = Architecture(blocks=(2, 3, 3), fine=1)
# The deep one with another block in its last stage: 3.5 million parameters.
DEEPER = Architecture(blocks=(2, 3, 4))
# What fits into 8 MB, and into three times the time of the package `fer`: two more, of 64 and of 128 channels.
DEEPEST = Architecture(blocks=(3, 4, 4))
# A teacher of twelve million parameters.
LARGE = Architecture(stem=64, widths=(128, 256, 384), blocks=3, dropout=0.4, squeeze=8)
# A teacher that begins with what it took to tell people apart.
FACENET = Architecture(trunk="facenet")
# And sees faces as large as when it did so.
FACENET_160 = Architecture(trunk="facenet", enlarged=160)
TRUNKS = ("residual", "facenet")


@dataclass(frozen=True)
class Card:
    """The model card that travels with the weights: what the network is, and what was measured of it.

    `offset` is added to the logits of a head that answers alone, `temperature` divides them; `blend` is the share of
    the crowd head in the probabilities that are served, and `sureness` has the weights that say how high the highest of
    them is (sureness.py; without weights it stays as it is); under `unsure_below` a reading is called unsure. What a
    network that is `mirrored` serves is the mean over a face and its mirrored twin.
    """

    version: str
    architecture: Architecture
    temperature: dict[str, float] = field(default_factory=lambda: dict.fromkeys(HEADS, 1.0))
    offset: dict[str, list[float]] = field(default_factory=lambda: {head: [0.0] * len(EMOTIONS) for head in HEADS})
    blend: float = 0.5
    mirrored: bool = False
    sureness: list[float] = field(default_factory=list)
    unsure_below: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return what `card.json` holds."""
        return asdict(self)


def write_card(folder: Path, card: Card) -> None:
    """Write `card.json` to a folder."""
    write_fields(folder, card.to_json())


def write_fields(folder: Path, fields: dict[str, Any]) -> None:
    """Write what `card.json` of a folder says."""
    write_whole(folder / "card.json", json.dumps(fields, indent=1) + "\n")


def write_whole(file: Path, text: str) -> None:
    """Write a text of which others see nothing before all of it is there."""
    part = file.with_name(f"{file.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def read_fields(folder: Path) -> dict[str, Any]:
    """Return what `card.json` of a folder says. Raises ModelFileError when there is none, or it says nothing."""
    file = folder / "card.json"
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ModelFileError(f"{folder}: no model there; train one with `manage.py train_detector --out`") from None
    except OSError as error:
        raise ModelFileError(f"{file} cannot be read ({error.strerror or error})") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelFileError(f"{file} is not JSON ({error})") from None
    if not isinstance(told, dict):
        raise ModelFileError(f"{file} is no model card; {AGAIN}")
    return told


def load_card(folder: Path) -> Card:
    """Read the model card. Raises ModelFileError when there is none, or it is not in this code's format."""
    file, told = folder / "card.json", read_fields(folder)
    if told.get("format") != FORMAT:
        raise ModelFileError(f"{file} has format {told.get('format')}, this version reads {FORMAT}")
    _check_fields(file, told, Card, {"version", "architecture"})
    card = Card(**{**told, "architecture": _architecture(file, told["architecture"])})
    _check_values(file, card)
    return card


def _check_values(file: Path, card: Card) -> None:
    """Raise ModelFileError where a reading, or the page about the reader, would come to grief on what a card tells."""
    found = [found for truths in _dicts(card.measures) for found in _dicts(truths)]
    if not all(isinstance(part, dict) for part in (card.data, card.training, card.measures, *found)):
        raise ModelFileError(f"{file} tells its data, training or measures in no way that is known; {AGAIN}")
    shares = {"blend": card.blend, "unsure_below": card.unsure_below, "held_out": card.training.get("held_out", 0)}
    for name, share in shares.items():
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ModelFileError(f"{file} tells something else than a share from 0 to 1 as its {name}; {AGAIN}")
    zeros = {head: np.zeros((1, len(EMOTIONS)), np.float32) for head in HEADS}
    try:
        with np.errstate(all="ignore"):
            read = [probabilities(zeros, card, blend) for blend in (None, 0.0, 1.0)]
        fits = np.isfinite(read).all() and all(0 < card.temperature[head] < math.inf for head in HEADS)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        fits = False
    if not fits:
        raise ModelFileError(f"{file} tells no temperature, offsets and sureness that can be reckoned with; {AGAIN}")


def _dicts(told: Any) -> Iterable[Any]:
    """Return what a dict holds; of something else that it stands there itself, to be found by a check."""
    return told.values() if isinstance(told, dict) else [told]


def _check_fields(file: Path, told: dict[str, Any], kind: type[Card | Architecture], needed: set[str]) -> None:
    missing, unknown = needed - set(told), set(told) - {known.name for known in fields(kind)}
    if missing:
        raise ModelFileError(f"{file} does not tell its {', '.join(sorted(missing))}; {AGAIN}")
    if unknown:
        raise ModelFileError(f"{file} tells of {', '.join(sorted(unknown))}, which this version does not know; {AGAIN}")


def _architecture(file: Path, told: Any) -> Architecture:
    """Make of JSON's lists the tuples that they were."""
    if not isinstance(told, dict):
        raise ModelFileError(f"{file} describes no network; {AGAIN}")
    _check_fields(file, told, Architecture, set())
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    architecture = Architecture(**made)
    try:
        sizes = [architecture.stem, *(size for stage in architecture.stages for size in stage)]
        extras = [architecture.squeeze, architecture.fine]
        sizes.append(architecture.enlarged)
        fits = all(isinstance(size, int) for size in sizes + extras) and min(sizes) > 0 and min(extras) >= 0
        fits = fits and architecture.trunk in TRUNKS
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ModelFileError(f"{file} describes no network; {AGAIN}")
    return architecture


def probabilities(
    logits: dict[str, npt.NDArray[np.float32]], card: Card, blend: float | None = None
) -> npt.NDArray[np.float64]:
    """Turn logits by head, each (n, 7), into calibrated probabilities (n, 7) that sum to 1.

    They are what is served, or with `blend` a mixture of the two heads: 0 is the `labels` head alone, 1 the `crowd`
    head alone. Offsets belong to a head that answers alone; what is served is neither truth's.
    """
    alone = blend is not None
    labels, crowd = (softmax(_scaled(logits[head], card, head, alone=alone)) for head in HEADS)
    share = card.blend if blend is None else blend
    blended: npt.NDArray[np.float64] = (1 - share) * labels + share * crowd
    if alone or not card.sureness:
        return blended
    return restate(blended, confidence(features(labels, crowd, blended), card.sureness))


def _scaled(logits: npt.NDArray[np.float32], card: Card, head: str, *, alone: bool) -> npt.NDArray[Any]:
    offset = np.asarray(card.offset[head], np.float32) if alone else np.float32(0)
    return (logits + offset) / card.temperature[head]


def softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Softmax over the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    exponentials: npt.NDArray[np.float64] = np.exp(shifted)
    shares: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return shares
