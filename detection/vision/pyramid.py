"""A frame at its own size, a half, a quarter and so on, from which parts are sampled without aliasing."""

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
LEVELS = 6
GREY = 128


class Pyramid:
    """The levels of one RGB frame (h, w, 3), each half of the one before; made when they are asked for.

    `images` are those made so far, the frame itself first.
    """

    def __init__(self, frame: Pixels) -> None:
        self.images = [Image.fromarray(frame)]
        self.width, self.height = self.images[0].size
        # the last level is one or two pixels wide, if there are so many
        self.depth = min(LEVELS, 1 + max(0, (min(self.images[0].size) - 1).bit_length() - 1))

    def level(self, number: int) -> Image.Image:
        """Return the frame at 1 / 2**number of its size; `number` is less than the pyramid's depth."""
        while len(self.images) <= number:
            self.images.append(self.images[-1].reduce(2))
        return self.images[number]

    def resized(self, width: int, height: int) -> Pixels:
        """Return the frame as RGB pixels (height, width, 3), each the mean of the pixels it covers."""
        # from a level far larger: the mean of few and already rounded means shows faces where there is grass
        larger = min(self.width / (3 * width), self.height / (3 * height))
        source = self.level(min(int(np.log2(max(1.0, larger))), self.depth - 1))
        small = source if source.size == (width, height) else source.resize((width, height), Image.Resampling.BOX)
        return np.asarray(small)

    def cut(self, boxes: npt.NDArray[np.float32], size: int) -> Pixels:
        """Sample boxes (n, 4), x1, y1, x2, y2 of their first and last points, as pixels (n, size, size, 3).

        Points are of the frame itself, between its pixels bilinearly; outside it lies grey.
        """
        half = (boxes[:, 2:4] - boxes[:, :2]) / (2 * (size - 1))
        (left, top), (right, bottom) = (boxes[:, :2] + 0.5 - half).T, (boxes[:, 2:4] + 0.5 + half).T
        corners = np.stack([left, top, left, bottom, right, bottom, right, top], axis=1).tolist()
        places = [(0, size * i, size, size * (i + 1)) for i in range(len(boxes))]
        cut = self.images[0].transform(
            (size, size * len(boxes)),
            Image.Transform.MESH,
            list(zip(places, corners, strict=True)),
            Image.Resampling.BILINEAR,
            fillcolor=(GREY, GREY, GREY),
        )
        return np.asarray(cut).reshape(len(boxes), size, size, 3)

    def turned(self, first: complex, step: complex, size: int) -> Pixels:
        """Sample a square of (size, size, 3) points, `step` apart in its rows, which go down at right angles to them.

        `first` is the upper left point, x + iy in pixels of the frame. Points come from the level whose pixels are
        nearest to `step`; outside the frame its edge is repeated.
        """
        number = int(np.clip(np.log2(max(abs(step), 1e-6) * 2**0.5), 0, self.depth - 1))
        image, scale = self.level(number), 0.5**number
        first, step = (first + complex(0.5, 0.5)) * scale, step * scale
        reach = [step * (right + 1j * down) * (size - 1) for right in (0, 1) for down in (0, 1)]
        # a square that lies wholly outside shows the same edge from nearby, where less of it has to be repeated
        first = complex(
            np.clip(first.real, -max(far.real for far in reach), image.width - min(far.real for far in reach)),
            np.clip(first.imag, -max(far.imag for far in reach), image.height - min(far.imag for far in reach)),
        )
        corners = [first + far for far in reach]
        over = max(
            *(max(-corner.real, corner.real - image.width) for corner in corners),
            *(max(-corner.imag, corner.imag - image.height) for corner in corners),
        )
        if over >= 0:
            edge = int(over) + 1
            image = Image.fromarray(np.pad(np.asarray(image), ((edge, edge), (edge, edge), (0, 0)), mode="edge"))
            first += complex(edge, edge)
        first -= step * complex(0.5, 0.5)
        across = (step.real, -step.imag, first.real, step.imag, step.real, first.imag)
        return np.asarray(image.transform((size, size), Image.Transform.AFFINE, across, Image.Resampling.BILINEAR))
