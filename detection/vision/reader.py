"""Read the emotion that a burst of frames shows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from detection.vision.alignment import align
from detection.vision.classifier import Classifier
from detection.vision.data import SIZE
from detection.vision.faces import Face, FaceFinder
from detection.vision.pyramid import Pyramid
from emotune.emotions import EMOTIONS

Frame = npt.NDArray[np.uint8]
# Frames are read at this size: `decode(data, FRAME_SIDE)`.
FRAME_SIDE = 640


@dataclass(frozen=True)
class Look:
    """What a burst of frames shows before its emotion is read.

    `crops` are the aligned largest faces, (n, 48, 48) grey, one for each frame with a face. `faces` counts those of the
    frame with most; `face` is the largest of all, in pixels of its frame, which is number `frame` of the burst.
    """

    crops: npt.NDArray[np.uint8]
    faces: int
    face: Face | None
    frame: int
    milliseconds: float


@dataclass(frozen=True)
class Reading:
    """What a burst of frames showed.

    `faces` counts those of the frame with most; `box` (x, y, width, height) and `landmarks` are of the largest face,
    in pixels of its frame. Without a face there are no emotion, scores, box and landmarks.
    """

    status: Literal["done", "unsure", "no_face"]
    emotion: str
    confidence: float | None
    scores: dict[str, float]
    faces: int
    box: tuple[int, int, int, int] | None
    landmarks: dict[str, tuple[float, float]] | None
    model_version: str
    milliseconds: float

    def scaled(self, factor: float) -> "Reading":
        """Return the reading with box and landmarks in pixels of a picture `factor` times the size of its frame."""
        if self.box is None or self.landmarks is None:
            return self
        x, y, width, height = (round(value * factor) for value in self.box)
        points = {name: (round(x * factor, 1), round(y * factor, 1)) for name, (x, y) in self.landmarks.items()}
        return replace(self, box=(x, y, width, height), landmarks=points)


def find_aligned(finder: FaceFinder, frame: Frame) -> tuple[list[Face], npt.NDArray[np.uint8] | None]:
    """Return the faces of an RGB frame (h, w, 3), the largest first, and that one aligned: (48, 48) grey, or None."""
    pyramid = Pyramid(frame)
    faces = finder.search(pyramid)
    if not faces:
        return [], None
    return faces, align(pyramid, faces[0].landmarks["left_eye"], faces[0].landmarks["right_eye"])


class Reader:
    """A face finder and an emotion network, loaded once and warm."""

    def __init__(self, finder: FaceFinder, classifier: Classifier) -> None:
        self.finder, self.classifier = finder, classifier
        self.card = classifier.card

    @classmethod
    def load(cls, folder: Path) -> "Reader":
        """Load the network of a folder (raises ModelFileError) and run everything once, so that no reading is slow."""
        reader = cls(FaceFinder(), Classifier.load(folder))
        reader.read([np.zeros((480, FRAME_SIDE, 3), np.uint8)])
        reader.classifier.classify(np.zeros((1, SIZE, SIZE), np.uint8))
        return reader

    def read(self, frames: Sequence[Frame]) -> Reading:
        """Read 1 or more RGB frames (h, w, 3) of one person: the largest face of each, averaged."""
        return self.judge([self.look(frames)])[0]

    def look(self, frames: Sequence[Frame]) -> Look:
        """Find and align the largest face of each of 1 or more RGB frames (h, w, 3)."""
        start = time.perf_counter()
        crops, counts = [], []
        largest, at = None, 0
        for number, frame in enumerate(frames):
            faces, crop = find_aligned(self.finder, frame)
            counts.append(len(faces))
            if crop is not None:
                crops.append(crop)
                if largest is None or _area(faces[0]) > _area(largest):
                    largest, at = faces[0], number
        stacked = np.stack(crops) if crops else np.empty((0, SIZE, SIZE), np.uint8)
        return Look(stacked, max(counts, default=0), largest, at, 1000 * (time.perf_counter() - start))

    def judge(self, looks: Sequence[Look]) -> list[Reading]:
        """Read the emotions of 1 or more bursts, all their faces in one batch; a reading for each."""
        start = time.perf_counter()
        crops = np.concatenate([look.crops for look in looks])
        shares = self.classifier.classify(crops) if len(crops) else np.empty((0, len(EMOTIONS)))
        each = 1000 * (time.perf_counter() - start) / len(looks)
        ends = np.cumsum([len(look.crops) for look in looks])
        bursts = np.split(shares, ends[:-1])
        return [
            self._reading(look, burst, round(look.milliseconds + each, 1))
            for look, burst in zip(looks, bursts, strict=True)
        ]

    def _reading(self, look: Look, shares: npt.NDArray[np.float64], milliseconds: float) -> Reading:
        if look.face is None:
            return Reading("no_face", "", None, {}, 0, None, None, self.card.version, milliseconds)
        mean = shares.mean(axis=0)
        best = int(mean.argmax())
        x, y, width, height = (round(value) for value in look.face.box)
        return Reading(
            status="unsure" if mean[best] < self.card.unsure_below else "done",
            emotion=EMOTIONS[best],
            confidence=round(float(mean[best]), 4),
            scores={name: round(float(p), 4) for name, p in zip(EMOTIONS, mean, strict=True)},
            faces=look.faces,
            box=(x, y, width, height),
            landmarks={name: (round(x, 1), round(y, 1)) for name, (x, y) in look.face.landmarks.items()},
            model_version=self.card.version,
            milliseconds=milliseconds,
        )


def _area(face: Face) -> float:
    return face.box[2] * face.box[3]
