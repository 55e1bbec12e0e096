"""Fit what a trained network's probabilities mean, on pictures that it was not trained on, and measure it."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from detection.vision.card import HEADS, Card, load_card, probabilities, softmax, write_card
from detection.vision.classifier import Classifier, observe
from detection.vision.data import Split, hold_out, load_split, measured_split
from detection.vision.evaluation import choose_threshold, fit_temperature, measure_truths
from detection.vision.sureness import features
from detection.vision.twins import without_twins
from emotune.emotions import EMOTIONS

Shares = npt.NDArray[np.float64]
Logits = dict[str, npt.NDArray[np.float32]]
# Pictures whose values say how eight bits have to be laid.
OBSERVED = 512
# The share of the held-out fearful faces that the `labels` head has to find, and steps by which its logit is raised.
FEAR, RAISES = 0.52, np.arange(0, 1.01, 0.1)
# The pull of the weights of a logistic regression towards 0.
PULL = 3.0


def calibrate(folder: Path, data: Path, layout: str | None = None) -> Card:
    """Fit the network of a folder anew on what its training held out of `data`, and write its card and ranges.

    What it answers changes by that, and so does its version.
    Raises ModelFileError where there is no network, and DataError where data are bad.
    """
    card = load_card(folder)
    kept, held = hold_out(load_split(data, "train", layout), card.training.get("held_out", 0.05))
    test = load_split(data, measured_split(data, layout), layout)
    card = settle(folder, kept, held, test)
    card = replace(card, version=f"emotune-{dt.datetime.now(dt.UTC).date().isoformat()}")
    write_card(folder, card)
    return card


def settle(folder: Path, kept: Split, held: Split, test: Split) -> Card:
    """Fit the network of a folder on `held`, less near-duplicates of `kept`, measure it on `test`, write both down."""
    drawn = np.random.default_rng(0).permutation(len(kept))[:OBSERVED]
    observe(folder, kept.pictures(np.sort(drawn)))
    classifier = Classifier.load(folder, exact=True)
    strangers = without_twins(held, kept)
    raised = raise_fear(classifier.logits(held.pictures(range(len(held))))["labels"], held.labels)
    card = replace(classifier.card, offset={"labels": raised, "crowd": [0.0] * len(EMOTIONS)}, mirrored=True)
    classifier.card, unknown = card, strangers.pictures(range(len(strangers)))
    card = fitted(card, *classifier.alone_and_served(unknown), strangers)
    write_card(folder, card)
    answers = Classifier.load(folder).answers(test.pictures(range(len(test))))
    card = replace(card, measures={name: measure_truths(read, test) for name, read in answers.items()})
    write_card(folder, card)
    return card


def fitted(card: Card, alone: Logits, served: Logits, held: Split) -> Card:
    """Return the card fitted to logits of held-out pictures: temperatures to those of each head alone, sureness and
    threshold to those that are served.

    A head's temperature is fitted to the truth that it answers for: the data set's own label, and the majority of the
    votes. How sure a reading is, and the threshold of `unsure`, are fitted to what people saw: votes, or labels where
    there are none.
    """
    labels = np.eye(len(EMOTIONS))[held.labels]
    voted = np.isfinite(held.votes).all(axis=1, keepdims=True)
    seen = np.where(voted, np.nan_to_num(held.votes.astype(np.float64)), labels)
    majority = np.eye(len(EMOTIONS))[seen.argmax(axis=1)]
    truth = {"labels": labels, "crowd": majority}
    raised = {head: alone[head] + np.asarray(card.offset[head], np.float32) for head in HEADS}
    card = replace(card, temperature={head: fit_temperature(raised[head], truth[head]) for head in HEADS})
    card = replace(card, sureness=fit_sureness(card, served, majority))
    return replace(card, unsure_below=round(choose_threshold(probabilities(served, card), seen), 3))


def raise_fear(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> list[float]:
    """Return the offsets (7,) by which a share FEAR of the fearful faces is found, which are the most often missed."""
    fear = EMOTIONS.index("fear")
    offset = np.zeros(len(EMOTIONS))
    for raised in RAISES:
        offset[fear] = raised
        found = (logits + offset).argmax(axis=1)[labels == fear] == fear
        if len(found) == 0 or found.mean() >= FEAR:
            break
    return [round(float(value), 2) for value in offset]


def fit_sureness(card: Card, logits: Logits, majority: Shares) -> list[float]:
    """Return the weights of `sureness.confidence` by which it says best how often readings are the majority's."""
    labels, crowd = (softmax(logits[head] / card.temperature[head]) for head in HEADS)
    served = probabilities(logits, replace(card, sureness=[]))
    seen = features(labels, crowd, served)
    right = (served.argmax(axis=1) == majority.argmax(axis=1)).astype(np.float64)

    def loss(weights: Shares) -> tuple[float, Shares]:
        score = seen @ weights
        miss = 1 / (1 + np.exp(-score)) - right
        value = np.logaddexp(0, score).sum() - right @ score + PULL / 2 * weights @ weights
        return float(value), seen.T @ miss + PULL * weights

    found: Any = minimize(loss, np.zeros(seen.shape[1]), jac=True, method="L-BFGS-B")
    return [round(float(weight), 4) for weight in found.x]
