"""Frames for the benchmarks: as a webcam gives them, photographs as they come and spoilt, pictures without faces."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter

from detection.vision.pictures import decode
from detection.vision.reader import FRAME_SIDE

Frame = npt.NDArray[np.uint8]
GREY = (90, 90, 90)
# Pictures of scikit-image that show neither a person nor a cat, which is near enough to one to be worth a face.
FACELESS: tuple[str, ...] = (
    "brick",
    "cell",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "moon",
    "page",
    "rocket",
)
FACELESS += (
    "immunohistochemistry",
    "retina",
    "text",
    "horse",
    "colorwheel",
    "checkerboard",
    "logo",
    "shepp_logan_phantom",
)


def encoded(picture: Image.Image, kind: str, **how: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    return encoded(picture, "JPEG", quality=quality)


def webcam_frame(file: Path | None = None) -> bytes:
    """Return a JPEG of 640x480 pixels with a photograph: by default the astronaut of scikit-image, one face."""
    if file is None:
        from skimage.data import astronaut

        picture = Image.fromarray(astronaut())
    else:
        picture = Image.fromarray(decode(file.read_bytes(), FRAME_SIDE))
    picture.thumbnail((640, 480))
    return jpeg(on_grey(picture, 640, 480))


def on_grey(picture: Image.Image, width: int, height: int) -> Image.Image:
    frame = Image.new("RGB", (width, height), GREY)
    frame.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    return frame


def photograph_folder() -> Path | None:
    """Return the folder of photographs below the one that EMOTUNE_DATA names, None where there is none."""
    folder = Path(os.environ.get("EMOTUNE_DATA", "nowhere")) / "faces"
    return folder if any(folder.glob("*.jpg")) else None


def photographs(folder: Path) -> dict[str, Image.Image]:
    """Return the photographs of a folder by name, 640 pixels on their longer side."""
    return {file.name: Image.fromarray(decode(file.read_bytes(), FRAME_SIDE)) for file in sorted(folder.glob("*.jpg"))}


def spoilt(picture: Image.Image, seed: int = 0) -> dict[str, Image.Image]:
    """Return what a webcam makes of a picture: further away, in the dark, out of focus, noisy, badly compressed.

    With the seed 0 by how much is fixed; the rule of `FaceFinder` was chosen on these. Others draw it.
    """
    rng = np.random.default_rng(seed)
    if seed:
        half, third, light, blur = (rng.uniform(*span) for span in ((0.4, 0.7), (0.25, 0.4), (0.2, 0.6), (0.5, 2.5)))
        noise, quality, turn = rng.uniform(5, 25), int(rng.integers(15, 60)), rng.uniform(3, 12) * rng.choice((-1, 1))
        names = "smaller", "much smaller", "JPEG", "turned by up to 12 degrees"
    else:
        half, third, light, blur, noise, quality, turn = 1 / 2, 1 / 3, 0.3, 2, 20, 20, 10
        names = "half the size", "a third of the size", "JPEG at 20", "turned by 10 degrees"
    noisy = np.asarray(picture) + rng.normal(0, noise, (picture.height, picture.width, 3))
    return {
        names[0]: on_grey(_shrunk(picture, half), 640, 480),
        names[1]: on_grey(_shrunk(picture, third), 640, 480),
        "dim": ImageEnhance.Brightness(picture).enhance(light),
        "blurred": picture.filter(ImageFilter.GaussianBlur(blur)),
        "noisy": Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)),
        names[2]: Image.open(io.BytesIO(jpeg(picture, quality))).convert("RGB"),
        "mirrored": picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        names[3]: picture.rotate(turn, Image.Resampling.BICUBIC, fillcolor=GREY),
    }


def _shrunk(picture: Image.Image, share: float) -> Image.Image:
    return picture.resize((int(picture.width * share), int(picture.height * share)), Image.Resampling.BOX)


def faceless(count: int = 200, seed: int = 0) -> Iterator[tuple[str, Frame]]:
    """Yield pictures of 640x480 pixels without a face, with their names: scikit-image's, noise, textures, shapes.

    The rule of `FaceFinder` was chosen on those of the seed 0. With others come more kinds of shapes.
    """
    rng = np.random.default_rng(1 + seed)
    kinds = [*_stored(rng), *_composed(rng), *(_drawn(rng) if seed else ())]
    for number in range(count):
        name, make = kinds[number % len(kinds)]
        yield f"{name} {number // len(kinds)}", make()


def _stored(rng: np.random.Generator) -> Iterator[tuple[str, "object"]]:
    import skimage.data

    for name in FACELESS:
        try:
            pixels = np.asarray(getattr(skimage.data, name)())
        except (AttributeError, OSError, ValueError):  # not in this release, or not in its package
            continue
        yield name, lambda pixels=pixels: _cut(_as_picture(pixels), rng)


def _as_picture(pixels: npt.NDArray[np.generic]) -> Image.Image:
    if pixels.dtype != np.uint8:
        pixels = (255 * (pixels.astype(float) / max(float(pixels.max()), 1e-9))).astype(np.uint8)
    return Image.fromarray(pixels[..., :3] if pixels.ndim == 3 else pixels).convert("RGB")


def _cut(picture: Image.Image, rng: np.random.Generator) -> Frame:
    """Return a part of a picture, a half of it or more, as 640x480 pixels."""
    share = rng.uniform(0.5, 1)
    width, height = round(picture.width * share), round(picture.height * share)
    x, y = int(rng.integers(0, picture.width - width + 1)), int(rng.integers(0, picture.height - height + 1))
    return np.asarray(picture.resize((640, 480), Image.Resampling.BICUBIC, box=(x, y, x + width, y + height)))


def _composed(rng: np.random.Generator) -> Iterator[tuple[str, "object"]]:
    y, x = np.mgrid[:480, :640].astype(np.float32)

    def noise() -> Frame:
        return rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)

    def clouds() -> Frame:
        total = np.zeros((480, 640, 3), np.float32)
        for size in (4, 8, 16, 32, 64):
            coarse = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
            total += np.asarray(Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC), np.float32)
        return (total / 5).astype(np.uint8)

    def waves() -> Frame:
        a, b, c, d = rng.uniform(0.01, 0.3, 4)
        grey = 127 + 60 * np.sin(a * x + b * y) + 60 * np.sin(c * x - d * y)
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)

    def discs() -> Frame:
        frame = np.full((480, 640, 3), 200, np.uint8)
        for _ in range(30):
            inside = np.hypot(x - rng.integers(640), y - rng.integers(480)) < rng.integers(5, 80)
            frame[inside] = rng.integers(0, 256, 3)
        return frame

    def slope() -> Frame:
        one, two = rng.integers(0, 256, (2, 3))
        return np.asarray(one + (two - one) * (x + y)[..., None] / (640 + 480)).astype(np.uint8)

    yield from (("noise", noise), ("clouds", clouds), ("waves", waves), ("discs", discs), ("slope", slope))


def _drawn(rng: np.random.Generator) -> Iterator[tuple[str, "object"]]:
    y, x = np.mgrid[:480, :640].astype(np.float32)

    def ovals() -> Frame:
        frame = np.tile(rng.integers(0, 256, 3), (480, 640, 1)).astype(np.uint8)
        for _ in range(12):
            wide, high = rng.integers(8, 120, 2)
            inside = ((x - rng.integers(640)) / wide) ** 2 + ((y - rng.integers(480)) / high) ** 2 < 1
            frame[inside] = rng.integers(0, 256, 3)
        return frame

    def stripes() -> Frame:
        turn, width = rng.uniform(0, np.pi), rng.uniform(4, 60)
        bright = np.sin((x * np.cos(turn) + y * np.sin(turn)) / width) > rng.uniform(-0.5, 0.5)
        one, two = rng.integers(0, 256, (2, 3))
        return np.asarray(np.where(bright[..., None], one, two)).astype(np.uint8)

    def blurs() -> Frame:
        noise = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
        soft = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(rng.uniform(1, 12))), np.float32)
        spread = (soft - soft.mean()) / max(float(soft.std()), 1e-6)
        return np.asarray(np.clip(128 + 50 * spread, 0, 255)).astype(np.uint8)

    def boards() -> Frame:
        across, down = rng.integers(6, 90, 2)
        odd = (x // across + y // down) % 2 == 1
        return np.where(odd[..., None], rng.integers(0, 256, 3), rng.integers(0, 256, 3)).astype(np.uint8)

    yield from (("ovals", ovals), ("stripes", stripes), ("blurs", blurs), ("boards", boards))
