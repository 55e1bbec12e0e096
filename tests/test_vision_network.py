"""The network's file, and the compiled network that serves it: the same logits as Keras, without Keras."""

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from unittest import mock

import numpy as np
import pytest

from detection.vision import classifier, graphs
from detection.vision.card import (
    DEEP,
    HEADS,
    Architecture,
    Card,
    ModelFileError,
    load_card,
    probabilities,
    softmax,
    write_card,
)
from detection.vision.classifier import BATCH, Classifier, observe
from detection.vision.graphs import multiplies_bytes
from detection.vision.weights import write_weights
from tests.servers import ROOT
from tests.vision_files import SMALL, random_weights, write_model


def faces(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), np.uint8)


@pytest.mark.parametrize(
    "architecture",
    [
        SMALL,
        DEEP,
        Architecture(stem=8, widths=(8,), blocks=1),
        replace(SMALL, squeeze=2),
        replace(SMALL, fine=2),
        replace(SMALL, fine=1, squeeze=2),
    ],
)
def test_the_compiled_network_equals_the_one_in_keras(tmp_path, architecture):
    from detection.vision.network import build_network, load_network, save_network

    network = build_network(architecture)
    network.set_weights(random_weights(architecture))
    card = Card("test-1", architecture, temperature={"labels": 1.3, "crowd": 0.8})
    save_network(network, card, tmp_path)
    stored, described = load_network(tmp_path)
    assert described == load_card(tmp_path) == card
    classifier = Classifier.load(tmp_path)
    trained, wanted = (each(faces(5)[..., None] / np.float32(255), training=False) for each in (network, stored))
    for head in HEADS:
        assert np.abs(np.asarray(wanted[head])).max() > 0.1
        assert np.abs(classifier.logits(faces(5))[head] - np.asarray(wanted[head])).max() < 1e-4
        # kernels of 16 bits
        lost = np.abs(np.asarray(trained[head] - wanted[head])).max()
        assert 0 < lost < 2e-3 * np.abs(np.asarray(wanted[head])).max()
    assert classifier.parameters == network.count_params()


def test_a_face_is_classified_alike_alone_and_among_many(tmp_path):
    classifier = Classifier.load(write_model(tmp_path))
    many = faces(2 * BATCH + 3)
    together = classifier.classify(many)
    assert together.shape == (len(many), 7)
    assert together.sum(axis=1) == pytest.approx(1)
    for i in (0, BATCH, len(many) - 1):
        assert classifier.classify(many[i : i + 1])[0] == pytest.approx(together[i], abs=1e-5)


@contextmanager
def compiled_by_openvino():
    """Give a list that grows by each network that OpenVINO compiles."""
    networks = []

    def compiled(*what):
        networks.append(by_openvino(*what))
        return networks[-1]

    by_openvino = graphs._by_openvino
    with mock.patch.object(graphs, "_by_openvino", compiled):
        yield networks


bytes_only = pytest.mark.skipif(not multiplies_bytes(), reason="this processor does not multiply bytes fast")
openvino_only = pytest.mark.skipif(find_spec("openvino") is None, reason="OpenVINO is not installed")


@bytes_only
@pytest.mark.parametrize("runtime", [pytest.param("openvino", marks=openvino_only), "onnxruntime"])
def test_a_network_with_ranges_computes_with_eight_bits_and_says_nearly_the_same(tmp_path, monkeypatch, runtime):
    if runtime == "onnxruntime":
        monkeypatch.setattr(graphs, "openvino", None)
    observe(write_model(tmp_path), faces(64))
    with compiled_by_openvino() as networks:
        exact = Classifier.load(tmp_path, exact=True)
        assert networks == []
        eight = Classifier.load(tmp_path)
    assert len(networks) == (runtime == "openvino")
    for head in HEADS:
        one, two = eight.logits(faces(20, seed=1))[head], exact.logits(faces(20, seed=1))[head]
        assert (one != two).any()
        assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.98
    assert eight.parameters == exact.parameters


@bytes_only
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_channel_without_weights_keeps_its_bias_in_eight_bits(tmp_path):
    weights = random_weights(SMALL)
    convolutions = [i for i, values in enumerate(weights) if values.ndim == 4 and values.shape[0] == 3]
    weights[convolutions[-1]][..., 0] = 0
    model = write_model(tmp_path)
    write_weights(model, weights)
    observe(model, faces(64))
    one, two = (Classifier.load(model, exact=exact).logits(faces(20, seed=1))["labels"] for exact in (True, False))
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.98


@bytes_only
def test_faces_are_classified_alike_with_eight_bits_by_several_threads_at_once(tmp_path):
    observe(write_model(tmp_path), faces(64))
    classifier = Classifier.load(tmp_path)
    asked = [faces(count, seed) for seed, count in enumerate([1, 3, BATCH, BATCH + 5, 2 * BATCH - 1] * 8)]
    alone = [np.concatenate([classifier.classify(one[i : i + 1]) for i in range(len(one))]) for one in asked]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(classifier.classify, asked))
    for one, two in zip(alone, together, strict=True):
        assert one == pytest.approx(two, abs=1e-5)


def test_no_runtime_can_tell_its_maker_that_it_is_in_use():
    loaded = "import sys, detection.vision.graphs; print([name for name in sys.modules if 'telemetry' in name])"
    told = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize(
    ("built_for", "got", "level", "said"),
    [
        ([graphs.GPU, graphs.PROCESSOR], [graphs.PROCESSOR], logging.WARNING, "no GPU is used, though onnxruntime-gpu"),
        ([graphs.GPU, graphs.PROCESSOR], [graphs.GPU, graphs.PROCESSOR], logging.INFO, f"networks run on {graphs.GPU}"),
        ([graphs.PROCESSOR], [graphs.PROCESSOR], logging.DEBUG, f"networks run on {graphs.PROCESSOR}"),
    ],
)
def test_a_process_says_once_what_its_networks_run_on(tmp_path, monkeypatch, caplog, built_for, got, level, said):
    """Without the CUDA that it was built with, ONNX Runtime says on its own output alone that it uses no GPU."""
    made = mock.Mock()
    made.return_value.get_providers.return_value = got
    monkeypatch.setattr(graphs, "PROVIDERS", built_for)
    monkeypatch.setattr("detection.vision.graphs.onnxruntime.InferenceSession", made)
    graphs._tell.cache_clear()
    model = write_model(tmp_path)
    with caplog.at_level(logging.DEBUG, graphs.logger.name):
        for _ in range(2):
            Classifier.load(model, exact=True)
    graphs._tell.cache_clear()
    assert made.call_args.kwargs["providers"] == built_for
    [record] = caplog.records
    assert record.levelno == level
    assert record.getMessage().startswith(said)
    assert "\n" not in record.getMessage()


def test_ranges_change_nothing_where_the_processor_is_not_fit_for_them(tmp_path, monkeypatch):
    before = Classifier.load(write_model(tmp_path)).classify(faces(3))
    observe(tmp_path, faces(16))
    monkeypatch.setattr(classifier, "multiplies_bytes", lambda: False)
    with compiled_by_openvino() as networks:
        assert (Classifier.load(tmp_path).classify(faces(3)) == before).all()
    assert networks == []


def test_a_teacher_is_left_as_it_is(tmp_path):
    write_model(tmp_path, replace(SMALL, squeeze=2))
    before = (tmp_path / "weights.npz").read_bytes()
    observe(tmp_path, faces(16))
    assert (tmp_path / "weights.npz").read_bytes() == before


def test_ranges_are_no_weights_to_keras(tmp_path):
    from detection.vision.network import load_network

    observe(write_model(tmp_path), faces(16))
    network, _ = load_network(tmp_path)
    wanted = network(faces(2)[..., None] / np.float32(255), training=False)
    assert np.abs(Classifier.load(tmp_path, exact=True).logits(faces(2))["crowd"] - wanted["crowd"]).max() < 1e-4


def test_an_offset_counts_for_a_head_that_answers_alone_only():
    logits = {head: np.zeros((1, 7), np.float32) for head in HEADS}
    card = Card("x", SMALL, offset={"labels": [0, 0, 1.0, 0, 0, 0, 0], "crowd": [0.0] * 7})
    assert probabilities(logits, card, 0)[0].argmax() == 2
    assert probabilities(logits, card)[0] == pytest.approx(1 / 7)


def test_the_served_probabilities_blend_the_calibrated_heads():
    rng = np.random.default_rng(1)
    logits = {head: rng.normal(0, 3, (4, 7)).astype(np.float32) for head in HEADS}
    card = Card("x", SMALL, temperature={"labels": 2.0, "crowd": 0.5}, blend=0.25)
    labels, crowd = softmax(logits["labels"] / 2), softmax(logits["crowd"] / 0.5)
    assert probabilities(logits, card) == pytest.approx(0.75 * labels + 0.25 * crowd)
    assert probabilities(logits, card, 0) == pytest.approx(labels)
    assert probabilities(logits, card, 1) == pytest.approx(crowd)


def test_probabilities_of_huge_logits_are_finite():
    assert softmax(np.array([[1e30, 0.0]], np.float32)) == pytest.approx(np.array([[1.0, 0.0]]))


def test_a_folder_without_a_model_says_what_to_do(tmp_path):
    for load in (load_card, Classifier.load):
        with pytest.raises(ModelFileError, match="train one"):
            load(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("content", "sentence"), [("{", "not JSON"), ('{"format": 99}', "format 99"), ("\xff", "not JSON")]
)
def test_a_card_of_another_kind_is_named(tmp_path, content, sentence):
    (tmp_path / "card.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ModelFileError, match=sentence) as error:
        load_card(tmp_path)
    assert "card.json" in str(error.value)


def test_weights_that_do_not_fit_the_card_are_named(tmp_path):
    write_model(tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    card["architecture"]["widths"] = [4, 6, 8]
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelFileError, match="does not fit"):
        Classifier.load(tmp_path)
    (tmp_path / "weights.npz").write_bytes(b"no zip")
    with pytest.raises(ModelFileError, match=r"weights\.npz"):
        Classifier.load(tmp_path)


def test_keras_is_not_given_weights_that_are_damaged_or_of_another_network(tmp_path):
    from detection.vision.network import load_network

    file = write_model(tmp_path) / "weights.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFileError, match=r"weights\.npz cannot be read"):
        load_network(tmp_path)
    file.write_bytes(whole)
    write_card(tmp_path, replace(load_card(tmp_path), architecture=DEEP))
    with pytest.raises(ModelFileError, match=r"weights\.npz does not fit its card"):
        load_network(tmp_path)


def test_the_reader_loads_no_tensorflow():
    code = "import sys, detection.vision.reader; print({'tensorflow', 'keras', 'mtcnn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_is_served_of_a_mirrored_network_is_the_mean_of_a_face_and_its_twin(tmp_path):
    write_model(tmp_path)
    card = load_card(tmp_path)
    write_card(tmp_path, replace(card, mirrored=True))
    mirrored = Classifier.load(tmp_path)
    seen, twins = faces(5), np.ascontiguousarray(faces(5)[:, :, ::-1])
    assert (mirrored.logits(seen)["crowd"] != mirrored.logits(twins)["crowd"]).any()
    mean = {head: np.float32(0.5) * (mirrored.logits(seen)[head] + mirrored.logits(twins)[head]) for head in HEADS}
    assert mirrored.classify(seen) == pytest.approx(probabilities(mean, card), abs=1e-5)
    assert mirrored.classify(seen) == pytest.approx(mirrored.classify(twins), abs=1e-5)
    answers = mirrored.answers(seen)
    assert answers["labels"] == pytest.approx(probabilities(mirrored.logits(seen), card, 0), abs=1e-6)
    assert answers["crowd"] == pytest.approx(probabilities(mirrored.logits(seen), card, 1), abs=1e-6)
    assert (answers["served"] == mirrored.classify(seen)).all()
    for asked in (mirrored, Classifier.load(write_model(tmp_path / "alone"))):
        flipped = asked.answers(seen, flips=True)
        assert flipped["labels"] == pytest.approx(probabilities(mean, card, 0), abs=1e-5)
        assert flipped["crowd"] == pytest.approx(probabilities(mean, card, 1), abs=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras
def test_normalizations_take_the_mean_over_the_batches_that_are_shown(tmp_path):
    from detection.vision.network import build_network
    from detection.vision.normalization import MOMENTUM, renew_statistics

    network = build_network(SMALL)
    stem = network.get_layer("stem_normalization")
    into = network.get_layer("stem").kernel.numpy()
    batches = [(faces(32, seed)[..., None] / np.float32(255)) ** (1 + seed) for seed in range(3)]
    renew_statistics(network, iter(batches))
    seen = [np.asarray(convolved(into, 4 * batch - 2)) for batch in batches]
    means = np.mean([each.mean(axis=(0, 1, 2)) for each in seen], axis=0)
    variances = np.mean([each.var(axis=(0, 1, 2)) for each in seen], axis=0)
    assert stem.moving_mean.numpy() == pytest.approx(means, abs=1e-4)
    assert stem.moving_variance.numpy() == pytest.approx(variances, rel=1e-3)
    assert stem.momentum == MOMENTUM


def convolved(kernel, pictures):
    padded = np.pad(pictures[..., 0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("nhwij,ijc->nhwc", windows, kernel[:, :, 0])


def test_a_grown_network_says_what_the_smaller_one_said(tmp_path):
    from detection.vision.network import build_network, grow, predict

    small, deep = build_network(SMALL), build_network(replace(SMALL, blocks=(2, 4), fine=1), seed=1)
    small.set_weights(random_weights(SMALL))
    before = predict(deep, faces(5))
    grow(deep, small)
    said = predict(deep, faces(5))
    for head, logits in predict(small, faces(5)).items():
        assert np.abs(logits).max() > 0.1
        assert np.abs(said[head] - logits).max() < 1e-4
        assert np.abs(said[head] - before[head]).max() > 1e-2
    with pytest.raises(ValueError, match=r"fine_block0.*stage1_block3"):
        grow(small, deep)
