"""Read the pictures that people send: their header alone, or their pixels at the size that is needed.

No TensorFlow here: the web process looks at headers too.
"""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, UnidentifiedImageError

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
    image = upright(data, max_side)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def upright(data: bytes, max_side: int, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Return what `decode` does as an image, in mode L where the picture has 8 bits of grey, otherwise in RGB.

    `formats` are those that are read, by their names in Pillow. Raises UnreadablePicture.
    """
    image = _open(data, formats)
    scale = min(1.0, max_side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    try:
        image.draft(None, size)
        image.load()
        turn = TURNS.get(_orientation(image))
        opaque = _opaque(image, size)
    except (*BROKEN, MemoryError) as error:
        raise UnreadablePicture("The picture is damaged or was cut off on the way; send it again.") from error
    return opaque if turn is None else opaque.transpose(turn)


def _open(data: bytes, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    if not data:
        raise UnreadablePicture("The file is empty; choose a picture.")
    if is_overgrown(data):
        raise UnreadablePicture("The picture's file is built in a way that takes too long to read; save it anew.")
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
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


def _opaque(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Lay any mode on white in L or RGB of the given size, averaging over the pixels that fall together."""
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut at 255
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    transparent = image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info
    mode = "RGBA" if transparent else "L" if image.mode == "L" else "RGB"
    image = _reduced(image if image.mode == mode else image.convert(mode), size)
    return image if image.size == size else image.resize(size, Image.Resampling.BILINEAR)


def _reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Reduce a picture by a whole number until it is at least twice `size`, one channel after the other, on white.

    Pillow's own way over all channels takes three times the memory where there is transparency. What shines through is
    laid on white before, or its colour would count as much as that of what is seen.
    """
    factor = max(image.size) // (2 * max(size))
    if factor < 2 and image.mode != "RGBA":
        return image
    clear = ImageChops.invert(image.getchannel("A")) if image.mode == "RGBA" else None
    channels = []
    for name in image.getbands()[:3]:
        channel = image.getchannel(name)
        if clear is not None:
            channel.paste(255, mask=clear)
        channels.append(channel.reduce(factor) if factor > 1 else channel)
    return Image.merge(image.mode if clear is None else "RGB", channels)
