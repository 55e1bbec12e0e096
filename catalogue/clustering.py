"""Divide valence-arousal-dominance space among the seven emotions by K-Means from their anchors."""

import math
from dataclasses import dataclass

import numpy as np

from catalogue.measures import Floats, Indices, silhouettes
from emotune.emotions import ANCHORS, EMOTIONS
from emotune.errors import InvalidInput

# Chitturi and Kapila's settings.
TOLERANCE = 1e-8
MOST_ROUNDS = 300
SEED = 50
# Silhouette compares every point with every other: above this many it is measured on as many drawn at random.
SILHOUETTE_POINTS = 5000
LOOKED_AT = 10_000


class TooFewPoints(InvalidInput):
    """There are not enough different points for seven clusters."""


@dataclass(frozen=True)
class Fit:
    """One clustering of n points, everything in the order of EMOTIONS.

    `centroids` (7, 3); `whitening` (3, 3), which makes the method's own distances Euclidean ones, or None when they
    are; `labels` (n,), indices into EMOTIONS; `distances` (n,) of each point to its own centroid; `sizes` (7,), points
    by cluster; `drift` (7,), how far in VAD space each centroid ended from its emotion's anchor; `silhouette`, -1 to 1,
    in VAD space, the mean over the points, or over a sample when there are more than SILHOUETTE_POINTS, and NaN where
    it was not measured; `parameters`, what the method was run with.
    """

    centroids: Floats
    whitening: Floats | None
    labels: Indices
    distances: Floats
    sizes: Indices
    drift: Floats
    silhouette: float
    parameters: dict[str, object]


def fit_kmeans(vad: Floats, *, measured: bool = True) -> Fit:
    """Cluster `vad` (n, 3), raw valence, arousal and dominance, as Chitturi and Kapila do; same input, same fit.

    Lloyd's algorithm runs once from the seven anchors on unscaled values, with their tolerance and random state; a
    cluster keeps the emotion of the anchor that it began at, wherever it ends. With `measured` the fit has a
    silhouette, which takes longer than all the rest. Raises InvalidInput for values that are not finite and
    TooFewPoints for fewer than eight different points.
    """
    check(vad)
    centroids = _lloyd(vad, np.array(ANCHORS))
    parameters: dict[str, object] = {
        "start": "anchors", "n_init": 1, "tolerance": TOLERANCE, "random_state": SEED
    }  # fmt: skip
    return described(vad, centroids, None, parameters, measured=measured)


def _lloyd(vad: Floats, centroids: Floats) -> Floats:
    """Move centroids (k, 3) to the means of their points until no label changes, or they move less than TOLERANCE.

    The tolerance is relative to the mean variance of the three dimensions, and rounds are bounded, as scikit-learn's
    KMeans has it, which gives the same centroids; importing it alone takes longer than this. A cluster without points
    begins anew at the point that is farthest from its own centroid.
    """
    middle = vad.mean(axis=0)
    points = vad - middle
    centroids = centroids - middle
    tolerance = TOLERANCE * float(points.var(axis=0).mean())
    labels = np.full(len(points), -1)
    for _ in range(MOST_ROUNDS):
        before, labels = labels, _nearest(points, centroids)
        sizes = np.bincount(labels, minlength=len(centroids))
        sums = [np.bincount(labels, points[:, axis], len(centroids)) for axis in range(3)]
        moved: Floats = np.stack(sums, axis=1) / np.maximum(sizes, 1)[:, None]
        if not sizes.all():
            farthest = np.argsort(((points - centroids[labels]) ** 2).sum(axis=1))[::-1]
            moved[sizes == 0] = points[farthest[: np.count_nonzero(sizes == 0)]]
        shift = float(((moved - centroids) ** 2).sum())
        centroids = moved
        if np.array_equal(labels, before) or shift <= tolerance:
            break
    found: Floats = centroids + middle
    return found


def _nearest(points: Floats, centroids: Floats) -> Indices:
    """Return the labels (n,) that `assign` gives, without the distances: the square of a point's length cancels."""
    labels = np.zeros(len(points), dtype=np.intp)
    nearest = np.full(len(points), np.inf)
    for index, centroid in enumerate(centroids):
        apart = centroid @ centroid - points @ (2 * centroid)
        labels[apart < nearest] = index
        np.minimum(apart, nearest, out=nearest)
    return labels


def assign(vad: Floats, centroids: Floats, whitening: Floats | None = None) -> tuple[Indices, Floats]:
    """Return for each of `vad` (n, 3) the index of the nearest of `centroids` (k, 3) and the distance to it.

    The distance is the Euclidean one, after both were multiplied by `whitening` (3, 3) when it is given. Of centroids
    at the same distance the first wins.
    """
    if whitening is not None:
        vad, centroids = vad @ whitening, centroids @ whitening
    labels = np.zeros(len(vad), dtype=np.intp)
    nearest = np.full(len(vad), np.inf)
    for index, centroid in enumerate(centroids):
        distances = np.linalg.norm(vad - centroid, axis=1)
        nearer = distances < nearest
        labels[nearer] = index
        nearest[nearer] = distances[nearer]
    return labels, nearest


def measure_silhouette(vad: Floats, labels: Indices) -> float:
    """Return the mean silhouette (Rousseeuw 1987), -1 to 1, of `vad` (n, 3) under `labels` (n,), sampled when large."""
    if len(vad) > SILHOUETTE_POINTS:
        drawn = np.random.default_rng(SEED).choice(len(vad), SILHOUETTE_POINTS, replace=False)
        one_of_each = np.unique(labels, return_index=True)[1]
        drawn = np.union1d(drawn, one_of_each)
        vad, labels = vad[drawn], labels[drawn]
    return float(silhouettes(vad, labels).mean())


def described(
    vad: Floats, centroids: Floats, whitening: Floats | None, parameters: dict[str, object], *, measured: bool
) -> Fit:
    """Return the Fit of `vad` (n, 3) to the regions that `centroids` (7, 3) and `whitening` make."""
    labels, distances = assign(vad, centroids, whitening)
    return Fit(
        centroids=centroids,
        whitening=whitening,
        labels=labels,
        distances=distances,
        sizes=np.bincount(labels, minlength=len(EMOTIONS)),
        drift=np.linalg.norm(centroids - np.array(ANCHORS), axis=1),
        silhouette=measure_silhouette(vad, labels) if measured else math.nan,
        parameters=parameters | {"points": len(vad)},
    )


def check(vad: Floats) -> None:
    """Raise InvalidInput for values that are not finite, TooFewPoints when no more than seven points differ."""
    if not np.isfinite(vad).all():
        raise InvalidInput(
            "A track without finite valence, arousal and dominance cannot be clustered; import it again."
        )
    # A large catalogue is told by its beginning: sorting all of it would take more memory than the clustering.
    points = len(np.unique(vad[:LOOKED_AT], axis=0))
    if points <= len(EMOTIONS) and len(vad) > LOOKED_AT:
        points = len(np.unique(vad, axis=0))
    if points <= len(EMOTIONS):
        raise TooFewPoints(
            f"Clustering needs more than {len(EMOTIONS)} tracks at different places in valence, arousal and dominance; "
            f"there are {points}. Import more tracks first."
        )
