"""How good recommendations are: figures from lists of tracks and what a listener thinks of them."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Grades = npt.NDArray[np.int64]


def precision_at(grades: Grades, k: int) -> float:
    """Return the share of the first k places with a track that is liked. `grades` (n,) are 0 for what is not; places
    that a shorter list leaves empty count as not liked. Raises ValueError for k under 1."""
    _check(k)
    return float((grades[:k] > 0).sum() / k)


def dcg_at(grades: Grades, k: int) -> float:
    """Return the discounted cumulative gain of the first k places: (2^grade - 1) / log2(place + 1), summed
    (Burges et al. 2005). Raises ValueError for k under 1."""
    _check(k)
    top = np.asarray(grades[:k], np.float64)
    return float(((2**top - 1) / np.log2(np.arange(2, len(top) + 2))).sum())


def ndcg_at(grades: Grades, all_grades: Grades, k: int) -> float:
    """Return the gain of the first k places in 0..1: 1 is the best list that `all_grades` (m,), those of every track
    that could have been given, allow (Järvelin and Kekäläinen 2002). 0 where nothing that is liked exists."""
    best = dcg_at(-np.sort(-all_grades), k)
    return dcg_at(grades, k) / best if best else 0.0


def regret_at(grades: Grades, all_grades: Grades, k: int) -> float:
    """Return how much gain the first k places leave on the table, as dcg_at counts it; 0 is the best list."""
    return dcg_at(-np.sort(-all_grades), k) - dcg_at(grades, k)


def coverage(lists: Iterable[Sequence[int]], catalogue_size: int) -> float:
    """Return the share of a catalogue, in 0..1, that is in any of the lists. Raises ValueError for an empty one."""
    if catalogue_size < 1:
        raise ValueError("an empty catalogue cannot be covered")
    return len({track for tracks in lists for track in tracks}) / catalogue_size


def novelty(tracks: Sequence[int], popularity: Floats) -> float:
    """Return the mean self-information of a list in bits, -log2 of each track's share of all popularity (Zhou et al.
    2010). `tracks` index `popularity` (m,), counts of which none is negative; one is added to each."""
    if not len(tracks):
        return 0.0
    shares = (popularity + 1) / (popularity + 1).sum()
    return float(-np.log2(shares[list(tracks)]).mean())


def intra_list_diversity(points: Floats) -> float:
    """Return the mean distance between two tracks of a list, from their points (n, 3); 0 for fewer than two."""
    n = len(points)
    if n < 2:
        return 0.0
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    return float(distances.sum() / (n * (n - 1)))


def _check(k: int) -> None:
    if k < 1:
        raise ValueError(f"k is {k}; count 1 place or more")
