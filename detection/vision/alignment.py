"""Cut a face out of a frame so that it looks like the faces that the emotion network was trained on."""

import numpy as np
import numpy.typing as npt

from detection.vision.data import SIZE
from detection.vision.pyramid import Pyramid

# Where the eyes lie in FER2013's pictures, as shares of the side: x + iy of the left and the right one. The medians of
# 558 training pictures are 0.315 0.389 and 0.684 0.382: `python -m benchmarks.framing --data fer2013plus.zip`.
EYES = (complex(0.315, 0.385), complex(0.685, 0.385))
# Each pixel of a crop is the mean of this many samples in each direction.
OVERSAMPLING = 2
# ITU-R 601 luma, which Pillow's mode "L" and so the training pictures have.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Grey values of a face in little light are multiplied until the brightest hundredth of them has LIGHT; what has less
# than NIGHT is treated as if it had that much.
LIGHT, NIGHT = 200, 8


def align(pyramid: Pyramid, left_eye: tuple[float, float], right_eye: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """Return the grey (48, 48) crop of a frame whose eyes lie at EYES.

    Turn, scale and shift follow from the two eyes, in pixels of the frame. A pixel of the crop is the mean of the
    pixels of the frame that it covers; what lies outside the frame repeats its edge. A dark face is made lighter.
    """
    first, second = complex(*left_eye), complex(*right_eye)
    between = second - first
    step = (between if abs(between) >= 1 else 1) / ((EYES[1] - EYES[0]) * SIZE)
    corner = complex(0.5, 0.5) / OVERSAMPLING - (EYES[0] + EYES[1]) / 2 * SIZE
    sampled = pyramid.turned((first + second) / 2 + step * corner, step / OVERSAMPLING, SIZE * OVERSAMPLING) @ LUMA
    mean = sampled.reshape(SIZE, OVERSAMPLING, SIZE, OVERSAMPLING).mean(axis=(1, 3))
    crop: npt.NDArray[np.uint8] = np.round(lit(mean)).astype(np.uint8)
    return crop


def lit(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return grey values of a face (0 to 255) as in more light where there is little of it; others as they are.

    More light multiplies what a camera sees. The network was trained on pictures of which hardly one is that dark.
    """
    brightest = float(np.percentile(grey, 99))
    return grey if brightest >= LIGHT else np.minimum(grey * np.float32(LIGHT / max(brightest, NIGHT)), np.float32(255))
