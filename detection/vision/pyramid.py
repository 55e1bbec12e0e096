"""A frame at its own size, a half, a quarter and so on, sampled at any points without aliasing and without copies."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.floating[Any]]
LEVELS = 6
GREY = 128
# Red, green, blue and a byte that nobody reads: the four corners of a sample are taken as whole numbers.
PIXEL = np.uint32


class Pyramid:
    """The levels of one RGB frame (h, w, 3), each half of the one before, with a border of one grey pixel."""

    def __init__(self, frame: npt.NDArray[np.uint8]) -> None:
        self.images = [Image.fromarray(frame)]
        while len(self.images) < LEVELS and min(self.images[-1].size) > 2:
            self.images.append(self.images[-1].reduce(2))
        self.width, self.height = self.images[0].size
        self._sizes = np.array([level.size for level in self.images])
        self._strides = self._sizes[:, 0] + 2
        areas = self._strides * (self._sizes[:, 1] + 2)
        self._starts = np.concatenate([[0], np.cumsum(areas)[:-1]])
        self._flat = np.full(areas.sum(), GREY * 0x01010101, PIXEL)
        for level, start, area in zip(self.images, self._starts, areas, strict=True):
            bordered = self._flat[start : start + area].reshape(level.height + 2, level.width + 2)
            pixels = np.frombuffer(level.tobytes("raw", "RGBX"), PIXEL)
            bordered[1:-1, 1:-1] = pixels.reshape(level.height, level.width)

    def resized(self, width: int, height: int) -> npt.NDArray[np.uint8]:
        """Return the frame as RGB pixels (height, width, 3), each the mean of the pixels it covers."""
        # from a level far larger: the mean of few and already rounded means shows faces where there is grass
        fitting = [level for level in self.images if level.width >= 3 * width and level.height >= 3 * height]
        source = fitting[-1] if fitting else self.images[0]
        small = source if source.size == (width, height) else source.resize((width, height), Image.Resampling.BOX)
        return np.asarray(small)

    def sample(self, x: Numbers, y: Numbers, step: Numbers, *, repeat_edge: bool) -> Array:
        """Sample bilinearly at x, y, (n, h, w) or what broadcasts to it, in pixels of the frame; (n, h, w, 3), 0..255.

        `step` (n,) is the distance of neighbouring points: it chooses the level. Outside the frame lies grey, or its
        edge repeated.
        """
        level = np.clip(np.log2(np.maximum(step, 1e-6)), 0, len(self.images) - 1).astype(np.intp)
        scale = np.exp2(-level.astype(np.float32))[:, None, None]
        widths, heights = (self._sizes[level, axis][:, None, None] for axis in (0, 1))
        low, over = (0, -1) if repeat_edge else (-1, 0)
        x = np.clip((x + 0.5) * scale - 0.5, low, widths + over)
        y = np.clip((y + 0.5) * scale - 0.5, low, heights + over)
        left, top = (np.minimum(np.floor(v).astype(np.intp), end - 1) for v, end in ((x, widths), (y, heights)))
        across, down = (v.astype(np.float32)[..., None] for v in (x - left, y - top))
        stride = self._strides[level][:, None, None]
        at = (self._starts[level][:, None, None] + stride + 1) + top * stride + left
        upper = self._blend(at, across)
        sampled = self._blend(at + stride, across)
        sampled -= upper
        sampled *= down
        sampled += upper
        return sampled[..., :3]

    def _blend(self, at: npt.NDArray[np.intp], share: Array) -> Array:
        one, two = (self._flat.take(place).view(np.uint8).reshape(*at.shape, 4) for place in (at, at + 1))
        blended = two.astype(np.float32)
        blended -= one
        blended *= share
        blended += one
        return blended
