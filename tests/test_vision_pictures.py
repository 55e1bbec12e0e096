"""Pictures that people send: read as they look, or refused with a sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile
from skimage.data import astronaut

from detection.vision.pictures import MAX_PIXELS, MAX_PIXELS_WHOLE, UnreadablePicture, decode, inspect
from tests.vision_files import encoded

RED_OVER_BLUE = Image.fromarray(np.array([[[255, 0, 0]] * 8] * 8 + [[[0, 0, 255]] * 8] * 8, np.uint8))


def claim_of(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header claims any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width // 8 + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_kind_is_known_by_the_content(kind):
    data = encoded(Image.fromarray(astronaut()), kind)
    assert inspect(data) == (kind, 512, 512)
    assert np.abs(decode(data, 512).astype(int) - astronaut()).mean() < 4


def test_a_large_picture_is_scaled_down_to_the_longer_side_and_a_small_one_left_alone():
    assert decode(encoded(Image.new("RGB", (1000, 400))), 250).shape == (100, 250, 3)
    assert decode(encoded(Image.new("RGB", (400, 1000)), "JPEG"), 250).shape == (250, 100, 3)
    assert decode(encoded(Image.new("RGB", (60, 30))), 250).shape == (30, 60, 3)
    assert decode(encoded(Image.new("RGB", (5000, 2))), 100).shape == (1, 100, 3)


def test_scaling_down_averages_fine_patterns_instead_of_picking_pixels():
    stripes = np.zeros((2000, 2000), np.uint8)
    stripes[:, ::2] = 255
    for kind in ("PNG", "JPEG"):
        small = decode(encoded(Image.fromarray(stripes), kind), 100)
        assert abs(small.mean() - 127) < 3
        assert small.std() < 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_every_exif_turn_is_undone(kind, orientation, stored):
    upright = np.full((32, 16, 3), 40, np.uint8)
    upright[:16, :8] = 220  # bright at the top left alone
    image = Image.fromarray(upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(image.transpose(stored) if stored is not None else image, kind, exif=exif)
    pixels = decode(data, 32)
    assert pixels.shape == (32, 16, 3)
    assert pixels[:15, :7].min() > 180
    assert max(pixels[17:].max(), pixels[:, 9:].max()) < 80


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA", "LA"])
def test_other_modes_look_as_they_do_in_colour(mode):
    ramp = Image.fromarray(np.tile(np.repeat([0, 255], 16).astype(np.uint8), (32, 1))).convert("RGB")
    assert np.abs(decode(encoded(ramp.convert(mode)), 32).astype(int) - np.asarray(ramp)).max() <= 1


def test_print_colours_are_turned_into_light():
    pixels = decode(encoded(RED_OVER_BLUE.convert("CMYK"), "JPEG", quality=95), 16).astype(int)
    assert (pixels[:7, :, 0] > pixels[:7, :, 2] + 100).all()


def test_sixteen_bits_of_grey_keep_their_shades():
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (8, 1))
    pixels = decode(encoded(Image.fromarray(ramp)), 64)
    assert pixels.shape == (8, 64, 3)
    assert np.abs(pixels[..., 0].astype(int) - (ramp >> 8)).max() <= 1


@pytest.mark.parametrize("size", [32, 400])
def test_transparent_parts_are_white(size):
    half = np.zeros((size, size, 4), np.uint8)
    half[:, size // 2 :, 3] = 255
    pixels = decode(encoded(Image.fromarray(half)), 32)
    assert (pixels[:, :14] == 255).all()
    assert (pixels[:, 18:] == 0).all()


def test_a_palette_with_a_transparent_colour_is_laid_on_white():
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert (decode(encoded(image, transparency=0), 8) == 255).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_cannot_be_seen_does_not_darken_what_can(mode):
    light = np.full((2000, 2000, 4), 200, np.uint8)
    light[..., 3] = 255
    light[:, 903:] = 0  # black, had it not been transparent
    pixels = decode(encoded(Image.fromarray(light).convert(mode)), 100).astype(int)
    assert (pixels[:, :44] == 200).all()
    assert (pixels[:, 47:] == 255).all()
    assert pixels.min() >= 199


@pytest.mark.parametrize("read", [inspect, lambda data: decode(data, 640)])
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"this is a letter, not a picture", "not a JPEG, PNG or WebP"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "damaged|not a JPEG"),
        (encoded(RED_OVER_BLUE, "GIF"), "not a JPEG, PNG or WebP"),
        (encoded(RED_OVER_BLUE, "PNG", save_all=True, append_images=[RED_OVER_BLUE.rotate(90)]), "animated"),
        (encoded(RED_OVER_BLUE, "WEBP", save_all=True, append_images=[RED_OVER_BLUE.rotate(90)]), "animated"),
    ],
)
def test_it_rejects_what_is_no_still_picture(read, data, sentence):
    with pytest.raises(UnreadablePicture, match=sentence):
        read(data)


def test_a_jpeg_may_be_larger_than_what_is_decoded_whole():
    side = int(MAX_PIXELS_WHOLE**0.5) + 8
    assert side * side < MAX_PIXELS
    picture = Image.new("L", (side, side))
    assert inspect(encoded(picture, "JPEG")) == ("JPEG", side, side)
    with pytest.raises(UnreadablePicture, match="32 million pixels"):
        inspect(encoded(picture, "PNG"))


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (10_000, 10_000), (8_001, 8_000)])
def test_it_rejects_too_many_pixels_before_it_asks_for_memory(width, height, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it decodes them"))
    data = claim_of(width, height)
    assert len(data) < 60_000
    with pytest.raises(UnreadablePicture, match=r"(64|32) million pixels"):
        decode(data, 640)
    with pytest.raises(UnreadablePicture):
        inspect(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_it_rejects_a_picture_that_was_cut_off(kind, share):
    data = encoded(Image.fromarray(astronaut()), kind)
    with pytest.raises(UnreadablePicture, match="damaged or was cut off"):
        decode(data[: int(len(data) * share)], 128)


def test_a_picture_with_two_views_in_one_jpeg_is_read_as_the_first():
    data = encoded(RED_OVER_BLUE, "MPO", save_all=True, append_images=[Image.new("RGB", (8, 16))])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert inspect(data) == ("JPEG", 8, 16)
    assert decode(data, 16)[:7, :, 0].min() > 200


def test_whatever_the_bytes_are_the_answer_is_a_picture_or_a_sentence():
    rng = np.random.default_rng(5)
    whole = [encoded(RED_OVER_BLUE, kind) for kind in ("JPEG", "PNG", "WEBP")]
    outcomes = set()
    for i in range(600):
        data = bytearray(whole[i % 3])
        for at in rng.integers(0, len(data), rng.integers(1, 6)):
            data[at] = rng.integers(256)
        try:
            outcomes.add(decode(bytes(data), 16).shape[2])
        except UnreadablePicture as error:
            outcomes.add(error.message.endswith("."))
    assert outcomes == {3, True}
