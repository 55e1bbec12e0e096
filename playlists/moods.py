"""What a reading of a face means for one person, who has put earlier readings right."""

from collections.abc import Mapping, Sequence

# A reading is trusted as if it had been agreed to so many times; one that a person let stand counts as so much of an
# agreement, since not everybody corrects.
TRUST = 4.0
LET_STAND = 0.5
# What must have moved, as a share of all probability, before it is spoken of.
WORTH_SAYING = 0.1


def as_this_person(weights: Mapping[str, float], words: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Return a reading's probabilities by emotion as this person would put them.

    `words` are their earlier captures: the emotion that was read, and the one that they chose instead (empty: they let
    it stand). For each emotion the chance of what is meant by it is the mean of a Dirichlet distribution whose prior
    believes the reader. Without a correction the weights stay as they are.
    """
    meant: dict[str, dict[str, float]] = {}
    for read, said in words:
        counts = meant.setdefault(read, {})
        counts[said or read] = counts.get(said or read, 0.0) + (1.0 if said else LET_STAND)
    moved: dict[str, float] = {}
    for read, weight in weights.items():
        counts = meant.get(read, {})
        total = TRUST + sum(counts.values())
        for said in {read, *counts}:
            share = (counts.get(said, 0.0) + TRUST * (said == read)) / total
            moved[said] = moved.get(said, 0.0) + weight * share
    return moved


def has_moved(weights: Mapping[str, float], moved: Mapping[str, float]) -> bool:
    """Say whether the two differ by enough to tell the person."""
    total = sum(weights.values()) or 1.0
    away = sum(abs(moved.get(name, 0.0) - weights.get(name, 0.0)) for name in {*weights, *moved})
    return away / total / 2 > WORTH_SAYING
