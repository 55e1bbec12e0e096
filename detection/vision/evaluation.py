"""Measures of an emotion classifier: arrays in, figures out."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from detection.vision.card import HEADS, Card, probabilities, softmax
from detection.vision.classifier import Classifier
from detection.vision.data import Split
from emotune.emotions import EMOTIONS

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
# Pictures that are decoded at a time.
CHUNK = 64


@dataclass(frozen=True)
class Measures:
    """What one set of readings is worth.

    `recall` and `precision` hold a share per emotion; `ece` is the expected calibration error over 15 equal-width
    bins (Guo et al. 2017); `confusion[i][j]` counts pictures of emotion i read as emotion j.
    """

    count: int
    accuracy: float
    macro_f1: float
    recall: dict[str, float]
    precision: dict[str, float]
    ece: float
    confusion: list[list[int]]


def measure(probabilities: Probabilities, labels: Labels) -> Measures:
    """Measure (n, 7) probabilities against (n,) indices into EMOTIONS. Raises ValueError when n is 0 or differs."""
    if len(labels) == 0 or probabilities.shape != (len(labels), len(EMOTIONS)):
        raise ValueError(f"probabilities {probabilities.shape} do not fit {len(labels)} labels; n >= 1 is needed")
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    right = np.diag(counts).astype(np.float64)
    recall = right / np.maximum(counts.sum(axis=1), 1)
    precision = right / np.maximum(counts.sum(axis=0), 1)
    f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-12)
    return Measures(
        count=len(labels),
        accuracy=float(right.sum() / len(labels)),
        macro_f1=float(f1.mean()),
        recall=dict(zip(EMOTIONS, recall.round(4).tolist(), strict=True)),
        precision=dict(zip(EMOTIONS, precision.round(4).tolist(), strict=True)),
        ece=expected_calibration_error(probabilities, labels),
        confusion=counts.tolist(),
    )


def expected_calibration_error(probabilities: Probabilities, labels: Labels, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their counts."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[which == b].sum() - right[which == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(labels))


def fit_temperature(logits: npt.NDArray[np.float32], targets: Probabilities) -> float:
    """Return the temperature that minimizes the cross-entropy of softmax(logits / t) with (n, 7) target shares."""

    def cross_entropy(log_t: float) -> float:
        return float(-(targets * np.log(softmax(logits / np.exp(log_t)) + 1e-12)).sum(axis=1).mean())

    return float(np.exp(minimize_scalar(cross_entropy, bounds=(-2, 2), method="bounded").x))


def risk_coverage(probabilities: Probabilities, labels: Labels) -> tuple[Probabilities, Probabilities]:
    """Return (coverage, error), each (n,): the error of the most confident readings as ever more are answered."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = (probabilities.argmax(axis=1) != labels)[order]
    answered = np.arange(1, len(labels) + 1)
    return answered / len(labels), np.cumsum(wrong) / answered


def choose_threshold(probabilities: Probabilities, targets: Probabilities) -> float:
    """Return the confidence under which most people would disagree with a reading.

    `targets` is (n, 7): the share of people who see each emotion (one-hot where there is a label alone). Readings are
    sorted by confidence; the threshold is where answering what lies below loses most, that is where the shares of
    those who disagree, less the shares of those who agree, add up to most. 0 when answering always pays.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(confidence, kind="stable")
    agree = targets[np.arange(len(targets)), probabilities.argmax(axis=1)][order]
    balance = np.cumsum(1 - 2 * agree)
    best = int(balance.argmax())
    return float(confidence[order][best]) if balance[best] > 0 else 0.0


def measure_heads(logits: dict[str, npt.NDArray[np.float32]], test: Split, card: Card) -> dict[str, Any]:
    """Measure each head against its own truth, and the served blend against both, on one split."""
    voted = np.isfinite(test.votes.sum(axis=1))
    majority = np.where(voted[:, None], test.votes, 0).argmax(axis=1).astype(np.int64)
    by_blend = {"labels": 0.0, "crowd": 1.0, "served": card.blend}
    measures: dict[str, Any] = {}
    for name, blend in by_blend.items():
        read = probabilities(logits, card, blend)
        measures[name] = {"labels": asdict(measure(read, test.labels))}
        if voted.any():
            measures[name]["crowd"] = asdict(measure(read[voted], majority[voted]))
    return measures


def evaluate(classifier: Classifier, test: Split, progress: Callable[[int], object]) -> dict[str, Any]:
    """Measure a network on one split of cropped faces.

    The first figures are those of the `labels` head against the data set's own labels, which is what is comparable
    with figures in print; `heads` has those of every head against every truth. `milliseconds` is the median for one
    face at a time, `no_face` counts the pictures without an answer: of crops, none.
    """
    parts, times = [], []
    for start in range(0, len(test), CHUNK):
        faces = test.pictures(range(start, min(start + CHUNK, len(test))))
        parts.append(classifier.logits(faces))
        begin = time.perf_counter()
        classifier.classify(faces[:1])
        times.append(time.perf_counter() - begin)
        progress(len(faces))
    heads = measure_heads(
        {head: np.concatenate([part[head] for part in parts]) for head in HEADS}, test, classifier.card
    )
    names = ("accuracy", "macro_f1", "recall", "ece", "confusion")
    return {
        **{name: heads["labels"]["labels"][name] for name in names},
        "no_face": 0,
        "milliseconds": round(1000 * float(np.median(times)), 2),
        "parameters": classifier.parameters,
        "heads": heads,
    }
