"""The teacher that begins with FaceNet's weights: how they are read, and what it is trained and asked for."""

from dataclasses import replace

import numpy as np
import pytest

from detection.vision.card import FACENET, HEADS, ModelFileError, load_card, write_card
from detection.vision.classifier import Classifier
from detection.vision.data import DataError, load_split
from detection.vision.recipe import Recipe
from tests.vision_files import write_faces

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras


@pytest.fixture
def facenet(monkeypatch):
    """Of each block one, and none of them passed by at random."""
    from detection.vision import facenet

    monkeypatch.setattr(facenet, "BLOCKS", {kind: (1, *how) for kind, (_, *how) in facenet.BLOCKS.items()})
    monkeypatch.setattr(facenet, "DEPTH", 0.0)
    return facenet


@pytest.fixture
def network(facenet):
    """The network whose weights the file has, with normalizations as different as trained ones."""
    network, rng = facenet.build_facenet(112), np.random.default_rng(3)
    for layer in network.layers:
        if isinstance(layer, facenet.FusedBatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([gamma, rng.normal(0, 0.3, beta.shape), mean + 0.1, variance * 2])
    return network


@pytest.fixture
def file(network, tmp_path):
    """A file as Keras 2 wrote it: a group in a group for each layer, no scales, kernels for three colours."""
    import h5py

    path = tmp_path / "facenet_keras.h5"
    with h5py.File(path, "w") as opened:
        for layer in network.layers:
            if not layer.weights or layer.name in HEADS:
                continue
            group = opened.create_group(f"model_weights/{layer.name}/{layer.name}")
            for weight in layer.weights:
                values = np.asarray(weight)
                if layer.name == "Conv2d_1a_3x3":
                    values = np.concatenate([0.5 * values, 0.3 * values, 0.2 * values], axis=2)
                if weight.name != "gamma":
                    group[f"{weight.name}:0"] = values
    return path


def pictures(count, seed=0):
    return np.random.default_rng(seed).random((count, 48, 48, 1), np.float32)


@pytest.mark.short
def test_the_file_says_what_its_network_says_once_its_normalizations_are_renewed(facenet, network, file):
    batches = [pictures(16, seed) for seed in range(2)]
    read = facenet.build_facenet(112)
    facenet.read_facenet(read, file, iter(batches))
    for head in HEADS:
        read.get_layer(head).set_weights(network.get_layer(head).get_weights())
    before = network.predict_on_batch(pictures(4, 9))
    facenet.renew_statistics(network, iter(batches))
    after, said = network.predict_on_batch(pictures(4, 9)), read.predict_on_batch(pictures(4, 9))
    for head in HEADS:
        assert said[head] == pytest.approx(after[head], abs=1e-5)
        assert np.abs(said[head] - before[head]).max() > 1e-3


def test_a_brighter_picture_with_more_contrast_is_the_same_to_it(facenet):
    seen = 0.3 + 0.2 * pictures(3)
    said = facenet.build_facenet(112).predict_on_batch(np.concatenate([seen, 1.5 * seen - 0.1]))
    for head in HEADS:
        assert said[head][:3] == pytest.approx(said[head][3:], abs=1e-5)


def test_edges_stay_as_they_are_and_the_rest_learns(facenet):
    trained = {weight.path for weight in facenet.build_facenet(112).trainable_weights}
    assert not trained & {f"{name}/kernel" for name in facenet.FROZEN}
    assert {"Conv2d_4a_3x3/kernel", "Block8_1_Conv2d_1x1/bias", "crowd/kernel"} <= trained


@pytest.mark.parametrize("content", [None, b"", b"\x89HDF\r\n\x1a\n cut off", "another network"])
def test_another_file_is_named(facenet, content, tmp_path):
    import h5py

    path = tmp_path / "weights.h5"
    if content == "another network":
        with h5py.File(path, "w") as opened:
            opened["model_weights/conv/conv/kernel:0"] = np.zeros((3, 3, 1, 4))
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"weights\.h5 does not hold FaceNet's weights"):
        facenet.read_facenet(facenet.build_facenet(112), path, [])


@pytest.mark.short
def test_it_is_trained_measured_and_asked_as_a_teacher_and_never_served(facenet, file, tmp_path):
    from detection.vision.teachers import lesson
    from detection.vision.training import train

    data, out = write_faces(tmp_path / "faces", {"train": 6, "public_test": 2}), tmp_path / "teacher"
    recipe = Recipe(epochs=1, batch=8, mixed_precision=False)
    with pytest.raises(DataError, match="name them as --start"):
        train(data, out, recipe, FACENET, lambda *_: None)
    card = train(data, out, recipe, FACENET, lambda *_: None, start=file)
    assert card == load_card(out)
    assert card.training["start"] == {"weights": "facenet_keras.h5"}
    assert 0 <= card.measures["labels"]["labels"]["accuracy"] <= 1
    split = load_split(data, "train")
    said = lesson([out], split, tmp_path / "lesson.npz", lambda _: None)
    assert said["crowd"].sum(axis=1) == pytest.approx(np.ones(len(split)), abs=1e-4)
    with pytest.raises(ModelFileError, match="a teacher, which is not served"):
        Classifier.load(out)
    write_card(out, replace(card, architecture=replace(FACENET, trunk="transformer")))
    with pytest.raises(ModelFileError, match="describes no network"):
        load_card(out)
