"""Fit what a trained network's probabilities mean, on pictures that it was not trained on, and measure it."""

import datetime as dt
import json
import shutil
import zlib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from detection.vision.card import HEADS, Card, load_card, probabilities, softmax, write_card
from detection.vision.classifier import Classifier, observe
from detection.vision.data import DataError, Split, hold_out, load_split, measured_split
from detection.vision.evaluation import choose_threshold, fit_temperature, measure_truths
from detection.vision.recipe import Recipe
from detection.vision.sureness import features
from detection.vision.twins import strangers, without_twins
from emotune.emotions import EMOTIONS

Shares = npt.NDArray[np.float64]
Logits = dict[str, npt.NDArray[np.float32]]
# What a folder holds of a network, in the order in which it is put there.
FILES = ("weights.npz", "card.json")
# Pictures whose values say how eight bits have to be laid.
OBSERVED = 512
# The share of the fearful faces held out that the `labels` head has to find, and what its logit may be raised by more.
FEAR, RAISES = 0.52, np.arange(0, 1.01, 0.05)
# The pull of the weights of a logistic regression towards 0, and of a head's offsets, for the mean picture.
PULL, OFFSET_PULL = 3.0, 0.01


def calibrate(folder: Path, data: Path, layout: str | None = None) -> Card:
    """Fit the network of a folder anew on what its training held out of `data`, and write its card and ranges.

    What it answers changes by that, and so does its version.
    Raises ModelFileError where there is no network, and DataError where data are bad, not those of its training or
    without the votes that they had then.
    """
    card = load_card(folder)
    kept, held = hold_out(load_split(data, "train", layout), card.training.get("held_out", Recipe.held_out))
    if not _were_held_out(card, kept, held):
        raise DataError(f"{data}: its training kept other pictures back; give the data it was trained on, as they lay")
    if any("crowd" in truths for truths in card.measures.values()) and not np.isfinite(held.votes).any():
        raise DataError(f"{data}: has no votes, and its training had some; put their file where it lay")
    test = load_split(data, measured_split(data, layout), layout)
    return settle(folder, kept, held, test)


def _were_held_out(card: Card, kept: Split, held: Split) -> bool:
    """Whether a training kept these pictures back, or as many of as many where its card does not tell which."""
    if "held_out_crc" in card.data:
        return bool(card.data["held_out_crc"] == held.fingerprint())
    return (card.data.get("train"), card.data.get("held_out")) == (len(kept), len(held))


def settle(folder: Path, kept: Split, held: Split, test: Split, out: Path | None = None) -> Card:
    """Fit the network of a folder on `held`, less near-duplicates of `kept`, measure it on `test`, write both down,
    to the folder itself or to `out`.

    Nothing changes there before all of it is done.
    """
    with TemporaryDirectory(prefix="settling-", dir=folder) as made:
        scratch = Path(made)
        for name in FILES:
            shutil.copyfile(folder / name, scratch / name)
        card = _settle(scratch, kept, held, test)
        for name in FILES:
            (scratch / name).replace((out or folder) / name)
    return card


def _settle(folder: Path, kept: Split, held: Split, test: Split) -> Card:
    drawn = np.random.default_rng(0).permutation(len(kept))[:OBSERVED]
    observe(folder, kept.pictures(np.sort(drawn)))
    classifier = Classifier.load(folder, exact=True)
    unseen = without_twins(held, kept)
    classifier.card = replace(classifier.card, mirrored=True)
    alone, served = classifier.alone_and_served(unseen.pictures(range(len(unseen))))
    offset = fit_offset(alone["labels"], np.eye(len(EMOTIONS))[unseen.labels])
    offset = raise_fear(classifier.logits(held.pictures(range(len(held))))["labels"], held.labels, offset)
    card = replace(classifier.card, offset={"labels": offset, "crowd": [0.0] * len(EMOTIONS)})
    card = fitted(card, alone, served, unseen)
    card = replace(card, version=_version(folder, card))
    write_card(folder, card)
    answers = Classifier.load(folder).answers(test.pictures(range(len(test))))
    known = strangers(test, kept)
    card = replace(card, measures={name: measure_truths(read, test, known) for name, read in answers.items()})
    write_card(folder, card)
    return card


def _version(folder: Path, card: Card) -> str:
    """Return a name for what a network answers: the day, and a number that changes with its weights and its card."""
    fitted_to = [card.temperature, card.offset, card.blend, card.sureness, card.unsure_below, card.mirrored]
    number = zlib.crc32(json.dumps(fitted_to).encode(), zlib.crc32((folder / "weights.npz").read_bytes()))
    return f"emotune-{dt.datetime.now(dt.UTC).date().isoformat()}-{number:08x}"


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
    moved = {head: alone[head] + np.asarray(card.offset[head], np.float32) for head in HEADS}
    card = replace(card, temperature={head: fit_temperature(moved[head], truth[head]) for head in HEADS})
    card = replace(card, sureness=fit_sureness(card, served, majority))
    return replace(card, unsure_below=round(choose_threshold(probabilities(served, card), seen), 3))


def fit_offset(logits: npt.NDArray[np.float32], shares: Shares) -> list[float]:
    """Return what to add to logits (n, 7) so that, with a temperature beside it, shares (n, 7) are the most likely.

    The `labels` head learned from votes and teachers as well, so it says too seldom what they seldom say. Maximum
    likelihood with a little pull towards 0 (bias-corrected temperature scaling, Alexandari et al. 2020).
    """

    def loss(weights: Shares) -> tuple[float, Shares]:
        scale, offset = np.exp(weights[0]), weights[1:]
        said = softmax(scale * logits + offset)
        miss = (said - shares) / len(logits)
        value = -(shares * np.log(np.maximum(said, 1e-12))).sum() / len(logits) + OFFSET_PULL * offset @ offset
        slope = np.concatenate([[scale * (miss * logits).sum()], miss.sum(axis=0) + 2 * OFFSET_PULL * offset])
        return float(value), slope

    start = np.zeros(1 + len(EMOTIONS))
    # of a head that knows nothing, no temperature is high enough, and no offset large enough beside it
    bounds = [(-2, 2), *[(None, None)] * len(EMOTIONS)]
    found: Any = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return [round(float(value), 2) for value in found.x[1:] / np.exp(found.x[0])]


def raise_fear(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], offset: list[float]) -> list[float]:
    """Return offsets (7,) with that of fear, which is missed most often, raised until a share FEAR of it is found."""
    fear = EMOTIONS.index("fear")
    fearful, raised = logits[labels == fear], np.array(offset)
    for more in RAISES:
        raised[fear] = offset[fear] + more
        if len(fearful) == 0 or ((fearful + raised).argmax(axis=1) == fear).mean() >= FEAR:
            break
    return [round(float(value), 2) for value in raised]


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
