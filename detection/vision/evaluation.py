"""Measures of an emotion classifier: arrays in, figures out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from detection.vision.card import softmax
from emotune.emotions import EMOTIONS

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


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


def choose_threshold(probabilities: Probabilities, labels: Labels) -> float:
    """Return the confidence under which a reading is wrong more often than right.

    Readings are sorted by confidence; the threshold is where the mass below it loses most from being answered, that
    is where (wrong - right) summed over the readings below is largest. 0 when answering always pays.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(confidence, kind="stable")
    right = (probabilities.argmax(axis=1) == labels)[order]
    balance = np.cumsum(np.where(right, -1, 1))
    best = int(balance.argmax())
    return float(confidence[order][best]) if balance[best] > 0 else 0.0
