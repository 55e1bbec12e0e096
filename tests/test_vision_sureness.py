"""How sure a reading is said to be, and what is fitted on held-out pictures."""

from types import SimpleNamespace

import numpy as np
import pytest

from detection.vision.calibration import FEAR, fit_offset, fitted, raise_fear
from detection.vision.card import HEADS, Card, probabilities, softmax
from detection.vision.sureness import confidence, features, restate
from tests.vision_files import SMALL


def shares(count, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(7, 0.5), count)


def test_restated_probabilities_have_the_confidence_asked_for_and_keep_their_order():
    before = shares(200)
    sure = np.random.default_rng(1).uniform(0, 1, 200)
    after = restate(before, sure)
    assert after.sum(axis=1) == pytest.approx(1)
    assert (after.argsort(axis=1) == before.argsort(axis=1)).all()
    assert (after.max(axis=1) >= sure - 1e-6).all()
    high = sure > 0.5
    assert after.max(axis=1)[high] == pytest.approx(sure[high])


def test_a_certain_reading_and_a_tie_stay_finite():
    before = np.array([[1.0, 0, 0, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0, 0, 0]])
    after = restate(before, np.array([0.3, 0.3]))
    assert np.isfinite(after).all()
    assert (after.argmax(axis=1) == 0).all()


def test_heads_that_agree_make_a_reading_surer():
    served = np.array([[0.6, 0.2, 0.2, 0, 0, 0, 0]])
    other = np.array([[0.2, 0.6, 0.2, 0, 0, 0, 0]])
    weights = [1.0, 1.0, 0.5, 0.0, *[0.0] * 7]
    assert confidence(features(served, served, served), weights) > confidence(features(served, other, served), weights)


def answers(count):
    """Logits of two heads of which the second is right whenever it is sure, and labels that follow the second."""
    rng = np.random.default_rng(3)
    logits = {head: rng.normal(0, 2, (count, 7)).astype(np.float32) for head in HEADS}
    labels = logits["crowd"].argmax(axis=1)
    unsure = logits["crowd"].max(axis=1) < 2.5
    labels[unsure] = rng.integers(0, 7, unsure.sum())
    return logits, SimpleNamespace(labels=labels, votes=np.eye(7)[labels])


def test_sureness_that_was_fitted_orders_readings_better_than_their_probabilities():
    logits, held = answers(4000)
    early = {head: rows[:2000] for head, rows in logits.items()}
    card = fitted(Card("x", SMALL), early, early, subset(held, 2000))
    later = {head: rows[2000:] for head, rows in logits.items()}
    plain, fit = probabilities(later, Card("x", SMALL)), probabilities(later, card)

    def error(read):
        surest = np.argsort(-read.max(axis=1))[:1000]
        return (read.argmax(axis=1) != held.labels[2000:])[surest].mean()

    assert error(fit) < 0.8 * error(plain)
    assert len(card.sureness) == 11


def subset(held, count):
    return SimpleNamespace(labels=held.labels[:count], votes=held.votes[:count])


def test_offsets_make_up_for_an_emotion_that_a_head_says_too_seldom():
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 2, (20_000, 7)).astype(np.float32)
    wanted = np.array([0.0, 0.0, 0.5, 0.0, 0.25, 0.0, -0.75])
    true = softmax((logits + wanted) / 1.5)
    labels = (true.cumsum(axis=1) > rng.random((len(true), 1))).argmax(axis=1)
    offset = np.array(fit_offset(logits, np.eye(7)[labels]))
    assert offset == pytest.approx(wanted, abs=0.15)  # somewhat less, for the pull
    found = ((logits + shift).argmax(axis=1) == labels for shift in (0, offset))
    before, after = (right.mean() for right in found)
    assert after > before + 0.005


def test_fear_is_raised_until_enough_of_it_is_found_and_no_further():
    logits = np.zeros((100, 7), np.float32)
    logits[:, 6] = np.linspace(0, 1, 100)
    labels, begun = np.full(100, 2), [0.0, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0]
    offset = raise_fear(logits, labels, begun)
    assert offset[:2] + offset[3:] == [0.0] * 6
    found = [((logits + np.eye(7)[2] * raised).argmax(axis=1) == 2).mean() for raised in (offset[2] - 0.05, offset[2])]
    assert found[0] < FEAR <= found[1]
    assert raise_fear(logits, np.zeros(100, np.int64), begun) == begun
    assert raise_fear(np.full((100, 7), np.nan), labels, begun)[2] == 1.2  # of a network that diverged, no raise helps


def test_offsets_stay_finite_where_nearly_nothing_is_known():
    rng = np.random.default_rng(0)
    assert np.abs(fit_offset(np.zeros((3, 7), np.float32), np.eye(7)[[2, 2, 2]])).max() < 6
    for count in (20, 300):
        labels = rng.choice(7, count, p=[0.14, 0.02, 0.14, 0.25, 0.17, 0.11, 0.17])
        logits = rng.normal(0, 2, (count, 7)).astype(np.float32) - 2 * np.eye(7, dtype=np.float32)[labels]
        assert np.abs(fit_offset(logits, np.eye(7)[labels])).max() < 50
