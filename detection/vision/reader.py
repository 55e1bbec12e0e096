"""Read the emotion that a burst of frames shows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from detection.vision.alignment import align
from detection.vision.data import SIZE
from detection.vision.faces import Face, FaceFinder
from detection.vision.network import Card, load_network, probabilities
from emotune.emotions import EMOTIONS

Frame = npt.NDArray[np.uint8]
# Frames are read at this size: `decode(data, FRAME_SIDE)`.
FRAME_SIDE = 640
BATCH = 5


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


class Reader:
    """A face finder and an emotion network, loaded once and warm."""

    def __init__(self, finder: FaceFinder, network: Any, card: Card) -> None:
        self._finder, self._network, self.card = finder, network, card

    @classmethod
    def load(cls, folder: Path) -> "Reader":
        """Load the network of a folder (raises ModelFileError) and run everything once, so that no reading is slow."""
        network, card = load_network(folder)
        reader = cls(FaceFinder(), network, card)
        reader.read([np.zeros((480, 640, 3), np.uint8)])
        reader._classify(np.zeros((1, SIZE, SIZE), np.uint8))
        return reader

    def read(self, frames: Sequence[Frame]) -> Reading:
        """Read 1 or more RGB frames (h, w, 3) of one person: the largest face of each, averaged."""
        start = time.perf_counter()
        found = [self._finder.find(frame) for frame in frames]
        largest = [(frame, faces[0]) for frame, faces in zip(frames, found, strict=True) if faces]
        reading = self._judge(largest)
        elapsed = round(1000 * (time.perf_counter() - start), 1)
        return replace(reading, faces=max(map(len, found), default=0), milliseconds=elapsed)

    def _judge(self, largest: list[tuple[Frame, Face]]) -> Reading:
        version = self.card.version
        if not largest:
            return Reading("no_face", "", None, {}, 0, None, None, version, 0.0)
        eyes = [(frame, face.landmarks["left_eye"], face.landmarks["right_eye"]) for frame, face in largest]
        mean = self._classify(np.stack([align(*which) for which in eyes])).mean(axis=0)
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
            model_version=version,
            milliseconds=0.0,
        )

    def _classify(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Turn (n, 48, 48) crops into (n, 7) probabilities, in batches of one size so that nothing is traced twice."""
        parts = []
        for start in range(0, len(crops), BATCH):
            part = crops[start : start + BATCH]
            batch = np.zeros((BATCH, SIZE, SIZE, 1), np.float32)
            batch[: len(part), ..., 0] = part / np.float32(255)
            logits = {head: np.asarray(v)[: len(part)] for head, v in self._network(batch, training=False).items()}
            parts.append(probabilities(logits, self.card))
        return np.concatenate(parts)
