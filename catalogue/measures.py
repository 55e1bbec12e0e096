"""Figures about clusterings: silhouette, Davies-Bouldin index, adjusted Rand index, intervals of shares."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

# Distances from this many points to all others are in memory at a time: more fall out of a processor's cache.
BLOCK = 16


def silhouettes(points: Floats, labels: Indices, counts: Indices | None = None) -> Floats:
    """Return the silhouette (Rousseeuw 1987), -1 to 1, of each of `points` (n, d) under `labels` (n,); exact.

    `counts` (n,) says how many tracks lie at each point: every one of them is compared with every other. A cluster of
    one track has 0, as everything has when there is one cluster. Memory is BLOCK * n, time is n * n: the distances of a
    block come from one matrix product, their sums over each cluster from another.
    """
    return _weighted(points, labels, np.ones(len(points)) if counts is None else counts)[0]


def both_silhouettes(points: Floats, labels: Indices, counts: Indices) -> tuple[Floats, Floats]:
    """Return the `silhouettes` (n,) of points that count so many times, and those of the same that count once each: the
    distances, which take most of the time, are the same."""
    whole, unique = _weighted(points, labels, counts, np.ones(len(points)))
    return whole, unique


def _weighted(points: Floats, labels: Indices, *counts: Indices | Floats) -> list[Floats]:
    """Return the silhouettes (n,) under each of the counts (n,)."""
    values = [np.zeros(len(points)) for _ in counts]
    clusters, own = np.unique(labels, return_inverse=True)
    if len(clusters) < 2:
        return values
    members = np.zeros((len(counts), len(points), len(clusters)))
    members[:, np.arange(len(points)), own] = counts
    sizes = members.sum(axis=1)
    points = points - points.mean(axis=0)
    squares = (points**2).sum(axis=1)
    for begin in range(0, len(points), BLOCK):
        rows = slice(begin, begin + BLOCK)
        distances = squares[rows, None] + squares - 2 * points[rows] @ points.T
        np.sqrt(np.maximum(distances, 0, out=distances), out=distances)
        for weighting in range(len(counts)):
            values[weighting][rows] = _of_block(distances @ members[weighting], own[rows], sizes[weighting])
    return values


def _of_block(sums: Floats, own: Indices, sizes: Floats) -> Floats:
    rows = np.arange(len(own))
    within = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    between = means.min(axis=1)
    larger = np.maximum(within, between)
    defined = (sizes[own] > 1) & (larger > 0)
    return np.where(defined, (between - within) / np.where(defined, larger, 1), 0)


def davies_bouldin(points: Floats, labels: Indices) -> float:
    """Return the index of Davies and Bouldin (1979) of `points` (n, d) under `labels` (n,): 0 is best."""
    clusters = np.unique(labels)
    means = np.stack([points[labels == cluster].mean(axis=0) for cluster in clusters])
    spreads = np.array(
        [
            np.linalg.norm(points[labels == cluster] - mean, axis=1).mean()
            for cluster, mean in zip(clusters, means, strict=True)
        ]
    )
    apart = np.linalg.norm(means[:, None] - means, axis=2)
    np.fill_diagonal(apart, np.inf)
    return float(((spreads[:, None] + spreads) / apart).max(axis=1).mean())


def adjusted_rand(one: Indices, other: Indices) -> float:
    """Return the adjusted Rand index (Hubert and Arabie 1985) of two labellings (n,): 1 the same, 0 as by chance."""
    table = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(table, (one, other), 1)

    def pairs(counts: Floats) -> float:
        return float((counts * (counts - 1)).sum() / 2)

    both, of_one, of_other = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = of_one * of_other / pairs(np.array([len(one)], dtype=np.float64))
    highest = (of_one + of_other) / 2
    return 1.0 if highest == expected else (both - expected) / (highest - expected)


def wilson(hits: float, of: int, z: float = 1.959964) -> tuple[float, float]:
    """Return Wilson's (1927) interval of a share, by default at 95 %; of nothing it is (0, 1)."""
    if not of:
        return 0.0, 1.0
    share = hits / of
    centre = share + z * z / (2 * of)
    half = z * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return float((centre - half) / (1 + z * z / of)), float((centre + half) / (1 + z * z / of))
