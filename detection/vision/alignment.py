"""Cut a face out of a frame so that it looks like the faces that the emotion network was trained on."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from detection.vision.data import SIZE

# Where the eyes lie in FER2013's pictures, as shares of the side.
EYES = ((0.30, 0.38), (0.70, 0.38))


def align(
    image: npt.NDArray[np.uint8], left_eye: tuple[float, float], right_eye: tuple[float, float]
) -> npt.NDArray[np.uint8]:
    """Return the grey (48, 48) crop of an RGB frame (h, w, 3) whose eyes lie at EYES.

    Turn, scale and shift follow from the two eyes alone. Each pixel of the crop is the mean of the pixels of the frame
    that it covers; what lies outside the frame repeats its edge.
    """
    (x0, y0), (x1, y1) = left_eye, right_eye
    (u0, v0), (u1, v1) = EYES
    eyes, targets = complex(x1 - x0, y1 - y0), complex(u1 - u0, v1 - v0) * SIZE
    step = eyes / targets if abs(eyes) > 1 else complex(1, 0)
    over = max(1, min(8, int(np.ceil(abs(step)))))
    centre = complex((x0 + x1) / 2, (y0 + y1) / 2)
    middle = complex((u0 + u1) / 2, (v0 + v1) / 2) * SIZE
    along = (np.arange(SIZE * over) + 0.5) / over
    at = centre + step * ((along[None, :] - middle.real) + 1j * (along[:, None] - middle.imag))
    grey = np.asarray(Image.fromarray(image).convert("L"))
    sampled = _sample(grey, at.imag - 0.5, at.real - 0.5)
    mean = sampled.reshape(SIZE, over, SIZE, over).mean(axis=(1, 3))
    crop: npt.NDArray[np.uint8] = np.round(mean).astype(np.uint8)
    return crop


def _sample(
    grey: npt.NDArray[np.uint8], row: npt.NDArray[np.float64], column: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    height, width = grey.shape
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    top, left = row.astype(np.intp), column.astype(np.intp)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = row - top, column - left
    upper = grey[top, left] * (1 - across) + grey[top, right] * across
    lower = grey[bottom, left] * (1 - across) + grey[bottom, right] * across
    sampled: npt.NDArray[np.float64] = upper * (1 - down) + lower * down
    return sampled
