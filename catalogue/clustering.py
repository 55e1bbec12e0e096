"""Divide valence-arousal-dominance space among the seven emotions by K-Means from their anchors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emotune.emotions import ANCHORS, EMOTIONS
from emotune.errors import InvalidInput

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

# Chitturi and Kapila's settings.
TOLERANCE = 1e-8
SEED = 50
# Silhouette compares every point with every other: above this many it is measured on as many drawn at random.
SILHOUETTE_POINTS = 5000


class TooFewPoints(InvalidInput):
    """There are not enough different points for seven clusters."""


@dataclass(frozen=True)
class Fit:
    """One clustering of n points, everything in the order of EMOTIONS.

    `centroids` (7, 3); `labels` (n,), indices into EMOTIONS; `distances` (n,) of each point to its own centroid;
    `sizes` (7,), points by cluster; `drift` (7,), how far each centroid ended from its emotion's anchor; `silhouette`,
    -1 to 1, the mean over the points, or over a sample when there are more than SILHOUETTE_POINTS; `parameters`, what
    the method was run with.
    """

    centroids: Floats
    labels: Indices
    distances: Floats
    sizes: Indices
    drift: Floats
    silhouette: float
    parameters: dict[str, float | str]


def fit_kmeans(vad: Floats) -> Fit:
    """Cluster `vad` (n, 3), raw valence, arousal and dominance, as Chitturi and Kapila do; same input, same fit.

    Lloyd's algorithm runs once from the seven anchors on unscaled values, with their tolerance and random state; a
    cluster keeps the emotion of the anchor that it began at, wherever it ends. Raises InvalidInput for values that are
    not finite and TooFewPoints for fewer than eight different points.
    """
    from sklearn.cluster import KMeans

    _check(vad)
    anchors = np.array(ANCHORS)
    model = KMeans(len(EMOTIONS), init=anchors, n_init=1, tol=TOLERANCE, random_state=SEED, algorithm="lloyd").fit(vad)
    centroids: Floats = model.cluster_centers_
    labels, distances = assign(vad, centroids)
    return Fit(
        centroids=centroids,
        labels=labels,
        distances=distances,
        sizes=np.bincount(labels, minlength=len(EMOTIONS)),
        drift=np.linalg.norm(centroids - anchors, axis=1),
        silhouette=measure_silhouette(vad, labels),
        parameters={"start": "anchors", "n_init": 1, "tolerance": TOLERANCE, "random_state": SEED, "points": len(vad)},
    )


METHODS: dict[str, Callable[[Floats], Fit]] = {"kmeans": fit_kmeans}


def assign(vad: Floats, centroids: Floats) -> tuple[Indices, Floats]:
    """Return for each of `vad` (n, 3) the index of the nearest of `centroids` (k, 3) and the Euclidean distance to it.

    Of centroids at the same distance the first wins.
    """
    distances = np.stack([np.linalg.norm(vad - centroid, axis=1) for centroid in centroids], axis=1)
    labels = distances.argmin(axis=1)
    return labels, distances[np.arange(len(vad)), labels]


def measure_silhouette(vad: Floats, labels: Indices) -> float:
    """Return the mean silhouette (Rousseeuw 1987), -1 to 1, of `vad` (n, 3) under `labels` (n,), sampled when large."""
    from sklearn.metrics import silhouette_score

    if len(vad) > SILHOUETTE_POINTS:
        drawn = np.random.default_rng(SEED).choice(len(vad), SILHOUETTE_POINTS, replace=False)
        one_of_each = np.unique(labels, return_index=True)[1]
        drawn = np.union1d(drawn, one_of_each)
        vad, labels = vad[drawn], labels[drawn]
    return float(silhouette_score(vad, labels))


def _check(vad: Floats) -> None:
    if not np.isfinite(vad).all():
        raise InvalidInput(
            "A track without finite valence, arousal and dominance cannot be clustered; import it again."
        )
    points = len(np.unique(vad, axis=0))
    if points <= len(EMOTIONS):
        raise TooFewPoints(
            f"Clustering needs more than {len(EMOTIONS)} tracks at different places in valence, arousal and dominance; "
            f"there are {points}. Import more tracks first."
        )
