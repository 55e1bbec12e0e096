"""Model files that are damaged or of another kind: one line that names the file and says what to do."""

import json
import zipfile

import numpy as np
import pytest

from detection import checkup
from detection.vision.card import ModelFileError, load_card
from detection.vision.classifier import Classifier, observe
from detection.vision.data import hold_out, load_split
from emotune.checkup.verdicts import Figure, Verdict
from emotune.serve import check_model
from emotune.starting import CannotStart
from tests.vision_files import write_model


@pytest.fixture
def folder(tmp_path):
    return write_model(tmp_path)


def change(folder, **fields):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **fields}))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "is no model card; train again"),
        ('"card"', "is no model card; train again"),
        ('{"format": 1}', "does not tell its architecture, version; train again"),
        ('{"format": 1, "version": "1", "architecture": [3]}', "describes no network; train again"),
    ],
)
def test_what_is_no_card_is_named(folder, content, said):
    (folder / "card.json").write_text(content)
    with pytest.raises(ModelFileError, match=said) as error:
        load_card(folder)
    assert str(folder / "card.json") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": None},
        {"temperature": {"labels": 1}},
        {"temperature": {"labels": 1, "crowd": 0}},
        {"temperature": {"labels": -1, "crowd": 1}},
        {"temperature": {"labels": 1, "crowd": float("inf")}},
        {"offset": {"labels": [], "crowd": [1, 2]}},
        {"offset": {"labels": [0] * 6 + [float("nan")], "crowd": [0] * 7}},
        {"sureness": [0.1] * 4},
        {"sureness": "sure"},
        {"sureness": [float("nan")] * 11},
    ],
)
def test_a_card_whose_numbers_make_no_probabilities_is_named(folder, fields):
    change(folder, **fields)
    with pytest.raises(ModelFileError, match="tells no temperature, offsets and sureness that can be reckoned with"):
        load_card(folder)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"data": None}, "tells its data, training or measures in no way"),
        ({"training": []}, "tells its data, training or measures in no way"),
        ({"measures": None}, "tells its data, training or measures in no way"),
        ({"measures": {"served": 3}}, "tells its data, training or measures in no way"),
        ({"measures": {"served": {"labels": None}}}, "tells its data, training or measures in no way"),
        ({"blend": 1.5}, "than a share from 0 to 1 as its blend"),
        ({"blend": None}, "than a share from 0 to 1 as its blend"),
        ({"unsure_below": -0.1}, "than a share from 0 to 1 as its unsure_below"),
        ({"unsure_below": float("nan")}, "than a share from 0 to 1 as its unsure_below"),
        ({"training": {"held_out": "some"}}, "than a share from 0 to 1 as its held_out"),
    ],
)
def test_a_card_that_would_come_to_grief_later_is_named_at_once(folder, fields, said):
    change(folder, **fields)
    with pytest.raises(ModelFileError, match=said) as error:
        load_card(folder)
    assert str(folder / "card.json") in str(error.value)


def test_the_published_card_tells_what_its_training_held_out(model, data):
    card = load_card(model)
    kept, held = hold_out(load_split(data / "fer2013" / card.data["name"], "train"), card.training["held_out"])
    told = {"train": len(kept), "held_out": len(held), "held_out_crc": held.fingerprint()}
    assert {name: card.data[name] for name in told} == told


def test_a_card_that_is_a_folder_cannot_be_read(folder):
    (folder / "card.json").unlink()
    (folder / "card.json").mkdir()
    with pytest.raises(ModelFileError, match=r"card\.json cannot be read"):
        load_card(folder)


def test_a_field_that_is_not_known_is_named(folder):
    change(folder, colour="red")
    with pytest.raises(ModelFileError, match="tells of colour, which this version does not know"):
        load_card(folder)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"depth": 3}, "tells of depth"),
        ({"widths": "wide"}, "describes no network"),
        ({"widths": 4}, "describes no network"),
        ({"widths": [4, 6], "blocks": [1]}, "describes no network"),
        ({"stem": 0}, "describes no network"),
        ({"squeeze": None}, "describes no network"),
        ({"fine": -1}, "describes no network"),
        ({"fine": 1.5}, "describes no network"),
    ],
)
def test_an_architecture_that_is_none_is_named(folder, told, said):
    change(folder, architecture=told)
    with pytest.raises(ModelFileError, match=said):
        load_card(folder)


@pytest.mark.parametrize("how", ["missing", "empty", "cut off", "flipped", "another zip"])
def test_weights_that_cannot_be_read_are_named(folder, how):
    file = folder / "weights.npz"
    whole = file.read_bytes()
    if how == "missing":
        file.unlink()
    elif how == "another zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("w000", "text")
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
        file.write_bytes({"empty": b"", "cut off": whole[:middle], "flipped": flipped}[how])
    for load in (Classifier.load, lambda model: observe(model, np.zeros((1, 48, 48), np.uint8))):
        with pytest.raises(ModelFileError, match=r"cannot be read .*; train again, or fetch it anew") as error:
            load(folder)
        assert str(file) in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("how", ["missing", "cut off"])
def test_without_whole_weights_no_worker_starts_and_the_checkup_says_so(folder, settings, how):
    settings.MODEL_DIR = folder
    check_model()
    assert checkup._model() == Figure("Model", "test-1")
    file = folder / "weights.npz"
    whole = file.read_bytes()
    file.unlink()
    if how == "cut off":
        file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CannotStart, match=r"whose weights\.npz is missing or damaged"):
        check_model()
    assert checkup._model() == Figure("Model", "test-1", verdict=Verdict.ACT, advice=checkup.NO_MODEL)


def test_whatever_bits_of_the_weights_are_wrong_they_are_read_or_refused(folder):
    file = folder / "weights.npz"
    whole = file.read_bytes()
    headers = [at for at in range(len(whole)) if whole[at : at + 2] == b"PK"]
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        data = bytearray(whole)
        place = min(rng.choice(headers) + rng.integers(180), len(data) - 1)
        data[place] ^= 1 << rng.integers(8)
        file.write_bytes(data)
        try:
            Classifier.load(folder)
        except ModelFileError:
            refused += 1
    assert refused > 20
