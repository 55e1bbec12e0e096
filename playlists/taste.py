"""Learn one person's taste: a Gaussian belief about what they would say of a track, from what they did so far."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

# Standard deviations of the prior: how far apart people's likings of a track (-1 to 1) may lie for each of its sides.
BIAS, TONE, TONE_BY_EMOTION, GENRE, ARTIST, TRACK = 0.3, 0.3, 0.2, 0.45, 0.45, 0.4


@dataclass(frozen=True)
class Features:
    """What taste may depend on: parallel sequences of length n.

    `offsets` is (n, 3): valence, arousal and dominance of the track less those of its emotion's centre. An empty genre
    is an unknown one.
    """

    ids: tuple[int, ...]
    offsets: Floats
    emotions: tuple[str, ...]
    artists: tuple[str, ...]
    genres: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Evidence:
    """What a person did: `values` (n,) from -1 (disliked) to 1 (liked), `noise` (n,) the variance of each."""

    tracks: Features
    values: Floats
    noise: Floats

    @classmethod
    def of(cls, tracks: Features, values: Sequence[float], noise: Sequence[float]) -> "Evidence":
        return cls(tracks, np.array(values, np.float64), np.array(noise, np.float64))

    def __len__(self) -> int:
        return len(self.tracks)


@dataclass(frozen=True)
class Belief:
    """How much a person would like each of n tracks: the expectation by its sides, all (n,), and one sample of it."""

    tone: Floats
    genre: Floats
    artist: Floats
    track: Floats
    bias: float
    sample: Floats

    @property
    def mean(self) -> Floats:
        total: Floats = self.tone + self.genre + self.artist + self.track + self.bias
        return total


def no_evidence() -> Evidence:
    return Evidence.of(Features((), np.empty((0, 3)), (), (), ()), [], [])


def believe(evidence: Evidence, tracks: Features, rng: np.random.Generator) -> Belief:
    """Return the posterior belief about `tracks` given `evidence`, and one sample of it for Thompson sampling.

    The liking is linear in one-hot artist, genre and track and in the offsets, whose weights an emotion may bend; all
    weights have independent Gaussian priors and the values Gaussian noise, so that the posterior is Gaussian and is
    computed exactly, in the space of the n observations: O(n^3 + n m) time for m tracks. The sample is a draw from the
    prior corrected by what was observed (Matheron's rule; Wilson et al. 2020, "Efficiently sampling functions from
    Gaussian process posteriors"). Nothing is kept between calls: the same evidence gives the same belief.
    Raises ValueError for a value that is not a number.
    """
    if not np.isfinite(evidence.values).all() or not np.isfinite(evidence.tracks.offsets).all():
        raise ValueError("the evidence has values that are not numbers")
    space = _Space(evidence.tracks, tracks)
    prior_seen, prior = space.draw(rng)
    noise = rng.normal(size=len(evidence)) * np.sqrt(evidence.noise)
    solved: Floats = np.zeros((0, 2))
    if len(evidence):
        known = space.covariance() + np.diag(evidence.noise)
        answers = np.column_stack([evidence.values, evidence.values - prior_seen - noise])
        solved = np.asarray(np.linalg.solve(known, answers), np.float64)
    mean, correction = space.sides(solved[:, 0]), space.sides(solved[:, 1])
    return Belief(**mean, bias=space.bias(solved[:, 0]), sample=_sum(correction, space.bias(solved[:, 1])) + prior)


def _sum(sides: dict[str, Floats], bias: float) -> Floats:
    total: Floats = np.sum(list(sides.values()), axis=0) + bias
    return total


class _Space:
    """Seen and asked tracks under one set of codes; what is unknown, such as an empty genre, has the code -1."""

    def __init__(self, seen: Features, asked: Features) -> None:
        self.seen, self.asked = seen.offsets.reshape(-1, 3), asked.offsets.reshape(-1, 3)
        self.emotion = _codes(seen.emotions, asked.emotions)
        self.one_hot = {
            "genre": (GENRE, *_codes(seen.genres, asked.genres)),
            "artist": (ARTIST, *_codes(seen.artists, asked.artists)),
            "track": (TRACK, *_codes(seen.ids, asked.ids)),
        }

    def covariance(self) -> Floats:
        """Return the prior covariance of the seen tracks' likings, (n, n)."""
        inner = self.seen @ self.seen.T
        same = _equal(self.emotion[0])
        total: Floats = BIAS**2 + TONE**2 * inner + TONE_BY_EMOTION**2 * inner * same
        for scale, seen, _ in self.one_hot.values():
            total = total + scale**2 * _equal(seen)
        return total

    def bias(self, weights: Floats) -> float:
        return float(BIAS**2 * weights.sum())

    def sides(self, weights: Floats) -> dict[str, Floats]:
        """Return by side what `weights` (n,) of the seen tracks say of the asked ones, each (m,)."""
        slopes = TONE**2 * np.tile(weights @ self.seen, (self._emotions(), 1))
        np.add.at(slopes, self.emotion[0], TONE_BY_EMOTION**2 * weights[:, None] * self.seen)
        found = {"tone": np.einsum("md,md->m", self.asked, slopes[self.emotion[1]])}
        for name, (scale, seen, asked) in self.one_hot.items():
            sums = np.zeros(_size(seen, asked))
            np.add.at(sums, seen[seen >= 0], scale**2 * weights[seen >= 0])
            found[name] = np.where(asked >= 0, sums[asked], 0.0)
        return found

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return one liking from the prior, for the seen tracks and for the asked ones."""
        bias = BIAS * rng.normal()
        slopes = TONE * rng.normal(size=3) + TONE_BY_EMOTION * rng.normal(size=(self._emotions(), 3))
        seen = bias + np.einsum("md,md->m", self.seen, slopes[self.emotion[0]])
        asked = bias + np.einsum("md,md->m", self.asked, slopes[self.emotion[1]])
        for scale, code_seen, code_asked in self.one_hot.values():
            weights = scale * rng.normal(size=_size(code_seen, code_asked))
            seen = seen + np.where(code_seen >= 0, weights[code_seen], 0.0)
            asked = asked + np.where(code_asked >= 0, weights[code_asked], 0.0)
        return seen, asked

    def _emotions(self) -> int:
        return _size(*self.emotion)


def _codes(seen: Sequence[object], asked: Sequence[object]) -> tuple[Codes, Codes]:
    """Number the names that occur, in order of appearance; an empty one is -1."""
    numbers: dict[object, int] = {"": -1}

    def number(names: Iterable[object]) -> Codes:
        return np.array([numbers.setdefault(name, len(numbers) - 1) for name in names], np.intp)

    return number(seen), number(asked)


def _size(*codes: Codes) -> int:
    return max(1, 1 + max((int(code.max()) for code in codes if len(code)), default=0))


def _equal(codes: Codes) -> npt.NDArray[np.bool_]:
    same: npt.NDArray[np.bool_] = (codes[:, None] == codes) & (codes >= 0)
    return same
