"""Put pictures of faces into frames as a camera gives them: somewhere, of some size, tilted, blurred or in the dark."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Pixels = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 640, 480
GREY = 110
# Pictures that are shorter than this are faces without surroundings, in which nothing finds a face.
CROP = 128
# As wide as a face is before a laptop.
FACE = 240


def framed(
    picture: Pixels, size: int = FACE, *, turn: float = 0, blur: float = 0, light: float = 1, seed: int = 0
) -> Pixels:
    """Return a frame (480, 640, 3) that shows a picture, (h, w) or (h, w, 3), `size` pixels wide in its middle.

    `turn` is in degrees, anticlockwise. `blur` is the radius of a Gaussian in pixels of the frame. `light` multiplies
    what reaches the sensor, whose noise stays: under 1, the frame is darker and noisier.
    """
    face = Image.fromarray(picture).convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
    frame = Image.new("RGB", (WIDTH, HEIGHT), (GREY,) * 3)
    frame.paste(face, ((WIDTH - size) // 2, (HEIGHT - size) // 2))
    if turn:
        frame = frame.rotate(turn, Image.Resampling.BICUBIC, fillcolor=(GREY,) * 3)
    if blur:
        frame = frame.filter(ImageFilter.GaussianBlur(blur))
    if light == 1:
        return np.asarray(frame)
    noise = np.random.default_rng(seed).normal(0, 4, (HEIGHT, WIDTH, 3))
    return np.clip(np.asarray(frame) * light + noise, 0, 255).round().astype(np.uint8)


def as_frame(picture: Pixels) -> Pixels:
    """Return a photograph as it is, and a face that was cut out in a frame."""
    return framed(picture) if max(picture.shape[:2]) < CROP else picture
