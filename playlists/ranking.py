"""Rank candidate tracks for one person and one mood: arrays in, picks with reasons out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from playlists.taste import Belief, Evidence, Features, believe, no_evidence

Floats = npt.NDArray[np.float64]

# What a pool of candidates is made of: the nearest tracks to the emotion's centre, tracks drawn from all over it, and
# tracks by artists that are liked. Random ids are looked up; those of the emotion are where windows of tracks begin.
NEAREST = 150
DRAWN = 640
PROBES = 256
WINDOWS = 16
BY_LIKED = 100
LIKED_ARTISTS = 8

ARTIST_CAP = 2
# Liking lies about -1 to 1; beside it stand the distance to the target, what was played lately and what all were given.
CLOSENESS = 0.5
COOL_DOWN = 1.0
SHOWN = 0.5
# The usual place follows the expectation and so much of the sample's surprise; every fifth place follows the sample.
SURPRISE = 0.15
EXPLORE_EVERY = 5
# What a side of the expectation must weigh before a reason names it.
WORTH_NAMING = 0.08


@dataclass(frozen=True)
class Candidates:
    """Tracks that fit an emotion: parallel sequences of length n; `vad` is (n, 3) on the 1-9 scale.

    `features` says what taste may depend on; `shown` is true where the track was given to anybody lately.
    """

    vad: Floats
    features: Features
    spotify_ids: tuple[str, ...]
    shown: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Taste:
    """What is known of a person. `liked` counts liked tracks by artist; `cooling` says by track id how fresh in memory
    it is (1: just played, 0: forgotten); what is in `banned` and `banned_spotify` is never played."""

    evidence: Evidence = field(default_factory=no_evidence)
    liked: Mapping[str, int] = field(default_factory=dict)
    cooling: Mapping[int, float] = field(default_factory=dict)
    banned: frozenset[int] = frozenset()
    banned_spotify: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Pick:
    """One ranked track: its place in the candidates, its distance to the target, its score and why it was picked."""

    index: int
    distance: float
    score: float
    reason: str


def target_point(weights: Mapping[str, float], centres: Mapping[str, tuple[float, float, float]]) -> Floats:
    """Return the point (3,) in valence-arousal-dominance space that a mood stands for: the mean of the emotions'
    centres by the mood's probabilities, which need not sum to 1. Raises ValueError when all of them are 0."""
    names = [name for name in centres if weights.get(name, 0.0) > 0]
    if not names:
        raise ValueError("a mood needs an emotion with a probability over 0")
    shares = np.array([weights[name] for name in names])
    point: Floats = shares @ np.array([centres[name] for name in names]) / shares.sum()
    return point


def favourites(taste: Taste, seed: int) -> list[str]:
    """Return at most LIKED_ARTISTS of the liked artists, drawn by the seed: with many, all have their turn."""
    names = sorted(taste.liked)
    drawn = np.random.default_rng(seed).permutation(len(names))[:LIKED_ARTISTS]
    return [names[i] for i in drawn.tolist()]


def rank(candidates: Candidates, taste: Taste, *, target: Floats, k: int, seed: int) -> list[Pick]:
    """Return at most k picks, best first; the same arguments give the same picks.

    A score is the expected liking less the squared distance to `target` (3,), in units of the candidates' median
    distance, less what cools down. Most places go by that score; every fifth goes by a liking sampled from the belief
    (Thompson 1933), so that what is not known of a person is tried. At most ARTIST_CAP tracks are by one artist (the
    cap yields when nothing else is left), no Spotify id comes twice, nothing banned comes at all.
    Raises ValueError when k is negative.
    """
    if k < 0:
        raise ValueError(f"k is {k}; ask for 0 tracks or more")
    if not len(candidates):
        return []
    distance = np.linalg.norm(candidates.vad - target, axis=1)
    closeness = -0.5 * (distance / max(float(np.median(distance)), 1e-6)) ** 2
    belief = believe(taste.evidence, candidates.features, np.random.default_rng(seed))
    cooling = np.array([taste.cooling.get(i, 0.0) for i in candidates.features.ids])
    fit = CLOSENESS * closeness - COOL_DOWN * cooling - SHOWN * candidates.shown
    usual = fit + belief.mean + SURPRISE * (belief.sample - belief.mean)
    bold = fit + belief.sample
    chosen = _choose(usual, bold, candidates, taste, k)
    return [
        Pick(
            index=i,
            distance=float(distance[i]),
            score=float((bold if explores else usual)[i]),
            reason=_reason(i, float(np.exp(closeness[i])), candidates, taste, belief, explores=explores),
        )
        for i, explores in chosen
    ]


def _choose(usual: Floats, bold: Floats, candidates: Candidates, taste: Taste, k: int) -> list[tuple[int, bool]]:
    """Fill the places from two orders; what the artist cap passes over comes back when too few others are left."""
    orders = [iter(np.argsort(-score, kind="stable").tolist()) for score in (usual, bold)]
    chosen: list[tuple[int, bool]] = []
    passed: list[int] = []
    per_artist: dict[str, int] = {}
    taken: set[int | str] = {*taste.banned, *taste.banned_spotify}
    while len(chosen) < k:
        explores = len(chosen) % EXPLORE_EVERY == EXPLORE_EVERY - 1
        i = next(_free(orders[explores], candidates, taken), None)
        if i is None:
            break
        artist = candidates.features.artists[i]
        taken |= {candidates.features.ids[i], candidates.spotify_ids[i]}
        if per_artist.get(artist, 0) >= ARTIST_CAP:
            passed.append(i)
            continue
        per_artist[artist] = per_artist.get(artist, 0) + 1
        chosen.append((i, explores))
    return chosen + [(i, False) for i in passed[: k - len(chosen)]]


def _free(order: Iterator[int], candidates: Candidates, taken: set[int | str]) -> Iterator[int]:
    for i in order:
        spotify_id = candidates.spotify_ids[i]
        if candidates.features.ids[i] not in taken and not (spotify_id and spotify_id in taken):
            yield i


def _reason(i: int, near: float, candidates: Candidates, taste: Taste, belief: Belief, *, explores: bool) -> str:
    how = "very close to" if near > 0.85 else "close to" if near > 0.5 else "at the edge of"
    words = f"{how} your mood"
    features = candidates.features
    liked = taste.liked.get(features.artists[i], 0)
    if belief.track[i] > 2 * WORTH_NAMING and liked:
        return f"{words}; you liked it"
    if liked and belief.artist[i] > 0:
        return f"{words}; you liked {_number(liked)} by this artist"
    if belief.genre[i] > WORTH_NAMING and belief.genre[i] >= belief.tone[i]:
        return f"{words}; you tend to like {features.genres[i]}"
    if belief.tone[i] > WORTH_NAMING:
        return f"{words}; {_tone(features.offsets[i])}, as you tend to like it"
    if explores:
        return f"{words}; something new, to learn what you like"
    return words


def _number(count: int) -> str:
    names = {1: "a track", 2: "two", 3: "three", 4: "four", 5: "five"}
    return names.get(count, f"{count} tracks")


def _tone(offset: Floats) -> str:
    """Name the side on which a track differs most from what is usual for its emotion."""
    names = (("brighter", "darker"), ("livelier", "calmer"), ("stronger", "softer"))
    side = int(np.argmax(np.abs(offset)))
    return names[side][int(offset[side] < 0)]
