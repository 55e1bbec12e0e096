"""Find faces and their five landmarks in a frame."""

import cmath
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from detection.vision.cascade import FACE, FAINT, Cascade
from detection.vision.pyramid import GREY, Pyramid

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
# A face that is shaded, half covered or tilted often fails before the last network, which would have known it. Where no
# face is found, the frame is looked at again with FAINT candidates, turned by these degrees, anticlockwise, and a face
# counts from the confidence beside them: turned by 30, patterns look like faces sooner.
TURNS = ((0, FACE), (-15, FACE), (15, FACE), (-30, 0.9), (30, 0.9))
# Before that, the values of a frame whose brightest hundredth is darker than DARK are stretched to 0..255, but for CUT
# percent at each end. In frames with light that finds a few faces more, and sees some where there are none.
DARK, CUT = 110, 0.5


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
    frame shows either the people before the camera or, without them, those further away. When there is still none, a
    faint or tilted one is looked for in the frame as `turns` says: degrees, and the least confidence.
    """

    def __init__(self, turns: tuple[tuple[int, float], ...] = TURNS) -> None:
        self._cascade, self._turns = Cascade(), turns

    def find(self, image: npt.NDArray[np.uint8]) -> list[Face]:
        """Return the faces in an RGB frame (h, w, 3), largest first."""
        return self.search(Pyramid(image))

    def search(self, pyramid: Pyramid) -> list[Face]:
        """Return the faces in a frame whose pyramid is built, largest first."""
        return self._clear(pyramid) or self._faint(pyramid)

    def _clear(self, pyramid: Pyramid) -> list[Face]:
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

    def _faint(self, pyramid: Pyramid) -> list[Face]:
        """Return the surest face of the frame turned each way, if one is close."""
        frame = _lit(pyramid.resized(pyramid.width, pyramid.height))
        found = [face for turn, sure in self._turns for face in self._turned(frame, turn) if face.confidence >= sure]
        return sorted(found, key=lambda face: -face.confidence)[:1]

    def _turned(self, frame: Image.Image, turn: int) -> list[Face]:
        """Return the faces, faint ones too, of a frame turned by some degrees, where they are in the frame itself."""
        turned = Pyramid(np.asarray(frame.rotate(turn, Image.Resampling.BILINEAR, fillcolor=(GREY,) * 3)))
        sizes = windows(max(SMALLEST, NEAR * max(frame.size)), min(frame.size))
        rows = self._cascade.settle(turned, self._cascade.propose(turned, sizes, sure=FAINT), sure=FAINT)
        return [_turned_back(_face(row, turned), turn, frame.size) for row in rows]


def _lit(frame: npt.NDArray[np.uint8]) -> Image.Image:
    """Return a frame as a picture, a dark one with its values stretched."""
    picture = Image.fromarray(frame)
    if np.percentile(frame[::4, ::4], 99) >= DARK:
        return picture
    return ImageOps.autocontrast(picture, cutoff=CUT, preserve_tone=True)


def windows(smallest: float, largest: float) -> list[float]:
    """Return the sizes of windows in pixels, from `smallest` on, each 1 / FACTOR of the one before, up to `largest`."""
    sizes = []
    while smallest <= largest:
        sizes.append(smallest)
        smallest /= FACTOR
    return sizes


def _turned_back(face: Face, turn: float, size: tuple[int, int]) -> Face:
    """Return a face of a turned frame where it is in the frame itself, whose box has the same centre and sides."""
    centre = complex(*size) / 2
    by = cmath.exp(1j * math.radians(turn))

    def back(x: float, y: float) -> tuple[float, float]:
        place = centre + (complex(x, y) - centre) * by
        return place.real, place.imag

    x, y, width, height = face.box
    middle = back(x + width / 2, y + height / 2)
    ends = (middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2)
    left, top, right, bottom = (min(max(end, 0.0), size[i % 2] - 1) for i, end in enumerate(ends))
    landmarks = {name: back(*place) for name, place in face.landmarks.items()}
    return Face((left, top, right - left, bottom - top), face.confidence, landmarks)


def _face(row: npt.NDArray[np.float32], pyramid: Pyramid) -> Face:
    ends = (pyramid.width - 1, pyramid.height - 1)
    left, top, right, bottom = (min(max(float(value), 0.0), ends[i % 2]) for i, value in enumerate(row[:4]))
    points = {name: (float(row[5 + i]), float(row[10 + i])) for i, name in enumerate(LANDMARKS)}
    return Face((left, top, right - left, bottom - top), float(row[4]), points)
