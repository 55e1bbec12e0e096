"""Data sets on disk: pictures decoded alike for every purpose, votes that belong to them, and files that are broken."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from detection.vision.data import DataError, check_pictures, hold_out, load_split
from detection.vision.sources import PHOTOGRAPH, PictureSource
from emotune.emotions import EMOTIONS
from tests.test_vision_pictures import claim_of
from tests.vision_files import encoded, write_faces

VOTES = "path,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,not_a_face\n"
NOISE = np.random.default_rng(3).integers(0, 256, (48, 48), np.uint8)
RAMP = np.tile(np.linspace(0, 65535, 48).astype(np.uint16), (48, 1))


def source_of(folder, **files):
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return PictureSource(folder)


def grey(picture):
    """Return the grey face (48, 48) that systems.grey makes of an RGB picture."""
    return np.asarray(Image.fromarray(picture).convert("L").resize((48, 48), Image.Resampling.BOX))


def packed(folder, file, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(file, "w", compression) as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder))
    return file


def sure_votes(*paths):
    return VOTES + "\n".join(f"{path},0,0,0,0,10,0,0,0,0,0" for path in paths)


@pytest.fixture
def folder(tmp_path):
    return write_faces(tmp_path / "faces", {"train": 2, "public_test": 1})


@pytest.mark.parametrize(("kind", "how"), [("PNG", {}), ("WEBP", {"lossless": True}), ("BMP", {}), ("TIFF", {})])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_grey_face_keeps_its_pixels(tmp_path, kind, how, mode):
    source = source_of(tmp_path, face=encoded(Image.fromarray(NOISE).convert(mode), kind, **how))
    assert (source.face("face") == NOISE).all()
    assert (source.photograph("face") == NOISE[..., None]).all()


def test_a_jpeg_and_a_face_in_colour_give_what_pillow_makes_of_them(tmp_path):
    colours = Image.fromarray(np.random.default_rng(4).integers(0, 256, (48, 48, 3), np.uint8))
    files = {"jpeg": encoded(Image.fromarray(NOISE), "JPEG"), "colours": encoded(colours)}
    source = source_of(tmp_path, **files)
    for name, data in files.items():
        assert (source.face(name) == np.asarray(Image.open(io.BytesIO(data)).convert("L"))).all()


def test_sixteen_bits_of_grey_keep_their_shades_in_a_face(tmp_path):
    assert (source_of(tmp_path, face=encoded(Image.fromarray(RAMP))).face("face") == RAMP >> 8).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_face_is_turned_upright(tmp_path, kind):
    upright = np.full((48, 48), 40, np.uint8)
    upright[:24, :24] = 220
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(upright).transpose(Image.Transpose.ROTATE_90)
    face = source_of(tmp_path, face=encoded(stored, kind, exif=exif)).face("face")
    assert face[:22, :22].min() > 180
    assert max(face[26:].max(), face[:, 26:].max()) < 80


def test_transparent_parts_of_a_face_are_white(tmp_path):
    clear = np.zeros((48, 48, 4), np.uint8)
    clear[24:, :, 3] = 255
    palette = Image.new("P", (48, 48), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    whole = encoded(palette, transparency=0)
    source = source_of(tmp_path, half=encoded(Image.fromarray(clear)), palette=whole)
    assert (source.face("half")[:24] == 255).all()
    assert (source.face("half")[24:] == 0).all()
    assert (source.face("palette") == 255).all()


@pytest.mark.parametrize(("mode", "size"), [("RGB", (96, 80)), ("L", (300, 400)), ("RGBA", (700, 500))])
def test_a_face_is_what_an_evaluation_makes_of_the_photograph(tmp_path, mode, size):
    smooth = Image.fromarray(np.random.default_rng(5).integers(0, 256, (9, 9, 4), np.uint8)).resize(size)
    source = source_of(tmp_path, face=encoded(smooth.convert(mode)))
    assert max(source.photograph("face").shape) == min(max(size), PHOTOGRAPH)
    assert (source.face("face") == grey(source.photograph("face"))).all()


@pytest.mark.parametrize("read", ["face", "photograph"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (claim_of(20_000, 20_000), "million pixels"),
        (b"", "empty"),
        (b"letter", "not a JPEG"),
        (encoded(Image.fromarray(NOISE))[:900], "damaged"),
    ],
)
def test_a_picture_that_cannot_be_decoded_is_named_with_what_to_do(tmp_path, read, data, said):
    with pytest.raises(DataError, match=f"picture face cannot be decoded .*{said}.*; replace or remove it") as error:
        getattr(source_of(tmp_path, face=data), read)("face")
    assert str(tmp_path) in str(error.value)


def spoil_member(data, how):
    """Damage the first file of a zip: a bit of its content, or what its two headers say."""
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    flags, method = [local + 6, central + 8], [local + 8, central + 10]
    content = local + 30 + int.from_bytes(data[local + 26 : local + 28], "little") + 4
    places, value = {"flipped": ([content], 0xFF), "encrypted": (flags, 1), "unknown": (method, 99)}[how]
    for place in places:
        data[place] = data[place] ^ 0xFF if how == "flipped" else value
    return bytes(data)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("flipped", "cannot be read .*; replace or remove it"),
        ("encrypted", "is encrypted.*; unpack it with another program"),
        ("unknown", "compression method is not supported.*; unpack it with another program"),
    ],
)
def test_a_broken_file_in_a_zip_is_named_with_what_to_do(folder, tmp_path, how, said):
    file = packed(folder, tmp_path / "faces.zip")
    file.write_bytes(spoil_member(bytearray(file.read_bytes()), how))
    split = load_split(file, "public_test")
    for read in (lambda: check_pictures(split, lambda _: None), lambda: split.photograph(0)):
        with pytest.raises(DataError, match=said) as error:
            read()
        assert str(file) in str(error.value)
        assert "public_test/angry/00000.png" in str(error.value)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_whatever_bits_of_a_zip_are_wrong_it_is_read_or_refused(folder, tmp_path, compression):
    file = packed(folder, tmp_path / "faces.zip", compression)
    whole = file.read_bytes()
    headers = whole.index(b"PK\x01\x02")
    rng = np.random.default_rng(compression)
    refused = []
    for i in range(30):
        data = bytearray(whole)
        data[rng.integers(headers if i % 2 else 0, len(data))] ^= 1 << rng.integers(8)
        file.write_bytes(data if i % 5 else data[: rng.integers(len(data))])
        try:
            check_pictures(load_split(file, "train"), lambda _: None)
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 10
    assert all(str(file) in message and "\n" not in message for message in refused)


def test_what_macos_lays_beside_files_is_left_out(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            name = path.relative_to(folder)
            archive.write(path, name)
            archive.writestr(f"__MACOSX/{name.parent}/{name.name}", "resources")
            archive.writestr(f"{name.parent}/._{name.name}", "resources")
    assert PictureSource(tmp_path / "mac.zip").names == PictureSource(folder).names
    (folder / "train/happy/._00000.png").write_text("resources")
    assert PictureSource(tmp_path / "mac.zip").names == PictureSource(folder).names


def test_links_to_folders_are_followed_but_not_in_circles(folder, tmp_path):
    names, train = PictureSource(folder).names, load_split(folder, "train").names
    linked, one, two = (tmp_path / name for name in ("linked", "one", "two"))
    for made in (linked, one, two):
        made.mkdir()
    for place, target in (
        (linked / "train", folder / "train"),
        (linked / "public_test", folder / "public_test"),
        (linked / "again", linked),
        (folder / "train" / "up", linked),
        (linked / "one", one),
        (one / "two", two),
        (two / "one", one),
    ):
        place.symlink_to(target)
    assert PictureSource(linked).names == names
    assert load_split(linked, "train").names == train


@pytest.mark.parametrize("place", ["", "set/", "set/train/"])
def test_votes_are_found_above_the_pictures_at_any_depth(folder, tmp_path, place):
    (tmp_path / "whole").mkdir()
    folder.rename(tmp_path / "whole/set")
    below = "set/train/angry/00000.png".removeprefix(place)
    (tmp_path / "whole" / place / "votes.csv").write_text(sure_votes(below, "nowhere.png"))
    for data in (tmp_path / "whole", packed(tmp_path / "whole", tmp_path / "whole.zip")):
        votes = load_split(data, "train").votes
        assert votes[0, EMOTIONS.index("angry")] == 1
        assert np.isnan(votes[1:]).all()
        assert np.isnan(load_split(data, "public_test").votes).all()


def test_votes_for_other_pictures_than_those_that_lie_there_are_named(folder):
    (folder / "votes.csv").write_text(sure_votes("fer/train/angry/00000.png", "00001.png"))
    with pytest.raises(DataError, match=r"votes\.csv names no picture that is there") as error:
        load_split(folder, "train")
    assert str(folder) in str(error.value)


def test_votes_beside_other_pictures_are_not_looked_at(folder):
    (folder / "private").mkdir()
    (folder / "private/votes.csv").write_text("who,what\n")
    assert np.isnan(load_split(folder, "train").votes).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train/angry/00000.png,1,0\n", r"line 2 of votes\.csv is cut off"),
        ("train/angry/00000.png,1,0,0,0,x,0,0,0,0,0\n", r"line 2 of votes\.csv is no row of votes"),
        ("a" * 200_000, r"votes\.csv is no CSV"),
    ],
)
def test_a_broken_row_of_votes_is_named(folder, text, said):
    (folder / "votes.csv").write_text(VOTES + text)
    with pytest.raises(DataError, match=said):
        load_split(folder, "train")


@pytest.mark.parametrize(("share", "needed"), [(0.05, 11), (0.2, 3), (0.5, 2)])
def test_too_few_pictures_to_keep_some_back_are_told_how_many_it_takes(folder, share, needed):
    split = load_split(folder, "train")
    few = split.subset(np.arange(needed - 1))
    with pytest.raises(DataError, match=f"{len(few)} pictures are too few to keep .*; give {needed} or more") as error:
        hold_out(few, share)
    assert str(folder) in str(error.value)
    kept, held = hold_out(split.subset(np.arange(needed)), share)
    assert min(len(kept), len(held)) >= 1
