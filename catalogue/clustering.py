"""Divide valence-arousal-dominance space among the seven emotions by K-Means from their anchors."""

from dataclasses import dataclass

import numpy as np

from catalogue.measures import Floats, Indices, silhouettes
from emotune.emotions import ANCHORS, EMOTIONS
from emotune.errors import InvalidInput

# Chitturi and Kapila's settings.
TOLERANCE = 1e-8
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
    in VAD space, the mean over the points, or over a sample when there are more than SILHOUETTE_POINTS; `parameters`,
    what the method was run with.
    """

    centroids: Floats
    whitening: Floats | None
    labels: Indices
    distances: Floats
    sizes: Indices
    drift: Floats
    silhouette: float
    parameters: dict[str, object]


def fit_kmeans(vad: Floats) -> Fit:
    """Cluster `vad` (n, 3), raw valence, arousal and dominance, as Chitturi and Kapila do; same input, same fit.

    Lloyd's algorithm runs once from the seven anchors on unscaled values, with their tolerance and random state; a
    cluster keeps the emotion of the anchor that it began at, wherever it ends. Raises InvalidInput for values that are
    not finite and TooFewPoints for fewer than eight different points.
    """
    from sklearn.cluster import KMeans

    check(vad)
    model = KMeans(
        len(EMOTIONS), init=np.array(ANCHORS), n_init=1, tol=TOLERANCE, random_state=SEED, algorithm="lloyd"
    ).fit(vad)
    parameters: dict[str, object] = {
        "start": "anchors", "n_init": 1, "tolerance": TOLERANCE, "random_state": SEED
    }  # fmt: skip
    return described(vad, model.cluster_centers_, None, parameters)


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


def described(vad: Floats, centroids: Floats, whitening: Floats | None, parameters: dict[str, object]) -> Fit:
    """Return the Fit of `vad` (n, 3) to the regions that `centroids` (7, 3) and `whitening` make."""
    labels, distances = assign(vad, centroids, whitening)
    return Fit(
        centroids=centroids,
        whitening=whitening,
        labels=labels,
        distances=distances,
        sizes=np.bincount(labels, minlength=len(EMOTIONS)),
        drift=np.linalg.norm(centroids - np.array(ANCHORS), axis=1),
        silhouette=measure_silhouette(vad, labels),
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
