"""Learn one person's taste: a Gaussian belief about what they would say of a track, from what they did so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from emotune.emotions import EMOTIONS

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

# Standard deviations of the prior: how far apart people's likings of a track (-1 to 1) may lie for each of its sides.
BIAS, TONE, TONE_BY_EMOTION, GENRE, ARTIST, TRACK = 0.3, 0.5, 0.25, 0.45, 0.35, 0.2
# The same for company, whose vectors have a mean square length of 1.
COMPANY = 0.3


@dataclass(frozen=True)
class Features:
    """What taste may depend on: parallel arrays of length n.

    `offsets` is (n, 3): valence, arousal and dominance of the track less those that the mood asks for. `emotions`,
    `artists` and `genres` are codes; -1 is unknown. `company` (n, d) says who likes the artist: vectors of tracks that
    the same people like point the same way, and those of which nothing is known are 0.
    """

    ids: npt.NDArray[np.int64]
    offsets: Floats
    emotions: Codes
    artists: Codes
    genres: Codes
    company: Floats

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Evidence:
    """What a person did: `values` (n,), about -1 (disliked) to 1 (liked), `noise` (n,) the variance of each."""

    tracks: Features
    values: Floats
    noise: Floats

    @classmethod
    def of(cls, tracks: Features, values: Sequence[float], noise: Sequence[float]) -> "Evidence":
        return cls(tracks, np.array(values, np.float64), np.array(noise, np.float64))

    def __len__(self) -> int:
        return len(self.tracks)

    @cached_property
    def covariance(self) -> Floats:
        """The prior covariance (n, n) of what was observed, its noise included."""
        seen = self.tracks
        inner = seen.offsets @ seen.offsets.T
        known = BIAS**2 + TONE**2 * inner + TONE_BY_EMOTION**2 * inner * _equal(seen.emotions)
        known += COMPANY**2 * (seen.company @ seen.company.T)
        for scale, codes in ((GENRE, seen.genres), (ARTIST, seen.artists), (TRACK, seen.ids)):
            known += scale**2 * _equal(codes)
        return np.asarray(known + np.diag(self.noise), np.float64)

    @cached_property
    def kinds(self) -> "dict[str, Kinds]":
        """The genres, artists and tracks that were observed."""
        seen = self.tracks
        return {"genre": Kinds.of(seen.genres), "artist": Kinds.of(seen.artists), "track": Kinds.of(seen.ids)}


@dataclass(frozen=True)
class Kinds:
    """The different codes of some observations (n,), unknown ones left out: `names` (c,), sorted; `known` (n,), which
    observations have one; and `places`, where in the names the code of each of these is."""

    names: Codes
    known: npt.NDArray[np.bool_]
    places: Codes

    @classmethod
    def of(cls, codes: npt.NDArray[np.signedinteger]) -> "Kinds":
        known = codes >= 0
        names, places = np.unique(codes[known], return_inverse=True)
        return cls(names.astype(np.intp), known, places)

    def sums(self, weights: Floats) -> tuple[Codes, Floats]:
        """Return the names and, for each, the sum of its observations' weights (n,)."""
        return self.names, np.bincount(self.places, weights[self.known], len(self.names)).astype(np.float64)


@dataclass(frozen=True)
class Leaning:
    """What evidence says of each thing that a liking may depend on: the posterior's expectation of the weights.

    `slopes` is (8, 3): by emotion, and last, where the code -1 finds them, those of a track without one. `company` is
    (d,), the others are (codes, weights), both (c,) with the codes sorted.
    """

    bias: float
    slopes: Floats
    company: Floats
    genre: tuple[Codes, Floats]
    artist: tuple[Codes, Floats]
    track: tuple[Codes, Floats]


@dataclass(frozen=True)
class Belief:
    """How much a person would like each of n tracks: the expectation by its sides, all (n,), and one sample of it.
    `slopes` (8, 3) are what tone is made of, as in Leaning."""

    tone: Floats
    genre: Floats
    artist: Floats
    company: Floats
    track: Floats
    bias: float
    slopes: Floats
    sample: Floats

    @property
    def mean(self) -> Floats:
        total: Floats = self.tone + self.genre + self.artist + self.company + self.track + self.bias
        return total


def no_evidence() -> Evidence:
    none = np.empty(0, np.intp)
    return Evidence.of(Features(none.astype(np.int64), np.empty((0, 3)), none, none, none, np.empty((0, 0))), [], [])


def lean(evidence: Evidence) -> Leaning:
    """Return what evidence says, as `believe` defines it: O(n^3) time. Raises ValueError for what is not a number."""
    return _leaning(evidence, _solve(evidence, evidence.values))


def believe(evidence: Evidence, tracks: Features, rng: np.random.Generator) -> Belief:
    """Return the posterior belief about `tracks` given `evidence`, and one sample of it for Thompson sampling.

    The liking is linear in one-hot artist, genre and track, in company and in the offsets, whose weights an emotion may
    bend; all weights have independent Gaussian priors and the values Gaussian noise, so that the posterior is Gaussian
    and is computed exactly, in the space of the n observations: O(n^3 + n m) time for m tracks. The sample is a draw
    from the prior corrected by what was observed (Matheron's rule; Wilson et al. 2020, "Efficiently sampling functions
    from Gaussian process posteriors"). Nothing is kept between calls: the same evidence gives the same belief.
    Raises ValueError for a value that is not a number.
    """
    prior_seen, prior = _draw(evidence.tracks, tracks, rng)
    noise = rng.normal(size=len(evidence)) * np.sqrt(evidence.noise)
    solved = _solve(evidence, evidence.values, evidence.values - prior_seen - noise)
    expected, correction = _leaning(evidence, solved[:, :1]), _leaning(evidence, solved[:, 1:])
    drawn = prior + correction.bias + np.sum(list(_sides(correction, tracks).values()), axis=0)
    return Belief(**_sides(expected, tracks), bias=expected.bias, slopes=expected.slopes, sample=drawn)


def uncertainty(evidence: Evidence, tracks: Features) -> Floats:
    """Return the variance (m,) of what tone and genre, which other tracks have too, add to the liking of each of
    `tracks`, all of one emotion: O(n^3 + m) time for n observations."""
    slope = TONE**2 + TONE_BY_EMOTION**2
    variance: Floats = slope * (tracks.offsets**2).sum(axis=1) + GENRE**2 * (tracks.genres >= 0)
    if not len(evidence) or not len(tracks):
        return variance
    seen = evidence.tracks
    names, column = np.unique(seen.genres, return_inverse=True)
    told = np.zeros((len(evidence), 3 + len(names)))  # how each observation varies with the three slopes and the genres
    told[:, :3] = seen.offsets * np.where(seen.emotions == tracks.emotions[0], slope, TONE**2)[:, None]
    told[np.arange(len(evidence)), 3 + column] = GENRE**2 * (seen.genres >= 0)
    learned = told.T @ _solve(evidence, *told.T)
    variance -= np.einsum("md,de,me->m", tracks.offsets, learned[:3, :3], tracks.offsets)
    place = np.searchsorted(names, tracks.genres).clip(max=len(names) - 1)
    met = (names[place] == tracks.genres) & (tracks.genres >= 0)
    of_genre = learned[3 + place, 3 + place] + 2 * np.einsum("md,dm->m", tracks.offsets, learned[:3, 3 + place])
    return np.maximum(variance - np.where(met, of_genre, 0.0), 0.0)


def _solve(evidence: Evidence, *answers: Floats) -> Floats:
    """Return (n, answers): how much each observation weighs in what is expected."""
    seen = evidence.tracks
    if not np.isfinite(evidence.values).all() or not np.isfinite(seen.offsets).all():
        raise ValueError("the evidence has values that are not numbers")
    if not len(evidence):
        return np.zeros((0, len(answers)))
    return np.asarray(np.linalg.solve(evidence.covariance, np.column_stack(answers)), np.float64)


def _leaning(evidence: Evidence, solved: Floats) -> Leaning:
    """Return the weights that observations of these importances (n, 1) stand for."""
    weights, seen = solved[:, 0], evidence.tracks
    slopes = TONE**2 * np.tile(weights @ seen.offsets, (len(EMOTIONS) + 1, 1))
    has = seen.emotions >= 0
    np.add.at(slopes, seen.emotions[has], TONE_BY_EMOTION**2 * weights[has, None] * seen.offsets[has])
    return Leaning(
        bias=float(BIAS**2 * weights.sum()),
        slopes=slopes,
        company=COMPANY**2 * (weights @ seen.company),
        genre=evidence.kinds["genre"].sums(GENRE**2 * weights),
        artist=evidence.kinds["artist"].sums(ARTIST**2 * weights),
        track=evidence.kinds["track"].sums(TRACK**2 * weights),
    )


def _sides(leaning: Leaning, tracks: Features) -> dict[str, Any]:
    """Return by side what a leaning says of tracks, each (m,)."""
    return {
        "tone": np.einsum("md,md->m", tracks.offsets, leaning.slopes[tracks.emotions]),
        "genre": _looked_up(leaning.genre, tracks.genres),
        "artist": _looked_up(leaning.artist, tracks.artists),
        "company": tracks.company @ leaning.company if len(leaning.company) else np.zeros(len(tracks)),
        "track": _looked_up(leaning.track, tracks.ids.astype(np.intp)),
    }


def _looked_up(weights: tuple[Codes, Floats], codes: Codes) -> Floats:
    names, values = weights
    if not len(names):
        return np.zeros(len(codes))
    places = np.searchsorted(names, codes).clip(max=len(names) - 1)
    found: Floats = np.where(names[places] == codes, values[places], 0.0)
    return found


def _draw(seen: Features, asked: Features, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return one liking from the prior, for the seen tracks and for the asked ones."""
    common, bent = TONE * rng.normal(size=3), TONE_BY_EMOTION * rng.normal(size=(len(EMOTIONS), 3))
    slopes = common + np.vstack([bent, np.zeros(3)])  # no emotion, code -1, bends nothing
    direction: Floats = np.asarray(COMPANY * rng.normal(size=asked.company.shape[1]))
    emotions = np.concatenate([seen.emotions, asked.emotions])
    liking: Floats = np.full(len(emotions), BIAS * rng.normal())
    liking += np.einsum("md,md->m", np.concatenate([seen.offsets, asked.offsets]), slopes[emotions])
    if len(direction):
        liking += np.concatenate([seen.company.reshape(-1, len(direction)), asked.company]) @ direction
    one_hot = ((GENRE, seen.genres, asked.genres), (ARTIST, seen.artists, asked.artists), (TRACK, seen.ids, asked.ids))
    for scale, before, after in one_hot:
        codes = np.concatenate([before, after])
        names, places = np.unique(codes, return_inverse=True)
        liking += np.where(codes >= 0, scale * rng.normal(size=len(names))[places], 0.0)
    return liking[: len(seen)], liking[len(seen) :]


def _equal(codes: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.bool_]:
    same: npt.NDArray[np.bool_] = (codes[:, None] == codes) & (codes >= 0)
    return same
