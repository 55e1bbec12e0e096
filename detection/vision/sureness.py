"""How sure a reading is: one number from what both heads say, fitted to how often such readings were right.

The two heads answer for two truths, and where they disagree the top of their mean says little. NumPy alone.
"""

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.float64]
# Shares nearer to 0 or 1 than this count as this far.
LEAST = 1e-4


def features(labels: Shares, crowd: Shares, served: Shares) -> Shares:
    """Return (n, 4 + 7) features of readings: what each head, (n, 7), says of the emotion that is served, whether both
    heads name the same one, how far the served probabilities' second is behind, and which emotion it is.
    """
    rows = np.arange(len(served))
    best = served.argmax(axis=1)
    ordered = np.sort(served, axis=1)
    agree = labels.argmax(axis=1) == crowd.argmax(axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    says = [_logit(labels[rows, best]), _logit(crowd[rows, best]), agree.astype(np.float64), _logit(margin)]
    return np.column_stack([*says, np.eye(served.shape[1])[best]])


def _logit(shares: Shares) -> Shares:
    inside = np.clip(shares, LEAST, 1 - LEAST)
    logits: Shares = np.log(inside / (1 - inside))
    return logits


def confidence(features: Shares, weights: npt.ArrayLike) -> Shares:
    """Return (n,) probabilities that readings are right, by logistic regression."""
    shares: Shares = 1 / (1 + np.exp(-features @ np.asarray(weights, np.float64)))
    return shares


def restate(shares: Shares, sure: Shares) -> Shares:
    """Return probabilities (n, 7) whose highest is `sure` (n,), the others keeping their proportions.

    Their order stays: where `sure` would put the highest behind the second, it stays just before it. A row with nothing
    but its highest stays as it is.
    """
    ordered = np.sort(shares, axis=1)
    second, rest = ordered[:, -2], np.maximum(ordered[:, :-1].sum(axis=1), LEAST**3)
    level = second / (rest + second)
    sure = np.clip(sure, level + 1e-3 * (1 - level), 1 - 1e-6)
    sure = np.where(rest > LEAST**3, sure, 1.0)
    restated: Shares = shares * ((1 - sure) / rest)[:, None]
    restated[np.arange(len(shares)), shares.argmax(axis=1)] = sure
    return restated
