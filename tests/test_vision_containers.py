"""Files that are built to cost much are refused before a decoder sees them; what cameras and programs write passes."""

import time

import numpy as np
import pytest
from PIL import Image

from detection.vision import containers
from detection.vision.containers import is_overgrown
from detection.vision.pictures import UnreadablePicture, decode, inspect
from tests.hostile_files import hostile_files, png, sound_files
from tests.vision_files import encoded

SMOOTH = Image.fromarray(np.linspace(0, 255, 64 * 48 * 3).astype(np.uint8).reshape(48, 64, 3))


def test_sound_files_are_none():
    assert not [n for n, data in enumerate(sound_files()) if is_overgrown(data)]


def test_a_photograph_with_a_thumbnail_a_profile_and_a_film_behind_it_is_none():
    exif = Image.Exif()
    exif[0x9286] = "a comment" * 4000
    data = encoded(SMOOTH, "JPEG", progressive=True, exif=exif, icc_profile=bytes(600_000), comment=b"x" * 60_000)
    film = np.random.default_rng(0).bytes(300_000) + b"\xff\xda" * 100
    assert not is_overgrown(data + film)
    assert inspect(data + film) == ("JPEG", 64, 48)


@pytest.mark.parametrize(("scans", "pixels"), [(65, 1), (16, 64_000_000)])
def test_a_jpeg_of_too_many_scans_is_overgrown(scans, pixels):
    width = 8000
    frame = b"\xff\xc2\x00\x08\x08" + (pixels // width).to_bytes(2) + width.to_bytes(2) + b"\0"
    scan = b"\xff\xda\x00\x02data"
    assert is_overgrown(b"\xff\xd8" + frame + scan * scans + b"\xff\xd9")
    assert not is_overgrown(b"\xff\xd8" + frame + scan * 10 + b"\xff\xd9")


@pytest.mark.parametrize(
    "junk",
    [
        b"\xff" * 5000,
        b"\0" * 5000,
        b"\xff\xd0" * 5000,
        b"\xff\xfe\x00\x02" * 2000,
        b"\xff\xe1\x00\x0aExif\0\0II" * 5,
    ],
    ids=["fill", "zeros", "restarts", "comments", "exif"],
)
def test_a_jpeg_with_much_before_its_first_scan_is_overgrown(junk):
    data = encoded(SMOOTH, "JPEG")
    assert is_overgrown(data[:2] + junk + data[2:])
    with pytest.raises(UnreadablePicture, match="takes too long"):
        inspect(data[:2] + junk + data[2:])


def test_a_png_of_too_many_chunks_is_overgrown():
    assert is_overgrown(png(8, 8, *((b"aaAa", b""),) * 10_000))
    assert not is_overgrown(png(8, 8, *((b"IDAT", b""),) * 9_000))


@pytest.mark.parametrize(
    "data", [b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xda", b"\x89PNG\r\n\x1a\n", b"", b"GIF89a"]
)
def test_stumps_are_left_to_the_decoder(data):
    assert not is_overgrown(data)


def test_looking_takes_no_longer_than_the_file_is_long(monkeypatch):
    monkeypatch.setattr(containers, "MAX_JUNK", 10**9)
    start = time.process_time()
    is_overgrown(b"\xff\xd8" + b"\xff" * 4_000_000 + b"\0")
    assert time.process_time() - start < 5  # were it quadratic, it would take hours


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.filterwarnings("ignore:.*:PIL.Image.DecompressionBombWarning")
def test_hostile_files_end_in_a_sentence_or_in_pixels():
    seen = set()
    for file in hostile_files(400, seed=3, with_bombs=False):
        try:
            inspect(file.data)
            seen.add(decode(file.data, 320).shape[2])
        except UnreadablePicture as error:
            seen.add(str(error))
    assert 3 in seen
    assert len(seen) >= 4
