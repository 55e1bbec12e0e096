"""Find faces and their five landmarks in a frame."""

import os
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import numpy.typing as npt
from mtcnn import MTCNN

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@dataclass(frozen=True)
class Face:
    """One face in pixels of its frame: box as x, y, width, height; landmarks by name, left meaning the picture's."""

    box: tuple[float, float, float, float]
    confidence: float
    landmarks: dict[str, tuple[float, float]]


class FaceFinder:
    """MTCNN with the weights of the `mtcnn` package."""

    def __init__(self) -> None:
        self._detector = MTCNN()

    def find(self, image: npt.NDArray[np.uint8]) -> list[Face]:
        """Return the faces in an RGB frame (h, w, 3), largest first."""
        faces = [_face(found) for found in self._detector.detect_faces(image)]
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])


def _face(found: dict[str, Any]) -> Face:
    x, y, width, height = (float(value) for value in found["box"])
    points = {name: (float(found["keypoints"][name][0]), float(found["keypoints"][name][1])) for name in LANDMARKS}
    return Face((x, y, width, height), float(found["confidence"]), points)
