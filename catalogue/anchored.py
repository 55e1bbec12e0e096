"""Divide valence-arousal-dominance space so that each emotion keeps its meaning: by the tracks whose moods name it."""

import numpy as np

from catalogue.clustering import Fit, assign, check, described
from catalogue.measures import Floats, Indices
from catalogue.moods import MOOD_WORDS
from emotune.emotions import ANCHORS, EMOTIONS

# An anchor counts as much as this many tracks with mood words.
ANCHOR_WEIGHT = 5
# Added to the variance of each dimension, so that few tracks cannot make one of them decide alone.
RIDGE = 0.1
# No emotion may be left with less than this share of the tracks.
FLOOR = 0.04
STEP = 0.02
MOST_STEPS = 200
# Shares are told by at most this many tracks while centroids move: 4 % of them are known to a seventh of a point.
SHARE_POINTS = 20_000
# Of fewer mood words no class mean is worth more than the published ones.
ENOUGH_PER_EMOTION = 5
# What `_class_means` makes of a sample of a thousand of MuSe's tracks (Akiki and Burghardt 2020), 273 of them with mood
# words. All releases of MuSe are on the same scale, so they are used as they are.
KNOWN_CENTROIDS = np.array([
    (3.585, 5.824, 5.080), (1.690, 3.330, 4.460), (4.211, 5.115, 4.400), (7.539, 5.379, 6.674), (4.868, 3.945, 4.911),
    (7.210, 7.540, 7.250), (6.352, 3.601, 6.054),
])  # fmt: skip
KNOWN_WHITENING = np.array([(1.3469, 0, 0), (-0.2824, 1.4638, 0), (-1.3189, 0.1874, 1.3866)])


def fit_anchored(vad: Floats, moods: Indices, *, measured: bool = True) -> Fit:
    """Cluster `vad` (n, 3) by the emotions that some tracks' moods name; same input, same fit.

    `moods` (n,) are indices into EMOTIONS, -1 where no mood names one. The centroid of an emotion is the mean of its
    tracks with mood words and of its anchor, which counts as five; distances are Mahalanobis distances in the metric
    of the covariance within those emotions (Fisher's linear discriminant). A centroid whose region holds less than
    4 % of the tracks, as those do that have only their anchor, is drawn towards the mean of all until it holds so
    many. The regions are those of a Voronoi diagram in whitened space: convex, with flat borders. When an emotion that
    mood words can name has fewer than five such tracks, published centroids and metric take the place of the data's.
    With `measured` the fit has a silhouette.
    Raises InvalidInput for values that are not finite and TooFewPoints for fewer than eight different points.
    """
    check(vad)
    named = np.bincount(moods[moods >= 0], minlength=len(EMOTIONS))
    own = all(named[EMOTIONS.index(emotion)] >= ENOUGH_PER_EMOTION for emotion in MOOD_WORDS)
    centroids, whitening = _class_means(vad, moods) if own else (KNOWN_CENTROIDS, KNOWN_WHITENING)
    parameters: dict[str, object] = {
        "start": "mood words" if own else "published class means",
        "mood_words": int(named.sum()),
        "anchor_weight": ANCHOR_WEIGHT,
        "ridge": RIDGE,
        "floor": FLOOR,
    }
    return described(vad, _widened(vad, centroids, whitening), whitening, parameters, measured=measured)


def _class_means(vad: Floats, moods: Indices) -> tuple[Floats, Floats]:
    centroids = np.array(ANCHORS)
    scatter = np.zeros((3, 3))
    for index, anchor in enumerate(ANCHORS):
        tracks = vad[moods == index]
        centroids[index] = (tracks.sum(axis=0) + ANCHOR_WEIGHT * np.array(anchor)) / (len(tracks) + ANCHOR_WEIGHT)
        if len(tracks):
            away = tracks - tracks.mean(axis=0)
            scatter += away.T @ away
    covariance = scatter / (moods >= 0).sum() + RIDGE * np.eye(3)
    return centroids, np.linalg.cholesky(np.linalg.inv(covariance))


def _widened(vad: Floats, centroids: Floats, whitening: Floats) -> Floats:
    """Draw the centroids of too small regions towards the mean of all tracks, step by step."""
    centroids = centroids.copy()
    few = vad[:: max(1, len(vad) // SHARE_POINTS)]
    middle = few.mean(axis=0)
    for _ in range(MOST_STEPS):
        shares = np.bincount(assign(few, centroids, whitening)[0], minlength=len(centroids)) / len(few)
        small = shares < FLOOR
        if not small.any():
            break
        centroids[small] += STEP * (middle - centroids[small])
    return centroids
