"""Find faces and their five landmarks in a frame."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.vision.cascade import Cascade
from detection.vision.pyramid import Pyramid

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
# The package's step from one window size to the next.
FACTOR = 0.709
# Shares of the frame's longer side: the smallest window of all, which is the package's at 640 pixels; and the one laid
# at first, 79 of 640 pixels, which finds faces from about 52 pixels on.
FAR = 20 / 640
NEAR = FAR / FACTOR**4
# A person before a camera has a face at least this wide. Without one, those further away are looked for.
CLOSE = 1 / 8
# Networks that look at 12 pixels see nothing in windows of fewer pixels of the frame.
SMALLEST = 20
# A face that fills the picture lies in windows that reach beyond it: by this share of the window, for windows from one
# share of the frame's shorter side to the other.
MARGIN, LARGE, LARGEST = 1 / 3, 0.3, 1.5


@dataclass(frozen=True)
class Face:
    """One face in pixels of its frame: box as x, y, width, height; landmarks by name, left meaning the picture's."""

    box: tuple[float, float, float, float]
    confidence: float
    landmarks: dict[str, tuple[float, float]]


class FaceFinder:
    """MTCNN, as the package `mtcnn` has it, in a tenth of its time.

    At first windows of at least NEAR of the longer side are laid over the frame. When they hold no face, windows that
    reach beyond the frame are tried (a face that fills the picture). When nobody is close, small ones are laid too: a
    frame shows either the people before the camera or, without them, those further away.
    """

    def __init__(self) -> None:
        self._cascade = Cascade()

    def find(self, image: npt.NDArray[np.uint8]) -> list[Face]:
        """Return the faces in an RGB frame (h, w, 3), largest first."""
        return self.search(Pyramid(image))

    def search(self, pyramid: Pyramid) -> list[Face]:
        """Return the faces in a frame whose pyramid is built, largest first."""
        longer, shorter = max(pyramid.width, pyramid.height), min(pyramid.width, pyramid.height)
        near, far = (max(SMALLEST, share * longer) for share in (NEAR, FAR))
        candidates = self._cascade.propose(pyramid, windows(near, shorter))
        found = self._cascade.settle(pyramid, candidates)
        if not len(found):
            beyond = windows(max(SMALLEST, LARGE * shorter), LARGEST * shorter)
            found = self._cascade.settle(pyramid, self._cascade.propose(pyramid, beyond, MARGIN))
        if far < near and not (found[:, 2] - found[:, 0] >= CLOSE * longer).any():
            further = self._cascade.propose(pyramid, windows(far, 0.99 * near))
            found = self._cascade.settle(pyramid, np.concatenate([candidates, further]))
        faces = [_face(row, pyramid) for row in found]
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])


def windows(smallest: float, largest: float) -> list[float]:
    """Return the sizes of windows in pixels, from `smallest` on, each 1 / FACTOR of the one before, up to `largest`."""
    sizes = []
    while smallest <= largest:
        sizes.append(smallest)
        smallest /= FACTOR
    return sizes


def _face(row: npt.NDArray[np.float32], pyramid: Pyramid) -> Face:
    ends = (pyramid.width - 1, pyramid.height - 1)
    left, top, right, bottom = (min(max(float(value), 0.0), ends[i % 2]) for i, value in enumerate(row[:4]))
    points = {name: (float(row[5 + i]), float(row[10 + i])) for i, name in enumerate(LANDMARKS)}
    return Face((left, top, right - left, bottom - top), float(row[4]), points)
