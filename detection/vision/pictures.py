"""Read the pictures that people send: their header alone, or their pixels at the size that is needed.

No TensorFlow here: the web process looks at headers too.
"""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from detection.vision.containers import is_overgrown
from emotune.errors import InvalidInput

# The largest pictures of phones pass. What a header claims is checked before memory is asked for.
MAX_PIXELS = 64_000_000
# What cannot be decoded at a part of its size costs several times the time and memory; phones send JPEG.
MAX_PIXELS_WHOLE = 32_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
ORIENTATION = 0x0112
# What undoes each EXIF orientation.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's readers raise on broken files, their header or their pixels.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


class UnreadablePicture(InvalidInput):
    """The bytes are no picture that can be read; the message says why and what to do."""


def inspect(data: bytes) -> tuple[str, int, int]:
    """Return (format, width, height) from the header alone: "JPEG", "PNG" or "WEBP", and pixels before any EXIF turn.

    Raises UnreadablePicture when the bytes are none of the three, are animated, or claim more than MAX_PIXELS pixels
    (a PNG or WebP: MAX_PIXELS_WHOLE).
    """
    image = _open(data)
    return "JPEG" if image.format == "MPO" else str(image.format), image.width, image.height


def decode(data: bytes, max_side: int) -> npt.NDArray[np.uint8]:
    """Return RGB pixels (h, w, 3) turned upright by EXIF, scaled down until the longer side is at most `max_side`.

    Transparent parts become white. A JPEG larger than needed is decoded at a half, quarter or eighth of its size.
    Raises UnreadablePicture as `inspect` does, and when the pixels are cut off or broken.
    """
    image = _open(data)
    scale = min(1.0, max_side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    try:
        image.draft(None, size)
        image.load()
        turn = TURNS.get(_orientation(image))
        upright = _to_rgb(image, size)
    except (*BROKEN, MemoryError) as error:
        raise UnreadablePicture("The picture is damaged or was cut off on the way; send it again.") from error
    if turn is not None:
        upright = upright.transpose(turn)
    return np.asarray(upright)


def _open(data: bytes) -> Image.Image:
    if not data:
        raise UnreadablePicture("The file is empty; choose a picture.")
    if is_overgrown(data):
        raise UnreadablePicture("The picture's file is built in a way that takes too long to read; save it anew.")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        animated = image.format != "MPO" and getattr(image, "n_frames", 1) > 1
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadablePicture(_too_large()) from None
    except UnidentifiedImageError:
        raise UnreadablePicture("This is not a JPEG, PNG or WebP picture; save it as one of these.") from None
    except BROKEN as error:
        raise UnreadablePicture("The picture is damaged or was cut off on the way; send it again.") from error
    most = MAX_PIXELS if image.format in ("JPEG", "MPO") else MAX_PIXELS_WHOLE
    if image.width * image.height > most:
        raise UnreadablePicture(_too_large(most))
    if animated:
        raise UnreadablePicture("The picture is animated; send a still one.")
    return image


def _too_large(most: int = MAX_PIXELS) -> str:
    return f"The picture has more than {most // 1_000_000} million pixels; make it smaller first."


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(ORIENTATION)
    except BROKEN:  # a picture with a broken EXIF block is shown as it lies
        return None


def _to_rgb(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Turn any mode into RGB of the given size, averaging over the pixels that fall together."""
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut at 255
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    transparent = image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info
    mode = "RGBA" if transparent else "RGB"
    image = _reduced(image if image.mode == mode else image.convert(mode), size)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    if not transparent:
        return image
    white = Image.new("RGB", size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Reduce a picture by a whole number until it is at least twice `size`, one channel after the other.

    Pillow's own way over all channels takes three times the memory where there is transparency.
    """
    factor = max(image.size) // (2 * max(size))
    if factor < 2:
        return image
    return Image.merge(image.mode, [image.getchannel(name).reduce(factor) for name in image.getbands()])
