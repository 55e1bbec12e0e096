"""Learning from teachers: their answers, and the targets that they and mixing change."""

import threading
from concurrent.futures import wait

import numpy as np
import pytest

from detection.vision.card import HEADS, softmax
from detection.vision.classifier import Classifier
from detection.vision.data import DataError, load_split
from detection.vision.recipe import Recipe
from tests.vision_files import write_faces, write_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras


# Keras takes seconds to load: only the process that comes to these tests shall wait for it.
@pytest.fixture
def batches():
    from detection.vision import batches

    return batches


@pytest.fixture
def teachers():
    from detection.vision import teachers

    return teachers


@pytest.fixture
def lesson(teachers):
    return teachers.lesson


@pytest.fixture
def folder(tmp_path):
    return write_faces(tmp_path / "faces", {"train": 4, "public_test": 2})


def test_teachers_say_the_mean_of_their_answers_to_views_of_each_picture(teachers, lesson, folder, tmp_path):
    split = load_split(folder, "train")
    models = [write_model(tmp_path / "one"), write_model(tmp_path / "two")]
    read: list[int] = []
    said = lesson(models, split, tmp_path / "lesson.npz", read.append)
    assert sum(read) == 2 * len(split)
    faces = split.pictures(range(len(split)))
    views = list(teachers.views(faces, 0))
    logits = [Classifier.load(models[0]).logits(np.ascontiguousarray(seen)) for seen in views]
    for head in HEADS:
        assert said[head] == pytest.approx(sum(softmax(part[head]) for part in logits) / len(views), abs=1e-4)


def test_a_teacher_sees_a_face_as_it_is_mirrored_and_turned_a_little_always_alike(teachers, folder):
    faces = load_split(folder, "train").pictures(range(4))
    as_it_is, mirrored, *turned = teachers.views(faces, 5)
    assert (as_it_is == faces).all()
    assert (mirrored == faces[:, :, ::-1]).all()
    assert len(turned) == teachers.TURNS
    assert all(seen.dtype == np.uint8 and seen.shape == faces.shape for seen in turned)
    assert all((seen != faces).any(axis=(1, 2)).all() for seen in turned)
    assert all((one == two).all() for one, two in zip(turned, list(teachers.views(faces, 5))[2:], strict=True))


def test_a_lesson_is_kept_until_the_teachers_or_the_pictures_change(lesson, folder, tmp_path):
    split, cache = load_split(folder, "train"), tmp_path / "lesson.npz"
    model = write_model(tmp_path / "one")
    first = lesson([model], split, cache, lambda _: None)
    read: list[int] = []
    assert (lesson([model], split, cache, read.append)["crowd"] == first["crowd"]).all()
    assert read == []
    assert len(lesson([model], split.subset(np.arange(5)), cache, read.append)["crowd"]) == 5
    assert read == [5]


def test_targets_mix_own_and_taught_shares_and_fill_in_what_nobody_voted_for(batches):
    own = {"labels": np.eye(7)[[0, 1]], "crowd": np.array([np.eye(7)[0], np.zeros(7)])}
    said = dict.fromkeys(HEADS, np.full((2, 7), 1 / 7))
    targets = batches.taught(own, said, 0.25)
    assert targets["labels"][0, 0] == pytest.approx(0.75 + 0.25 / 7)
    assert targets["crowd"][0, 0] == pytest.approx(0.75 + 0.25 / 7)
    assert targets["crowd"][1] == pytest.approx(1 / 7)


def test_mixed_pictures_have_mixed_targets_and_no_target_counts_where_there_is_none(batches):
    faces = np.stack([np.zeros((4, 4)), np.ones((4, 4))] * 10).astype(np.float32)
    targets = dict.fromkeys(HEADS, np.eye(7, dtype=np.float32)[[0, 1] * 10])
    weights = {"labels": np.ones(20, np.float32), "crowd": np.array([1, 0] * 10, np.float32)}
    mixed, shares, counted = batches.mix(faces, targets, weights, 0.4, np.random.default_rng(0))
    assert shares["labels"].sum(axis=1) == pytest.approx(1)
    assert shares["labels"][:, 1] == pytest.approx(mixed[:, 0, 0], abs=1e-6)
    assert ((mixed[:, 0, 0] > 0) & (mixed[:, 0, 0] < 1)).any()
    assert (shares["crowd"][:, 1] == 0).all()
    assert counted["crowd"] == pytest.approx(1 - mixed[:, 0, 0], abs=1e-6)


def test_batches_of_a_recipe_with_mixup_are_the_same_again(batches, folder):
    split = load_split(folder, "train")
    one, two = (batches.Batches(split, Recipe(batch=8, mixup=0.2))[1] for _ in range(2))
    assert (one[0] == two[0]).all()
    assert (one[1]["labels"] == two[1]["labels"]).all()
    assert (one[0] != batches.Batches(split, Recipe(batch=8))[1][0]).any()
    assert batches.make_targets(split, Recipe())["crowd"].sum() == 0


@pytest.fixture
def ahead(batches, monkeypatch):
    """Let batches be made ahead, as on JAX and PyTorch."""
    monkeypatch.setattr(batches, "AHEAD", 4)


def test_the_next_batches_are_made_in_the_background_and_those_of_another_epoch_forgotten(batches, ahead, folder):
    split = load_split(folder, "train")
    shown, alone = (batches.Batches(split, Recipe(batch=4)) for _ in range(2))
    made: list[int] = []
    threads = set()
    changed = shown._changed

    def change(chosen, index):
        threads.add(threading.current_thread().name)
        made.append(index)
        return changed(chosen, index)

    shown._changed = change
    for epoch in (0, 1):
        made.clear()
        shown.start_epoch(epoch)
        alone.start_epoch(epoch)
        for index in range(2 + epoch * (len(shown) - 2)):  # the first epoch is broken off
            assert (shown[index][0] == alone._batch(index)[0]).all()
        wait(shown._made.values())
        assert made == list(range(min(len(shown), 2 + batches.AHEAD if epoch == 0 else len(shown))))
    assert threads == {"batches_0"}


def test_a_picture_that_cannot_be_decoded_stops_the_batch_that_it_is_in(batches, ahead, folder):
    split = load_split(folder, "train")
    shown = batches.Batches(split, Recipe(batch=4))
    broken = split.names[9]
    (folder / broken).write_bytes(b"broken")
    assert shown[0][0].shape == shown[1][0].shape == (4, 48, 48, 1)
    with pytest.raises(DataError, match=broken):
        shown[2]
    assert shown[3][0].shape == (4, 48, 48, 1)


def test_unmixed_pictures_are_those_of_the_batches_without_mixing(batches, folder):
    split = load_split(folder, "train")
    mixed, plain = (batches.Batches(split, Recipe(batch=8, mixup=mixup)) for mixup in (0.4, 0.0))
    for each in (mixed, plain):
        each.start_epoch(3)
    shown = list(mixed.unmixed(100))
    assert len(shown) == len(mixed) > 1
    assert all((one == plain[index][0]).all() for index, one in enumerate(shown))
    assert (shown[0] != mixed[0][0]).any()
