"""Evaluate the methods of clustering on a file of MuSe: as Chitturi and Kapila did, and beyond."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalogue.clustering import SEED, TOLERANCE, Fit, assign, check, fit_kmeans
from catalogue.measures import Floats, Indices, adjusted_rand, both_silhouettes, davies_bouldin, silhouettes, wilson
from catalogue.methods import METHODS
from catalogue.moods import mood_of
from catalogue.muse import MuseTrack, Progress, read_muse
from emotune.emotions import ANCHORS, EMOTIONS
from emotune.errors import InvalidInput

FOLDS, REPEATS = 5, 5
RESAMPLES = 10
TEST_SHARE = 0.2


@dataclass(frozen=True)
class Tracks:
    """The playable tracks of a file: `vad` (n, 3), `moods` (n,), indices into EMOTIONS or -1; counts of all rows."""

    vad: Floats
    moods: Indices
    rows: int
    rejected: int


@dataclass(frozen=True)
class Agreement:
    """How often the tag of a track is the emotion that its moods name: 0 to 1, with its 95 % interval (Wilson)."""

    share: float
    interval: tuple[float, float]
    tracks: int
    by_emotion: dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """What a method found and how good it is.

    `silhouette` is exact over all tracks, `silhouette_unique` over different points, and `silhouettes` (u,) those of
    the points with their `labels` (u,). `stability` has the mean and the least adjusted Rand index between the fit and
    those to resamples. `mean_drift` (7,) is how far the mean of an emotion's tracks is from its anchor. `unseen` is the
    agreement on tracks that were kept from the fit.
    """

    fit: Fit
    silhouette: float
    silhouette_unique: float
    silhouettes: Floats
    labels: Indices
    davies_bouldin: float
    stability: tuple[float, float]
    mean_drift: Floats
    agreement: Agreement
    unseen: Agreement


def read_tracks(path: Path, progress: Progress | None = None) -> Tracks:
    """Read the rows of a MuSe file that have a Spotify id. Raises InvalidInput when they are too few."""
    places, moods = [], []
    rows = rejected = 0
    for row in read_muse(path, progress):
        rows += 1
        if not isinstance(row, MuseTrack):
            rejected += 1
        elif row.spotify_id:
            places.append((row.valence, row.arousal, row.dominance))
            moods.append(mood_of(row.seeds))
    vad = np.array(places, dtype=np.float64).reshape(-1, 3)
    check(vad)
    if len(vad) < FOLDS * len(EMOTIONS):
        raise InvalidInput(f"An evaluation needs at least {FOLDS * len(EMOTIONS)} tracks with a Spotify id.")
    return Tracks(vad, np.array(moods, dtype=np.intp), rows, rejected)


def as_published(vad: Floats, kmeans: Evaluation) -> dict[str, float]:
    """Return the figures of Chitturi and Kapila's Table 4.3 for `vad` (n, 3), of which `kmeans` is the evaluation, with
    their settings.

    `without` and `with` are silhouettes of K-Means begun at random and at the anchors. `accuracy` is how often a fifth
    of the rows lies nearest to the centroid of the same index in two fits, to all rows and to the other four fifths,
    whose centroids were sorted (here by valence, arousal, dominance): a figure of stability.
    """
    from sklearn.cluster import KMeans
    from sklearn.model_selection import train_test_split

    plain = KMeans(len(EMOTIONS), n_init=1, tol=TOLERANCE, random_state=SEED).fit(vad)
    train, test = train_test_split(vad, test_size=TEST_SHARE, random_state=SEED)
    both = [np.array(sorted(fit.centroids.tolist())) for fit in (kmeans.fit, fit_kmeans(train, measured=False))]
    same = assign(test, both[0])[0] == assign(test, both[1])[0]
    return {
        "without": _silhouette(vad, plain.labels_.astype(np.intp)),
        "with": kmeans.silhouette,
        "accuracy": float(same.mean()),
    }


def evaluate(method: str, tracks: Tracks) -> Evaluation:
    """Fit `method`, a key of METHODS, to the tracks and measure the outcome; same input, same figures."""
    fit = METHODS[method](tracks.vad, tracks.moods)
    whole, unique, values, labels = _silhouettes(tracks.vad, fit.labels)
    means = np.stack([tracks.vad[fit.labels == k].mean(axis=0) if (fit.labels == k).any() else fit.centroids[k]
                      for k in range(len(EMOTIONS))])  # fmt: skip
    return Evaluation(
        fit=fit,
        silhouette=whole,
        silhouette_unique=unique,
        silhouettes=values,
        labels=labels,
        davies_bouldin=davies_bouldin(tracks.vad, fit.labels),
        stability=_stability(method, tracks, fit),
        mean_drift=np.linalg.norm(means - np.array(ANCHORS), axis=1),
        agreement=_agreement(fit.labels[None], tracks.moods),
        unseen=_agreement(_unseen_labels(method, tracks), tracks.moods),
    )


def nearest_anchor(tracks: Tracks) -> Agreement:
    """Return the agreement of tags that go by the nearest anchor, without any clustering."""
    return _agreement(assign(tracks.vad, np.array(ANCHORS))[0][None], tracks.moods)


def _silhouette(vad: Floats, labels: Indices) -> float:
    """Return the mean over all."""
    points, first, counts = np.unique(vad, axis=0, return_index=True, return_counts=True)
    return float(np.average(silhouettes(points, labels[first], counts), weights=counts))


def _silhouettes(vad: Floats, labels: Indices) -> tuple[float, float, Floats, Indices]:
    """Return the mean over all, that over different points, and each of the latter with its label."""
    points, first, counts = np.unique(vad, axis=0, return_index=True, return_counts=True)
    labels = labels[first]
    whole, unique = both_silhouettes(points, labels, counts)
    return float(np.average(whole, weights=counts)), float(unique.mean()), unique, labels


def _stability(method: str, tracks: Tracks, fit: Fit) -> tuple[float, float]:
    random = np.random.default_rng(SEED)
    found = []
    for _ in range(RESAMPLES):
        drawn = random.integers(0, len(tracks.vad), len(tracks.vad))
        again = METHODS[method](tracks.vad[drawn], tracks.moods[drawn], measured=False)
        found.append(adjusted_rand(fit.labels, assign(tracks.vad, again.centroids, again.whitening)[0]))
    return float(np.mean(found)), min(found)


def _unseen_labels(method: str, tracks: Tracks) -> Indices:
    """Return labels (repeats, n) of tracks with mood words by fits that had neither their moods nor their places."""
    labels = np.full((REPEATS, len(tracks.vad)), -1, dtype=np.intp)
    named = np.flatnonzero(tracks.moods >= 0)
    for repeat in range(REPEATS):
        for fold in np.array_split(np.random.default_rng(repeat).permutation(named), FOLDS):
            kept = np.ones(len(tracks.vad), dtype=bool)
            kept[fold] = False
            fit = METHODS[method](tracks.vad[kept], tracks.moods[kept], measured=False)
            labels[repeat, fold] = assign(tracks.vad[fold], fit.centroids, fit.whitening)[0]
    return labels


def _agreement(labels: Indices, moods: Indices) -> Agreement:
    """Average over the rows of `labels` (r, n); the interval is that of one row, repeating adds no tracks."""
    named = np.flatnonzero(moods >= 0)
    hits = (labels[:, named] == moods[named]).mean(axis=0)
    share = float(hits.mean()) if len(named) else 0.0
    by_emotion = {
        EMOTIONS[index]: float(hits[moods[named] == index].mean()) for index in np.unique(moods[named]).tolist()
    }
    return Agreement(share, wilson(share * len(named), len(named)), len(named), by_emotion)
