"""Data, augmentation, measures and training of the emotion network."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from detection.vision import augmentation
from detection.vision.augmentation import augment
from detection.vision.card import load_card
from detection.vision.classifier import Classifier
from detection.vision.data import DataError, check_pictures, hold_out, load_split
from detection.vision.evaluation import (
    choose_threshold,
    expected_calibration_error,
    fit_temperature,
    measure,
    risk_coverage,
)
from detection.vision.sources import Remembered
from detection.vision.systems import Network, evaluate
from emotune.emotions import EMOTIONS
from tests.vision_files import SMALL, write_faces, write_model

VOTES = "path,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,not_a_face\n"


@pytest.fixture
def folder(tmp_path):
    return write_faces(tmp_path / "faces", {"train": 6, "public_test": 3})


def zipped(folder, file):
    with zipfile.ZipFile(file, "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    return file


def test_a_zip_reads_as_the_folder_that_it_holds(folder, tmp_path):
    one = load_split(folder, "train")
    two = load_split(zipped(folder, tmp_path / "faces.zip"), "train")
    assert one.names == two.names
    assert one.labels.tolist() == two.labels.tolist() == [i for i in range(7) for _ in range(6)]
    assert (one.pictures(range(42)) == two.pictures(range(42))).all()
    assert np.isnan(one.votes).all()


def test_votes_become_shares_of_the_seven_emotions(folder):
    rows = ["train/angry/00000.png,1,0,0,1,6,0,0,2,0,0", "train/angry/00001.png,0,0,0,0,0,0,0,3,7,0"]
    (folder / "votes.csv").write_text(VOTES + "\n".join(rows))
    votes = load_split(folder, "train").votes
    assert votes[0].tolist() == [0.75, 0, 0, 0, 0.125, 0, 0.125]
    assert np.isnan(votes[1:]).all()


def test_pictures_of_other_sizes_are_brought_to_48_pixels(folder):
    Image.new("RGB", (96, 96), "white").save(folder / "train/angry/00000.png")
    assert (load_split(folder, "train").pictures([0]) == 255).all()


def test_pictures_are_decoded_once_as_far_as_memory_reaches(folder, monkeypatch):
    split = load_split(folder, "train")
    decoded = []
    face = split.source.face

    def decode(name):
        decoded.append(name)
        return face(name)

    monkeypatch.setattr(split.source, "face", decode)
    source = Remembered(split.source, limit=2 * 48 * 48)
    for _ in range(2):
        for name in split.names[:3]:
            assert (source.face(name) == face(name)).all()
    assert decoded == [*split.names[:3], split.names[2]]


def test_held_out_pictures_are_no_training_pictures(folder):
    split = load_split(folder, "train")
    kept, held = hold_out(split, 0.25, seed=1)
    assert len(held) == round(len(split) / 4)
    assert sorted(kept.names + held.names) == sorted(split.names)
    assert hold_out(split, 0.25, seed=1)[1].names == held.names
    assert hold_out(split, 0.25, seed=2)[1].names != held.names


def test_a_missing_class_a_broken_picture_and_foreign_votes_are_named(folder, tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        load_split(tmp_path / "nowhere", "train")
    with pytest.raises(DataError, match="no split private_test"):
        load_split(folder, "private_test")
    (tmp_path / "letter.zip").write_text("no zip")
    with pytest.raises(DataError, match=r"letter\.zip"):
        load_split(tmp_path / "letter.zip", "train")
    (folder / "train/sad/00002.png").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"train/sad/00002\.png"):
        check_pictures(load_split(folder, "train"), lambda _: None)
    (folder / "votes.csv").write_text("path,neutral\n")
    with pytest.raises(DataError, match="lacks the columns"):
        load_split(folder, "train")


def test_augmented_faces_stay_faces_and_depend_on_the_seed_alone():
    faces = np.tile(np.linspace(0.2, 0.8, 48, dtype=np.float32), (20, 48, 1))
    before = faces.copy()
    one, two, three = (augment(faces, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (faces == before).all()
    assert one.shape == faces.shape
    assert one.dtype == np.float32
    assert 0 <= one.min() <= one.max() <= 1
    assert (one == two).all()
    assert (one != three).any()


def test_weaker_augmentation_leaves_faces_nearer_to_what_they_were():
    faces = np.random.default_rng(0).random((64, 12, 12)).repeat(4, axis=1).repeat(4, axis=2).astype(np.float32)
    changes = []
    for strength in (0, 0.5, 1):
        seen = augment(faces, np.random.default_rng(1), strength)
        nearer = np.minimum(np.abs(seen - faces).mean(axis=(1, 2)), np.abs(seen - faces[:, :, ::-1]).mean(axis=(1, 2)))
        changes.append(nearer.mean())
    assert changes[0] < 0.1
    assert changes[0] < changes[1] < changes[2]


def test_warping_mirrors_about_half_of_the_faces():
    faces = np.tile(np.linspace(0, 1, 48, dtype=np.float32), (400, 48, 1))
    warped = augmentation.warp(faces, np.random.default_rng(0))
    mirrored = (warped[:, 24, 40] < warped[:, 24, 8]).mean()
    assert 0.4 < mirrored < 0.6


def test_measures_of_known_readings():
    labels = np.array([0, 0, 0, 1, 2, 3, 4, 5, 6, 6])
    read = np.array([0, 0, 1, 1, 2, 3, 4, 5, 6, 0])
    measured = measure(np.eye(7)[read], labels)
    assert measured.accuracy == 0.8
    assert measured.recall == {**dict.fromkeys(EMOTIONS, 1.0), "angry": 0.6667, "neutral": 0.5}
    assert measured.precision["angry"] == 0.6667
    assert measured.confusion[0][:2] == [2, 1]
    assert measured.confusion[6][0] == 1
    assert measured.ece == pytest.approx(0.2)
    with pytest.raises(ValueError, match="do not fit"):
        measure(np.eye(7), labels)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    shares = np.full((10, 7), 0.2 / 6)
    shares[:, 3] = 0.8
    assert expected_calibration_error(shares, np.array([3] * 8 + [0] * 2)) == pytest.approx(0, abs=1e-9)
    assert expected_calibration_error(shares, np.array([3] * 5 + [0] * 5)) == pytest.approx(0.3)


def test_the_temperature_that_was_applied_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 7))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(7, p=row) for row in shares])
    assert fit_temperature((logits * 1.7).astype(np.float32), np.eye(7)[labels]) == pytest.approx(1.7, rel=0.06)


def test_the_threshold_parts_what_most_would_disagree_with():
    confidence = np.linspace(0.2, 0.98, 1000)
    shares = np.zeros((1000, 7))
    shares[:, 0], shares[:, 1] = confidence, 0.01
    labels = np.where(np.random.default_rng(0).random(1000) < confidence, 0, 1)
    assert choose_threshold(shares, np.eye(7)[labels]) == pytest.approx(0.5, abs=0.1)
    assert choose_threshold(shares, np.eye(7)[np.zeros(1000, np.int64)]) == 0
    votes = np.zeros((1000, 7))
    votes[:, 0], votes[:, 1] = confidence, 1 - confidence
    assert choose_threshold(shares, votes) == pytest.approx(0.5, abs=0.01)


def test_the_more_confident_readings_are_the_better_ones():
    confidence = np.linspace(0.2, 0.98, 1000)
    shares = np.zeros((1000, 7))
    shares[:, 0], shares[:, 1] = confidence, 0.01
    labels = np.where(np.random.default_rng(0).random(1000) < confidence, 0, 1)
    coverage, error = risk_coverage(shares, labels)
    assert coverage[-1] == 1
    assert error[-1] == pytest.approx((labels != 0).mean())
    assert error[200] < error[-1] / 2


def test_a_missed_face_is_wrong_but_no_wrong_emotion():
    labels = np.array([0, 0, 1, 2, 3, 4, 5, 6])
    read = np.eye(7)[[0, 0, 2, 2, 3, 4, 5, 6]]
    read[0] = np.nan
    measured = measure(read, labels)
    assert (measured.count, measured.no_face) == (8, 1)
    assert measured.accuracy == 6 / 8
    assert measured.accuracy_found == 6 / 7
    assert measured.recall["angry"] == 0.5
    assert np.sum(measured.confusion) == 7
    assert measure(np.full((2, 7), np.nan), labels[:2]).accuracy == 0


def test_bins_and_risk_say_what_the_readings_are_worth():
    shares = np.full((10, 7), 0.2 / 6)
    shares[:, 3] = 0.8
    shares[8:, 3], shares[8:, 0] = 0.4, 0.4 + 1e-9
    measured = measure(shares, np.array([3] * 8 + [1] * 2))
    assert measured.reliability == [[0.2, 0.4, 0.0], [0.8, 0.8, 1.0]]
    assert measured.risk[-1] == [1.0, 0.2]
    assert [error for coverage, error in measured.risk if coverage == 0.8] == [0]


def test_an_evaluation_counts_every_picture_and_says_how_large_the_network_is(folder, tmp_path):
    model = write_model(tmp_path / "model")
    seen: list[int] = []
    figures = evaluate(Network(model, crops=True), load_split(folder, "public_test"), seen.append, crops=True)
    measured = figures.to_json()
    assert sum(seen) == 21
    assert np.sum(measured["confusion"]) == 21
    assert set(measured["recall"]) == set(EMOTIONS)
    assert set(measured["heads"]) == {"labels", "crowd", "served"}
    assert measured["heads"]["labels"] == {"labels": measured["heads"]["labels"]["labels"]}  # no votes, no crowd
    assert measured["parameters"] == Classifier.load(model).parameters


class Stop(Exception):
    """Stands for a kill in the middle of an epoch."""


@pytest.mark.short
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras
def test_a_training_that_was_stopped_goes_on_and_leaves_weights_that_can_be_served(folder, tmp_path):
    from detection.vision.recipe import Recipe
    from detection.vision.training import train

    seen = []

    def stop_in_the_second_epoch(kind, values):
        seen.append((kind, values.get("epoch")))
        if seen.count(("step", 1)) == 2:
            raise Stop

    out, teachers = tmp_path / "out", [write_model(tmp_path / "teacher")]
    recipe = Recipe(epochs=2, batch=8, held_out=0.2, mixup=0.2, mixed_precision=False)
    with pytest.raises(Stop):
        train(folder, out, recipe, SMALL, stop_in_the_second_epoch, teachers=teachers)
    assert ("epoch", 0) in seen
    assert ("lesson", None) in seen
    other_data = write_faces(tmp_path / "others", {"train": 7, "public_test": 3})
    start = teachers[0]
    for data, other, taught_by, begun in (
        (folder, replace(recipe, epochs=3), teachers, None),
        (folder, recipe, [], None),
        (folder, recipe, teachers, start),
        (other_data, recipe, teachers, None),
    ):
        with pytest.raises(DataError, match="other settings or data"):
            train(data, out, other, SMALL, lambda *_: None, teachers=taught_by, start=begun)
    # as a kill in the moment in which Keras notes an epoch would leave it
    noted = out / "checkpoint" / "training_metadata.json"
    (out / "checkpoint" / "training_metadata.json.bkp").write_bytes(noted.read_bytes())
    noted.write_bytes(b"")
    later = []
    card = train(
        folder, out, recipe, SMALL, lambda kind, values: later.append((kind, values.get("epoch"))), teachers=teachers
    )
    assert ("lesson", None) not in later
    assert ("step", 0) not in later
    assert ("epoch", 1) in later
    assert sorted(path.name for path in out.iterdir()) == ["card.json", "weights.npz"]
    assert json.loads((out / "card.json").read_text()) == json.loads(json.dumps(card.to_json()))
    crc = hold_out(load_split(folder, "train"), 0.2)[1].fingerprint()
    assert card.data == {"name": "faces", "train": 34, "held_out": 8, "test": 21, "held_out_crc": crc}
    assert card.training["teachers"] == ["test-1"]
    assert len(card.sureness) == 11
    assert Classifier.load(out).classify(np.zeros((2, 48, 48), np.uint8)).shape == (2, 7)


@pytest.mark.short
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras
def test_a_training_goes_on_from_a_smaller_network_but_not_from_a_larger_one(folder, tmp_path):
    from detection.vision.recipe import Recipe
    from detection.vision.training import train

    start = write_model(tmp_path / "start", replace(SMALL, blocks=(2, 1)))
    recipe = Recipe(epochs=1, batch=8, held_out=0.2, mixed_precision=False)
    card = train(folder, tmp_path / "out", recipe, SMALL, lambda *_: None, start=start)
    assert card.architecture == load_card(tmp_path / "out").architecture == SMALL
    with pytest.raises(DataError, match="make no batch of 96; give a smaller one"):
        train(folder, tmp_path / "large", replace(recipe, batch=96), SMALL, lambda *_: None)
    smaller = tmp_path / "smaller"
    with pytest.raises(DataError, match=r"cannot go on from it .*stage1_block1.*; leave --size out"):
        train(folder, smaller, recipe, replace(SMALL, blocks=1), lambda *_: None, start=tmp_path / "out")
    assert not smaller.exists()


class Untrained:
    """Stands for a network whose training takes no time; `fitted` is how it was asked to train."""

    def __init__(self):
        self.fitted = {}

    def fit(self, batches, **how):
        self.fitted = how

    def compile(self, *_, **__):
        pass


@pytest.fixture
def untrained(monkeypatch):
    """Let trainings end at once, with a network of random weights."""
    from detection.vision import training
    from detection.vision.network import build_network

    network = Untrained()
    monkeypatch.setattr(training, "_beginning", lambda *_: (network, SMALL, {}))
    monkeypatch.setattr(training, "_served", lambda *_: build_network(SMALL))
    return network


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nobody_sees_a_network_before_it_is_fitted_and_measured(folder, tmp_path, monkeypatch, untrained):
    from detection.vision import training
    from detection.vision.recipe import Recipe

    out = tmp_path / "out"
    recipe = Recipe(epochs=1, batch=8, held_out=0.2, mixed_precision=False)
    fitted = []

    def fail(*_):
        fitted.append(names_in(out))
        raise DataError("no")

    with monkeypatch.context() as context:
        context.setattr(training, "settle", fail)
        with pytest.raises(DataError):
            training.train(folder, out, recipe, None, lambda *_: None)
    assert [name for name in fitted[0] if not name.startswith("untried-")] == ["checkpoint"]
    assert names_in(out) == ["checkpoint"]
    card = training.train(folder, out, recipe, None, lambda *_: None)
    assert names_in(out) == ["card.json", "weights.npz"]
    assert load_card(out).measures == card.measures != {}
    assert card.blend == 0, "nothing taught the crowd's head"
    assert untrained.fitted["shuffle"] is False
    assert Classifier.load(out).classify(np.zeros((1, 48, 48), np.uint8)).shape == (1, 7)


@pytest.mark.parametrize(
    ("voted", "blends", "taught"),
    [(False, [], False), (True, [], True), (False, [0.5], True), (False, [0.5, 0.0], False), (True, [0.0], True)],
)
def test_the_crowds_head_is_served_where_votes_or_teachers_taught_it(folder, tmp_path, voted, blends, taught):
    from detection.vision.training import _crowd_is_taught

    if voted:
        (folder / "votes.csv").write_text(VOTES + "train/angry/00000.png,1,0,0,1,6,0,0,2,0,0")
    teachers = [write_model(tmp_path / f"teacher{i}", blend=blend) for i, blend in enumerate(blends)]
    assert _crowd_is_taught(load_split(folder, "train"), teachers) is taught


@pytest.mark.parametrize(
    ("sizes", "is_refused"),
    [
        ({}, False),
        ({"train": 34, "held_out": 8}, False),
        ({"train": 34, "held_out": 80, "held_out_crc": 1}, False),
        ({"train": 34, "held_out": 8, "held_out_crc": None}, False),
        ({"train": 34, "held_out": 8, "held_out_crc": 1}, True),
        ({"train": 38, "held_out": 4, "held_out_crc": 1}, True),
    ],
)
def test_what_learned_from_pictures_that_are_held_out_now_is_no_start_and_no_teacher(
    folder, tmp_path, untrained, sizes, is_refused
):
    from detection.vision.recipe import Recipe
    from detection.vision.training import _check_earlier, train

    kept, held = hold_out(load_split(folder, "train"), 0.2)
    data = {name: held.fingerprint() if value is None else value for name, value in sizes.items()}
    earlier = write_model(tmp_path / "earlier", data=data)
    if not is_refused:
        _check_earlier([earlier], folder, kept, held)
        return
    for how in ({"start": earlier}, {"teachers": [earlier]}):
        with pytest.raises(DataError, match="earlier learned from pictures that are held out now; give the data as"):
            train(folder, tmp_path / "out", Recipe(held_out=0.2), None, lambda *_: None, **how)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def backups(tmp_path):
    """Return a network, and a function that makes the callback that keeps its epochs."""
    import keras

    from detection.vision.checkpoints import checkpoint

    network = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, name="dense")])
    network.compile("sgd", loss="mse")

    def backup():
        made = checkpoint(tmp_path / "checkpoint", {})
        made.set_model(network)
        return made

    return network, backup


def keep(network, backup, epochs):
    """Keep epochs at whose ends all weights are the epoch's number, counted from 1."""
    for epoch in range(epochs):
        network.set_weights([np.full(weights.shape, epoch + 1) for weights in network.get_weights()])
        backup().on_epoch_end(epoch)


def restored(network, backup):
    """Return the epoch that is next, and the weight with which it begins."""
    network.set_weights([np.zeros(weights.shape) for weights in network.get_weights()])
    network._initial_epoch = None
    backup().on_train_begin()
    return network._initial_epoch, network.get_weights()[0][0, 0]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras
@pytest.mark.parametrize("kept", [0, 0.01, 0.2, 0.5, 0.9])
def test_a_training_goes_on_from_the_epoch_before_where_the_last_one_was_cut_off(tmp_path, backups, kept):
    network, backup = backups
    keep(network, backup, 2)
    assert restored(network, backup) == (2, 2)
    file = tmp_path / "checkpoint" / "latest.weights.h5"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept * len(whole))])
    assert restored(network, backup) == (1, 1)
    keep(network, backup, 3)
    assert restored(network, backup) == (3, 3)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras
@pytest.mark.parametrize("error", [OSError, RuntimeError, ValueError, KeyError])
def test_whatever_a_damaged_epoch_raises_the_one_before_is_taken_or_a_line_says_that_there_is_none(
    tmp_path, backups, monkeypatch, error
):
    network, backup = backups
    keep(network, backup, 2)
    load, broken = type(network).load_weights, [error("bad object header\nversion")]

    def load_once(model, file):
        if broken:
            raise broken.pop()
        load(model, file)

    monkeypatch.setattr(type(network), "load_weights", load_once)
    assert restored(network, backup) == (1, 1)
    for name in ("latest.weights.h5", "latest.weights.h5.bkp"):
        (tmp_path / "checkpoint" / name).write_bytes(b"cut")
    with pytest.raises(
        DataError, match=r"neither its last epoch nor one before can be read .*remove the folder"
    ) as said:
        restored(network, backup)
    assert "\n" not in str(said.value)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras
def test_epochs_that_follow_each_other_fast_are_not_all_kept(tmp_path, backups):
    from detection.vision.checkpoints import checkpoint

    network, _ = backups
    made = checkpoint(tmp_path / "checkpoint", {}, every=1000)
    made.set_model(network)
    keep(network, lambda: made, 3)
    assert restored(network, lambda: made) == (1, 1)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras
def test_an_epoch_that_a_full_disk_cuts_off_leaves_the_last_one(backups, monkeypatch):
    network, backup = backups
    keep(network, backup, 1)

    def fill(model, file, **_):
        file.write_bytes(b"\x89HDF")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(type(network), "save_weights", fill)
        with pytest.raises(OSError, match="No space"):
            keep(network, backup, 2)
    assert restored(network, backup) == (1, 1)


@pytest.mark.parametrize("floor", [0.001, 0.25])
def test_the_learning_rate_rises_and_falls_to_its_floor(floor):
    from detection.vision.network import build_network
    from detection.vision.recipe import Recipe
    from detection.vision.training import compile_network

    network = build_network(SMALL)
    compile_network(network, Recipe(rate=0.002, warmup=0.1, floor=floor), steps=100)
    rates = [float(network.optimizer._learning_rate(step)) for step in range(101)]
    assert max(rates) == pytest.approx(0.002) == rates[10]
    assert rates[0] < 0.0001
    assert rates[100] == pytest.approx(0.002 * floor)
