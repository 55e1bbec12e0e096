"""Measures of an emotion classifier: arrays in, figures out."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from detection.vision.card import softmax
from detection.vision.data import Split
from emotune.emotions import EMOTIONS

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
BINS = 15
# Shares of the readings at which the error is written down, the most confident first.
COVERAGES = tuple(round(0.05 * step, 2) for step in range(1, 21))


@dataclass(frozen=True)
class Measures:
    """What one set of readings is worth.

    Pictures without a face found count as wrong in `accuracy`, `recall` and `macro_f1`; `no_face` counts them, and
    everything else leaves them out: `accuracy_found`, `confusion`, whose [i][j] counts pictures of emotion i read as
    emotion j, `ece`, the expected calibration error over 15 equal-width bins (Guo et al. 2017), `reliability`, which
    has [share of readings, mean confidence, share right] of each bin that is not empty, and `risk`, which has
    [coverage, error] as ever more readings are answered, the most confident first.
    """

    count: int
    no_face: int
    accuracy: float
    accuracy_found: float
    macro_f1: float
    recall: dict[str, float]
    precision: dict[str, float]
    ece: float
    confusion: list[list[int]]
    reliability: list[list[float]]
    risk: list[list[float]]


def measure(probabilities: Probabilities, labels: Labels) -> Measures:
    """Measure (n, 7) probabilities against (n,) indices into EMOTIONS; a row of NaN means that no face was found.

    Raises ValueError when n is 0 or differs.
    """
    if len(labels) == 0 or probabilities.shape != (len(labels), len(EMOTIONS)):
        raise ValueError(f"probabilities {probabilities.shape} do not fit {len(labels)} labels; n >= 1 is needed")
    found = np.isfinite(probabilities).all(axis=1)
    read, truth = probabilities[found], labels[found]
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), np.int64)
    np.add.at(counts, (truth, read.argmax(axis=1)), 1)
    right = np.diag(counts).astype(np.float64)
    recall = right / np.maximum(np.bincount(labels, minlength=len(EMOTIONS)), 1)
    precision = right / np.maximum(counts.sum(axis=0), 1)
    f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-12)
    return Measures(
        count=len(labels),
        no_face=int((~found).sum()),
        accuracy=float(right.sum() / len(labels)),
        accuracy_found=float(right.sum() / max(1, len(truth))),
        macro_f1=float(f1.mean()),
        recall=dict(zip(EMOTIONS, recall.round(4).tolist(), strict=True)),
        precision=dict(zip(EMOTIONS, precision.round(4).tolist(), strict=True)),
        ece=expected_calibration_error(read, truth) if len(truth) else 0.0,
        confusion=counts.tolist(),
        reliability=reliability(read, truth),
        risk=_risk(read, truth),
    )


def reliability(probabilities: Probabilities, labels: Labels, bins: int = BINS) -> list[list[float]]:
    """Return [share of the readings, mean confidence, share right] of each equal-width bin of confidence with any."""
    rows = _binned(probabilities, labels, bins)
    return [[round(float(value), 4) for value in row] for row in rows]


def _binned(probabilities: Probabilities, labels: Labels, bins: int) -> Probabilities:
    """Return (n, 3): the share of the readings, mean confidence and share right of the bins that hold any."""
    confidence = probabilities.max(axis=1, initial=0)
    right = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [which == b for b in np.unique(which)]
    rows = [(rows.mean(), confidence[rows].mean(), right[rows].mean()) for rows in inside]
    return np.array(rows, np.float64).reshape(-1, 3)


def _risk(probabilities: Probabilities, labels: Labels) -> list[list[float]]:
    if not len(labels):
        return []
    _, error = risk_coverage(probabilities, labels)
    ends = [max(1, round(share * len(labels))) for share in COVERAGES]
    return [[share, round(float(error[end - 1]), 4)] for share, end in zip(COVERAGES, ends, strict=True)]


def expected_calibration_error(probabilities: Probabilities, labels: Labels, bins: int = BINS) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their counts."""
    share, confidence, right = _binned(probabilities, labels, bins).T
    return float((share * abs(confidence - right)).sum())


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


def measure_truths(
    read: Probabilities, test: Split, strangers: npt.NDArray[np.bool_] | None = None
) -> dict[str, dict[str, Any]]:
    """Measure readings (n, 7) against the data set's own labels, and against the majority of the votes where there are
    any: by truth what `measure` returns.

    Where as many people saw one emotion as another, the majority is the first of them in the order of EMOTIONS; the
    accuracy without these is `untied`. The one on pictures that `strangers` (n,) names, which have no near-duplicate
    among those trained on (twins.strangers), is `strangers`; each has a `count` and an `accuracy`.
    """
    everyone = np.ones(len(test), bool)
    measures = {"labels": asdict(measure(read, test.labels)) | _of(read, test.labels, everyone, strangers)}
    voted = np.isfinite(test.votes.sum(axis=1))
    if voted.any():
        majority = np.nan_to_num(test.votes).argmax(axis=1).astype(np.int64)
        ordered = np.sort(test.votes, axis=1)
        untied = _part(read, majority, voted & (ordered[:, -1] > ordered[:, -2]))
        apart = _of(read, majority, voted, strangers) | {"untied": untied}
        measures["crowd"] = asdict(measure(read[voted], majority[voted])) | apart
    return measures


def _of(
    read: Probabilities, truth: Labels, measured: npt.NDArray[np.bool_], strangers: npt.NDArray[np.bool_] | None
) -> dict[str, Any]:
    return {} if strangers is None else {"strangers": _part(read, truth, measured & strangers)}


def _part(read: Probabilities, truth: Labels, chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return how many are chosen, and the share of them that is read right; a missed face is wrong."""
    found = np.isfinite(read[chosen]).all(axis=1)
    right = found & (np.nan_to_num(read[chosen]).argmax(axis=1) == truth[chosen])
    return {"count": int(chosen.sum()), "accuracy": float(right.mean()) if len(right) else None}
