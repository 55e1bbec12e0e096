"""Replay of real ratings: would those that came later have been foreseen from those before?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playlists import metrics
from playlists.columns import Columns, Floats, Rows
from playlists.ranking import RATING_NOISE, WIDTH, evidence_of
from playlists.taste import believe

# Whoever gave fewer ratings says nothing; the first half of the others' is learned from, the rest is foreseen.
FEWEST = 10
TOP = 10
ARMS = ("random", "popularity", "without_feedback", "with_feedback")


@dataclass(frozen=True)
class Ratings:
    """One person's ratings in the order in which they were given: rows of the columns, `values` 1 or -1, both (n,), and
    `targets` (n, 3), what the mood asked for when the track was given, nan where it was found otherwise."""

    rows: Rows
    values: Floats
    targets: Floats


def replay(columns: Columns, people: Sequence[Ratings], *, seed: int) -> dict[str, dict[str, float]]:
    """Return by arm how well it orders what people rated later: NDCG@10 and precision@10 of their likes, the
    share of pairs of a like and a dislike that stand in the right order, and how many people it is the mean of.
    Of what an arm expects the same, a pair counts one half, and the order is drawn: who knows nothing is as good as
    chance, and not worse.

    Only who rated FEWEST tracks or more, and later liked some and disliked others, is counted; {} when nobody did.
    """
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ARMS}
    rng = np.random.default_rng(seed)
    for ratings in people:
        half = len(ratings.rows) // 2
        grades = (ratings.values[half:] > 0).astype(np.int64)
        if len(ratings.rows) < FEWEST or grades.all() or not grades.any():
            continue
        for name, scores in _scores(columns, ratings, half, rng).items():
            order = grades[np.lexsort((rng.random(len(scores)), -scores))]
            ahead = np.sign(scores[grades == 1][:, None] - scores[grades == 0])
            right = (ahead.mean() + 1) / 2
            figures = (metrics.ndcg_at(order, grades, TOP), metrics.precision_at(order, TOP), float(right))
            found[name].append(figures)
    names = ("ndcg_at_10", "precision_at_10", "pairs_in_order")
    return {
        arm: {**dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True)), "people": len(rows)}
        for arm, rows in found.items()
        if rows
    }


def _scores(columns: Columns, ratings: Ratings, half: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Return by arm what it expects of the later tracks."""
    known = columns.features(ratings.rows[:half], ratings.targets[:half])
    evidence = evidence_of(known, ratings.values[:half].tolist(), [RATING_NOISE] * half)
    asked = columns.features(ratings.rows[half:], ratings.targets[half:])
    closeness: Floats = -0.5 * (np.linalg.norm(asked.offsets, axis=1) / WIDTH) ** 2
    return {
        "random": rng.random(len(asked)),
        "popularity": columns.tags[ratings.rows[half:]].astype(np.float64),
        "without_feedback": closeness,
        "with_feedback": closeness + believe(evidence, asked, rng).mean,
    }
