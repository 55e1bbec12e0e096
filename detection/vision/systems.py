"""The systems that an evaluation compares, each read through one interface."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from detection.vision.card import ModelFileError, read_fields
from detection.vision.classifier import Classifier
from detection.vision.data import SIZE, Split
from detection.vision.evaluation import measure_truths
from detection.vision.faces import Face, FaceFinder
from detection.vision.framing import as_frame
from detection.vision.peers import NAMES, Peer, PeerError, PeerMissing
from detection.vision.reader import find_aligned
from emotune.emotions import EMOTIONS

Pixels = npt.NDArray[np.uint8]
# Probabilities (7,) by head.
Heads = dict[str, npt.NDArray[np.float64]]
MODELS = Path(__file__).resolve().parents[2] / "models"
# A square this much smaller than the box is high, about its centre, looks most like FER2013's faces.
BOX = 0.9
NOTHING = np.full(len(EMOTIONS), np.nan)


class SystemMissing(Exception):
    """A system cannot be measured here; the message says what to do."""


class System(Protocol):
    """One way to read an emotion. `heads` names what `read` returns; the first is what the others are compared with."""

    heads: tuple[str, ...]
    parameters: int

    def read(self, picture: Pixels) -> Heads | None:
        """Return what an RGB picture (h, w, 3) shows, None where no face was found. A peer raises PeerError."""

    def close(self) -> None:
        """End what the system started."""


class Network:
    """A network of ours: faces are found, aligned by the eyes and classified, or classified as they were cut out."""

    def __init__(self, folder: Path, *, crops: bool, flips: bool = False) -> None:
        self._classifier = Classifier.load(folder)
        self._finder = None if crops else FaceFinder()
        self._flips = flips
        self.parameters = self._classifier.parameters
        # On faces that were cut out, what is comparable with figures in print; on photographs, what people are told.
        self.heads: tuple[str, ...] = ("labels", "crowd", "served") if crops else ("served", "labels", "crowd")

    def read(self, picture: Pixels) -> Heads | None:
        crop = grey(picture) if self._finder is None else find_aligned(self._finder, picture)[1]
        if crop is None:
            return None
        answers = self._classifier.answers(crop[None], flips=self._flips)
        return {head: answers[head][0] for head in self.heads}

    def close(self) -> None:
        """Nothing was started."""


class Plain:
    """The paper's plain network, on faces that our finder boxes."""

    heads: tuple[str, ...] = ("read",)

    def __init__(self, folder: Path, *, crops: bool) -> None:
        from detection.vision.plain_cnn import PlainCnn

        self._network = PlainCnn.load(folder)
        self._finder = None if crops else FaceFinder()
        self.parameters = self._network.parameters

    def read(self, picture: Pixels) -> Heads | None:
        if self._finder is not None:
            faces = self._finder.find(picture)
            if not faces:
                return None
            picture = boxed(picture, faces[0])
        return {"read": self._network.classify(grey(picture)[None])[0]}

    def close(self) -> None:
        """Nothing was started."""


class PeerSystem:
    """A peer in its own process."""

    heads: tuple[str, ...] = ("read",)

    def __init__(self, name: str, *, crops: bool) -> None:
        self._peer = Peer(name, crops=crops)
        self.parameters = self._peer.parameters

    def read(self, picture: Pixels) -> Heads | None:
        scores = self._peer.read(picture).scores
        if scores is None:
            return None
        shares = np.array([scores[emotion] for emotion in EMOTIONS])
        return {"read": shares / max(shares.sum(), 1e-9)}  # fer rounds its scores

    def close(self) -> None:
        self._peer.close()


def network_folder(name: str) -> Path:
    """Return where the network lies that `emotune`, or a folder's own name, means. Raises ModelFileError where there is
    none, or a plain one, which has no heads and is known by its own name alone.
    """
    folder = MODELS / name if name == "emotune" else Path(name)
    if read_fields(folder).get("kind") == "cnn":
        raise ModelFileError(f"{folder} holds a plain network; measure it as cnn, which is the one at {MODELS / 'cnn'}")
    return folder


def open_system(name: str, *, crops: bool, flips: bool = False) -> System:
    """Load "emotune", "cnn", a peer, or the network of a folder, which is no plain one. Raises SystemMissing where it
    cannot run here.

    With `crops` pictures are faces that were cut out; otherwise photographs or frames in which a face is looked for.
    With `flips` each head of a network of ours is asked about a face and its mirrored twin.
    """
    try:
        if name in NAMES:
            return PeerSystem(name, crops=crops)
        if name == "cnn":
            return Plain(MODELS / name, crops=crops)
        return Network(network_folder(name), crops=crops, flips=flips)
    except PeerMissing as error:
        raise SystemMissing(str(error)) from None
    except ModelFileError as error:
        if name != "cnn":
            raise
        how = "train it with `manage.py train_detector --model cnn --data D --out models/cnn`"
        raise SystemMissing(f"{MODELS / name} holds no plain network; {how}") from error


@dataclass(frozen=True)
class Figures:
    """What an evaluation of one system found.

    The first figures are those of `head` against the data set's own labels; `heads` has every head against every
    truth. `milliseconds` is the median for one picture; `errors` has what a system said of each picture on which it
    broke, which counts as missed. See evaluation.Measures for the rest.
    """

    head: str
    measures: dict[str, Any]
    milliseconds: float
    parameters: int
    heads: dict[str, dict[str, Any]]
    errors: list[str]

    def to_json(self) -> dict[str, Any]:
        return {**self.measures, **{name: value for name, value in asdict(self).items() if name != "measures"}}


def evaluate(
    system: System,
    test: Split,
    progress: Callable[[int], object],
    *,
    crops: bool,
    strangers: npt.NDArray[np.bool_] | None = None,
) -> Figures:
    """Let a system read every picture of a split and measure it; for `strangers` see evaluation.measure_truths."""
    read: dict[str, list[Any]] = {head: [] for head in system.heads}
    times, errors = [], []
    for i in range(len(test)):
        picture = test.photograph(i)
        picture = picture if crops else as_frame(picture)
        begin = time.perf_counter()
        try:
            answer = system.read(picture)
        except PeerError as error:
            answer = None
            errors.append(f"{test.names[i]}: {error}")
        times.append(time.perf_counter() - begin)
        for head in system.heads:
            read[head].append(NOTHING if answer is None else answer[head])
        progress(1)
    heads = {head: measure_truths(np.stack(rows), test, strangers) for head, rows in read.items()}
    first = system.heads[0]
    milliseconds = round(1000 * float(np.median(times)), 2)
    return Figures(first, heads[first]["labels"], milliseconds, system.parameters, heads, errors)


def grey(picture: Pixels) -> Pixels:
    """Return a picture (h, w, 3) as the grey face (48, 48) that networks read."""
    image = Image.fromarray(picture).convert("L")
    return np.asarray(image if image.size == (SIZE, SIZE) else image.resize((SIZE, SIZE), Image.Resampling.BOX))


def boxed(picture: Pixels, face: Face) -> Pixels:
    """Cut out the square about the centre of a face's box, BOX times as high."""
    x, y, width, height = face.box
    half = BOX / 2 * max(width, height)
    x, y = x + width / 2, y + height / 2
    square = Image.fromarray(picture).crop((round(x - half), round(y - half), round(x + half), round(y + half)))
    return np.asarray(square)
