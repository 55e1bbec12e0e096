"""Training on an accelerator: what changes pictures within the step, what is learned, and going on after a kill."""

from dataclasses import replace

import numpy as np
import pytest

from detection.vision.augmentation import augment
from detection.vision.card import HEADS, load_card, softmax
from detection.vision.recipe import Recipe
from tests.vision_files import SMALL, write_faces, write_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras


# Keras takes seconds to load: only the process that comes to these tests shall wait for it.
@pytest.fixture
def augmentation():
    from detection.vision.augmentation_layer import Augmentation

    def make(strength=1.0, epoch=0):
        made = Augmentation(strength, seed=5)
        made.start_epoch(epoch)
        return made

    return make


@pytest.fixture
def classroom():
    from detection.vision.classroom import Classroom
    from detection.vision.network import build_network

    def make(recipe, teachers=0):
        return Classroom(build_network(SMALL, 1), [build_network(SMALL, 2 + i) for i in range(teachers)], recipe)

    return make


def pictures(count=32):
    """Smooth ones, since edges hide how far something was moved."""
    y, x = np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 1, 48), indexing="ij")
    rng = np.random.default_rng(1)
    waves = [np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y + rng.uniform(0, 6)) for _ in range(count)]
    return (0.5 + 0.35 * np.stack(waves)[..., None]).astype(np.float32)


def numbers(values):
    import keras

    return np.asarray(keras.ops.convert_to_numpy(values))


def test_what_an_epoch_draws_depends_on_the_seed_and_the_epoch_alone(augmentation):
    faces = pictures()
    one, again, other = (numbers(augmentation(epoch=epoch)(faces)) for epoch in (0, 0, 1))
    assert one.shape == faces.shape
    assert 0 <= one.min() <= one.max() <= 1
    assert (one == again).all()
    assert (one != other).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_faces_are_changed_as_far_as_beforehand_on_the_processor(augmentation, strength):
    faces = pictures(256)
    here = np.abs(numbers(augmentation(strength)(faces)) - faces)
    there = np.abs(augment(faces[..., 0], np.random.default_rng(2), strength)[..., None] - faces)
    assert here.mean() == pytest.approx(there.mean(), rel=0.1)
    assert here.std() == pytest.approx(there.std(), rel=0.1)


def test_about_half_of_the_faces_are_mirrored_and_a_point_goes_where_it_is_turned(augmentation):
    faces = np.zeros((400, 48, 48, 1), np.float32)
    faces[:, 20:28, 6:14] = 1  # at the left
    warped = numbers(augmentation().warped(faces))
    at_the_right = warped[:, :, 24:].sum(axis=(1, 2, 3)) > warped[:, :, :24].sum(axis=(1, 2, 3))
    assert 0.4 < at_the_right.mean() < 0.6
    still = numbers(augmentation(0.0).warped(faces))
    place = (still.sum(axis=(1, 3)) * np.arange(48)).sum(axis=1) / still.sum(axis=(1, 2, 3))
    assert np.abs(np.minimum(place, 47 - place) - 9.5).max() < 1.5  # stretched by 6 % at most
    assert (still.sum(axis=(2, 3)) * np.arange(48)).sum(axis=1) / still.sum(axis=(1, 2, 3)) == pytest.approx(
        np.full(400, 23.5), abs=0.01
    )


def test_a_share_of_the_faces_is_covered_by_a_rectangle_of_one_shade(augmentation):
    faces = np.full((500, 48, 48, 1), 2.0, np.float32)
    covered = numbers(augmentation().erased(faces))[..., 0] < 2
    assert 0.22 < covered.any(axis=(1, 2)).mean() < 0.38
    for hole in covered[covered.any(axis=(1, 2))]:
        rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        assert hole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert 4 <= len(rows) <= 24
        assert 4 <= len(columns) <= 24


def test_outside_of_a_training_it_answers_as_the_network_alone(classroom):
    made, faces = classroom(Recipe(), teachers=1), pictures(4)
    said, alone = made(faces), made.network(faces)
    assert set(said) == set(HEADS)
    for head in HEADS:
        assert (numbers(said[head]) == numbers(alone[head])).all()


def test_teachers_are_asked_about_the_very_view_and_learn_nothing(classroom):
    made = classroom(Recipe(mixup=0.4), teachers=2)
    seen: list[np.ndarray] = []

    def watched(call):
        def watch(faces, **how):
            seen.append(numbers(faces))
            return call(faces, **how)

        return watch

    for model in (made.network, *made.teachers):
        model.call = watched(model.call)
    shown = made(pictures(8), training=True)
    assert len(seen) == 3
    assert (seen[0] == seen[1]).all()
    assert (seen[0] == seen[2]).all()
    answers = [teacher(seen[0]) for teacher in made.teachers]
    for head in HEADS:
        mean = np.mean([softmax(numbers(answer[head])) for answer in answers], axis=0)
        assert numbers(shown["said"][head]) == pytest.approx(mean, abs=1e-5)
    share = numbers(shown["share"])
    assert ((share >= 0.5) & (share <= 1)).all()
    assert len(np.unique(share)) > 1
    assert {id(weight) for weight in made.trainable_weights} == {
        id(weight) for weight in made.network.trainable_weights
    }


def lesson(head_targets, weights, shown):
    """The mean of the weighted cross-entropies, with NumPy."""
    chances = softmax(shown)
    return np.mean(weights * -(head_targets * np.log(chances)).sum(axis=1))


def test_the_loss_is_that_of_mixed_targets_and_of_what_teachers_say(classroom):
    rng = np.random.default_rng(0)
    logits, said = ({head: rng.normal(size=(3, 7)).astype(np.float32) for head in HEADS} for _ in range(2))
    said = {head: softmax(values).astype(np.float32) for head, values in said.items()}
    own = dict.fromkeys(HEADS, np.eye(7, dtype=np.float32)[[0, 1, 2]])
    own = {**own, "crowd": own["crowd"] * np.array([[1], [0], [0]], np.float32)}
    weights = {"labels": np.array([1, 2, 1], np.float32), "crowd": np.array([1, 0, 0], np.float32)}
    share = np.array([[1], [0.75], [0.5]], np.float32)
    shown = {"logits": logits, "said": said, "share": share}
    # the second has a quarter of the first laid over it, which counts half as much; the third half of the second
    labels = np.stack([own["labels"][0], np.eye(7)[1] * 1.5 / 1.75 + np.eye(7)[0] * 0.25 / 1.75, np.zeros(7)])
    labels[2] = (np.eye(7)[2] * 0.5 + np.eye(7)[1] * 1.0) / 1.5
    expected = {
        "labels": lesson(labels, np.array([1, 1.75, 1.5]), logits["labels"]),
        "crowd": lesson(np.eye(7)[[0, 0, 2]], np.array([1, 0.25, 0]), logits["crowd"]),
    }
    alone = classroom(Recipe(crowd=0.25)).compute_loss(None, own, {**shown, "said": {}}, weights)
    assert float(alone) == pytest.approx(0.75 * expected["labels"] + 0.25 * expected["crowd"], rel=1e-4)
    taught = {
        "labels": lesson(0.2 * labels + 0.8 * said["labels"], np.array([1, 1.75, 1.5]), logits["labels"]),
        # where nobody voted the teachers alone count
        "crowd": lesson(
            np.stack([0.2 * np.eye(7)[0] + 0.8 * said["crowd"][0], 0.2 * np.eye(7)[0] + 0.8 * said["crowd"][1]])[
                [0, 1, 1]
            ]
            * np.array([[1], [1], [0]])
            + said["crowd"] * np.array([[0], [0], [1]]),
            np.ones(3),
            logits["crowd"],
        ),
    }
    with_teachers = classroom(Recipe(teacher=0.8), teachers=1).compute_loss(None, own, shown, weights)
    assert float(with_teachers) == pytest.approx(0.5 * taught["labels"] + 0.5 * taught["crowd"], rel=1e-4)


class Stop(Exception):
    """Stands for a kill in the middle of an epoch."""


@pytest.mark.short
def test_a_training_on_a_device_ends_alike_where_it_was_killed_and_leaves_its_teachers_as_they_are(
    tmp_path, monkeypatch
):
    from detection.vision import training

    monkeypatch.setattr(training, "KEEP_EVERY", 0.0)
    data = write_faces(tmp_path / "faces", {"train": 6, "public_test": 3})
    teacher = write_model(tmp_path / "teacher")
    before = (teacher / "weights.npz").read_bytes()
    recipe = Recipe(epochs=2, batch=8, held_out=0.2, mixup=0.2, average=0.5, mixed_precision=False, on_device=True)
    heard = []

    def stop_in_the_second_epoch(kind, values):
        heard.append((kind, values.get("epoch")))
        if heard.count(("step", 1)) == 2:
            raise Stop

    still = replace(SMALL, dropout=0.0)  # what Keras drops out is not drawn by the epoch
    with pytest.raises(Stop):
        training.train(data, tmp_path / "killed", recipe, still, stop_in_the_second_epoch, teachers=[teacher])
    assert ("lesson", None) not in heard
    for name in ("killed", "whole"):
        card = training.train(data, tmp_path / name, recipe, still, lambda *_: None, teachers=[teacher])
    assert card.training["on_device"]
    assert load_card(tmp_path / "whole") == card
    killed, whole = (np.load(tmp_path / name / "weights.npz") for name in ("killed", "whole"))
    for name in whole.files:
        assert killed[name] == pytest.approx(whole[name], abs=2e-3), name
    assert (teacher / "weights.npz").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "whole").iterdir()) == ["card.json", "weights.npz"]
