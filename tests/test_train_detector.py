"""`train_detector` and `evaluate_detector` from the command line."""

import json

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from detection.vision.data import hold_out, load_split
from emotune.emotions import EMOTIONS
from tests.vision_files import write_faces, write_model


@pytest.fixture
def folder(tmp_path):
    return write_faces(tmp_path / "faces", {"train": 4, "public_test": 2})


@pytest.mark.short
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras
def test_a_training_prints_its_card_alone_and_its_weights_are_measured_by_the_other_command(folder, tmp_path, capsys):
    out = tmp_path / "out"
    settings = ["--epochs", "1", "--batch", "8", "--seed", "3", "--json"]
    call_command("train_detector", "--data", str(folder), "--out", str(out), *settings)
    printed = capsys.readouterr()
    card = json.loads(printed.out)
    assert card == json.loads((out / "card.json").read_text())
    assert card["training"]["seed"] == 3
    assert "epoch 1 of 1" in printed.err
    call_command("evaluate_detector", "--data", str(folder), "--models", str(out), "--crops", "--json")
    measured = json.loads(capsys.readouterr().out)[str(out)]
    assert measured["accuracy"] == pytest.approx(card["measures"]["labels"]["labels"]["accuracy"], abs=0.1)
    assert measured["parameters"] == card["training"]["parameters"]


def spoil(folder, how):
    if how == "class":
        for file in (folder / "train/fear").iterdir():
            file.unlink()
    elif how == "picture":
        (folder / "public_test/happy/00001.png").write_bytes(b"\x89PNG broken")
    elif how == "votes":
        (folder / "votes.csv").write_text("emotion,pixels\n")


@pytest.mark.parametrize(
    ("how", "named"),
    [("class", "train/fear"), ("picture", "public_test/happy/00001.png"), ("votes", "votes.csv")],
)
def test_bad_data_is_one_line_that_names_the_file(folder, tmp_path, how, named):
    spoil(folder, how)
    with pytest.raises(CommandError) as error:
        call_command("train_detector", "--data", str(folder), "--out", str(tmp_path / "out"))
    assert named in str(error.value)
    assert "\n" not in str(error.value)
    assert "object at" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_data_that_is_no_folder_and_no_zip_is_one_line(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "face.png")
    for name in ("face.png", "nowhere"):
        with pytest.raises(CommandError, match=name):
            call_command("train_detector", "--data", str(tmp_path / name), "--out", str(tmp_path / "out"))


@pytest.mark.parametrize("option", ["--start", "--teacher"])
def test_a_training_does_not_write_over_what_it_begins_with(folder, tmp_path, option):
    model = write_model(tmp_path / "model")
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    same = tmp_path / "model" / ".." / "model"
    with pytest.raises(CommandError, match=f"is the folder of {option} too; give another one"):
        call_command("train_detector", f"--data={folder}", f"--out={same}", option, str(model))
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--model", "cnn", "--teacher", "models/emotune"], "plain network"),
        (["--model", "cnn", "--rate", "0.1"], "plain network"),
        (["--start", "models/emotune", "--size", "large"], "--size"),
        (["--teacher-share", "0.5"], "--teacher"),
        (["--average", "1"], "--average"),
        (["--rate", "-0.002"], "--rate"),
        (["--rate", "nan"], "--rate"),
        (["--decay", "-1"], "--decay"),
        (["--seed", "-1"], "--seed"),
        (["--teacher", "nowhere"], "nowhere"),
        (["--mixup", "2"], "--mixup"),
    ],
)
def test_options_that_contradict_each_other_are_one_line(folder, tmp_path, options, named):
    with pytest.raises(CommandError, match=named) as error:
        call_command("train_detector", f"--data={folder}", f"--out={tmp_path / 'out'}", *options)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_network_is_calibrated_anew_on_what_its_training_held_out(folder, tmp_path, capsys):
    training = {"held_out": 0.25}
    model = write_model(tmp_path / "model", training=training, data={"train": 21, "held_out": 7})
    call_command("calibrate_detector", "--data", str(folder), "--model", str(model), "--json")
    card = json.loads(capsys.readouterr().out)
    assert card == json.loads((model / "card.json").read_text())
    assert card["training"] == training
    assert len(card["sureness"]) == 11
    assert set(card["measures"]) == {"labels", "crowd", "served"}
    with pytest.raises(CommandError, match="no model there"):
        call_command("calibrate_detector", "--data", str(folder), "--model", str(tmp_path / "nowhere"))


def test_a_calibration_that_cannot_be_carried_out_changes_nothing(folder, tmp_path):
    sizes = {"train": 21, "held_out": 7}
    votes = {"labels": {"labels": {"count": 1}, "crowd": {"count": 1}}}
    for data, measures, said in (
        ({**sizes, "held_out_crc": 1}, {}, "kept other pictures back"),
        ({"train": 27274, "held_out": 1435}, {}, "kept other pictures back"),
        ({}, {}, "kept other pictures back"),
        (sizes, votes, "has no votes, and its training had some"),
    ):
        model = write_model(tmp_path / "model", training={"held_out": 0.25}, data=data, measures=measures)
        before = {file.name: file.read_bytes() for file in model.iterdir()}
        with pytest.raises(CommandError, match=said):
            call_command("calibrate_detector", "--data", str(folder), "--model", str(model))
        assert {file.name: file.read_bytes() for file in model.iterdir()} == before
    write_model(model, training={"held_out": 0.25}, data=sizes)
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    spoil(folder, "picture")
    with pytest.raises(CommandError, match=r"00001\.png"):
        call_command("calibrate_detector", "--data", str(folder), "--model", str(model))
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before


def test_networks_that_answer_otherwise_have_other_versions_and_serve_of_each_head_what_they_did(folder, tmp_path):
    versions = set()
    for held_out, blend in ((7, 0.5), (10, 0.25)):
        data = {"train": 28 - held_out, "held_out": held_out}
        model = write_model(tmp_path / f"{held_out}", training={"held_out": held_out / 28}, data=data, blend=blend)
        call_command("calibrate_detector", "--data", str(folder), "--model", str(model))
        card = json.loads((model / "card.json").read_text())
        versions.add(card["version"])
        assert card["blend"] == blend
        assert card["measures"]["labels"]["labels"]["strangers"]["count"] == 14
    assert len(versions) == 2


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras
def test_a_plain_network_that_was_stopped_goes_on_with_its_own_settings_alone(folder, tmp_path, monkeypatch):
    from detection.vision.data import DataError
    from detection.vision.plain_cnn import PlainCnn, _Batches, train_plain_cnn

    class Stop(Exception):
        pass

    seen: list[tuple[str, float | None]] = []

    def stop(kind: str, values: dict[str, float]) -> None:
        if (kind, values.get("epoch")) == ("step", 1):
            raise Stop
        seen.append((kind, values.get("epoch")))

    asked: list[int] = []
    get = _Batches.__getitem__

    def ask(batches: _Batches, index: int) -> object:
        asked.append(index)
        return get(batches, index)

    monkeypatch.setattr(_Batches, "__getitem__", ask)
    out = tmp_path / "cnn"
    with pytest.raises(Stop):
        train_plain_cnn(folder, out, stop, epochs=2, batch=8)
    with pytest.raises(DataError, match="other settings"):
        train_plain_cnn(folder, out, stop, epochs=3, batch=8)
    seen.clear()
    card = train_plain_cnn(
        folder, out, lambda kind, values: seen.append((kind, values.get("epoch"))), epochs=2, batch=8
    )
    assert ("epoch", 0) not in seen
    assert ("epoch", 1) in seen
    assert sorted(file.name for file in out.iterdir()) == ["card.json", "weights.npz"]
    assert card == json.loads((out / "card.json").read_text())
    assert card["data"]["held_out_crc"] == hold_out(load_split(folder, "train"), 0.05)[1].fingerprint()
    assert asked[-4:] == [0, 1, 2, 3], "in an order that depends on nothing but seed and epoch"
    read = PlainCnn.load(out).classify(load_split(folder, "public_test").pictures(range(14)))
    assert read.shape == (14, 7)


def test_no_epochs_are_refused(folder, tmp_path):
    with pytest.raises(CommandError, match="epochs"):
        call_command("train_detector", f"--data={folder}", f"--out={tmp_path / 'out'}", "--epochs=0")


def test_several_networks_are_measured_side_by_side(folder, tmp_path, capsys):
    one, two = (str(write_model(tmp_path / name)) for name in ("one", "two"))
    call_command("evaluate_detector", "--data", str(folder), "--models", f"{one},{two}", "--crops", "--json")
    measured = json.loads(capsys.readouterr().out)
    assert list(measured) == [one, two]
    keys = {"accuracy", "macro_f1", "recall", "no_face", "ece", "confusion", "milliseconds", "parameters", "heads"}
    assert keys <= set(measured[one])
    assert list(measured[one]["recall"]) == list(EMOTIONS)
    assert measured[one]["accuracy"] == measured[two]["accuracy"]
    assert measured[one]["milliseconds"] > 0
    call_command("evaluate_detector", "--data", str(folder), "--models", one, "--crops")
    words = capsys.readouterr().out
    assert f"{one}: labels against labels" in words
    assert "CNN (paper)" in words
    assert "34.2" in words


def test_a_missing_network_is_one_line(folder, tmp_path):
    with pytest.raises(CommandError, match="no model there"):
        call_command("evaluate_detector", "--data", str(folder), "--models", str(tmp_path / "nowhere"))
