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
        start = time.perf_counter()
        pyramids = [Pyramid(frame) for frame in frames]
        found = [self.finder.search(pyramid) for pyramid in pyramids]
        largest = [(pyramid, faces[0]) for pyramid, faces in zip(pyramids, found, strict=True) if faces]
        reading = self._judge(largest)
        elapsed = round(1000 * (time.perf_counter() - start), 1)
        return replace(reading, faces=max(map(len, found), default=0), milliseconds=elapsed)

    def _judge(self, largest: list[tuple[Pyramid, Face]]) -> Reading:
        if not largest:
            return Reading("no_face", "", None, {}, 0, None, None, self.card.version, 0.0)
        crops = [align(frame, face.landmarks["left_eye"], face.landmarks["right_eye"]) for frame, face in largest]
        mean = self.classifier.classify(np.stack(crops)).mean(axis=0)
        best = int(mean.argmax())
        face = max((face for _, face in largest), key=lambda face: face.box[2] * face.box[3])
        x, y, width, height = (round(value) for value in face.box)
        return Reading(
            status="unsure" if mean[best] < self.card.unsure_below else "done",
            emotion=EMOTIONS[best],
            confidence=round(float(mean[best]), 4),
            scores={name: round(float(p), 4) for name, p in zip(EMOTIONS, mean, strict=True)},
            faces=0,
            box=(x, y, width, height),
            landmarks={name: (round(x, 1), round(y, 1)) for name, (x, y) in face.landmarks.items()},
            model_version=self.card.version,
            milliseconds=0.0,
        )
