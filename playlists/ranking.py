"""Rank candidate tracks for one person and one mood: arrays in, picks with reasons out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from playlists.taste import Belief, Evidence, Features, believe, no_evidence, uncertainty

Floats = npt.NDArray[np.float64]

ARTIST_CAP = 2
# Liking lies about -1 to 1; beside it stand the distance to the target, what was played lately and what all were given.
# A track so far from the target, on the 1-9 scale, is as good as one at it that is expected to be liked by 0.5 less.
WIDTH = 1.2
COOL_DOWN = 1.0
SHOWN = 0.5
# Playlists whose tracks are still in a person's ears; and the latest places in anybody's playlists whose tracks count
# as shown lately.
COOLING_PLAYLISTS, SHOWN_PLACES = 8, 20_000
# The variance of what a rating says of a track.
RATING_NOISE = 0.8
# The usual places go by what is expected; the last third of them goes to finding out, by what a rating would teach
# until so many acts are known, and then by a sample of the belief.
EXPLORED = 3
TAUGHT = 40
# What a rating varies by for reasons that tell nothing of other tracks, and the liking at which it may go either way.
ALONE, EVEN = 0.8, -0.5
CHANCE = 0.02
# What a side of the expectation must weigh before a reason names it.
WORTH_NAMING = 0.08
# A reason is kept with up to 200 characters, and a genre alone may have as many.
LONGEST_GENRE = 80


@dataclass(frozen=True)
class Candidates:
    """Tracks that fit an emotion: parallel arrays of length n; `vad` is (n, 3) on the 1-9 scale.

    `features` says what taste may depend on, `genres` names its codes of genres; `recordings` are the same number for
    the same Spotify id, 0 for none; `shown` is true where the track was given to anybody lately. `use` says what each
    is good for: those of a higher number only fill the places that those of a lower one leave.
    """

    vad: Floats
    features: Features
    genres: tuple[str, ...]
    recordings: npt.NDArray[np.int64]
    shown: npt.NDArray[np.bool_]
    use: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Taste:
    """What is known of a person. `liked` counts liked tracks by the artist's code, `liked_tracks` are their ids;
    `cooling` says by track id how fresh in memory it is (1: just played, 0: forgotten); tracks in `banned` (by id) and
    artists in `banned_artists` (by code) are never candidates. `own_only`: they never ask Spotify."""

    evidence: Evidence = field(default_factory=no_evidence)
    liked: Mapping[int, int] = field(default_factory=dict)
    liked_tracks: frozenset[int] = frozenset()
    cooling: Mapping[int, float] = field(default_factory=dict)
    banned: frozenset[int] = frozenset()
    banned_artists: frozenset[int] = frozenset()
    own_only: bool = False


def evidence_of(tracks: Features, values: Sequence[float], noise: Sequence[float]) -> Evidence:
    """Return what acts say of taste: `values` (n,) from -1 to 1, less what closeness to the mood alone explains.

    A like of a track far from what the mood asked for says more than one of a track at it, and a dislike less. A word
    is one of two, so that more than 1 of it is never explained away.
    """
    closeness = -0.5 * (np.linalg.norm(tracks.offsets, axis=1) / WIDTH) ** 2
    return Evidence(tracks, np.array(values, np.float64) - closeness.clip(-1, 0), np.array(noise, np.float64))


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


def rank(
    candidates: Candidates, taste: Taste, *, target: Floats, k: int, seed: int, mood: str = "your mood"
) -> list[Pick]:
    """Return at most k picks, best first; the same arguments give the same picks. `mood` is what reasons call it.

    A score is the expected liking less half the squared distance to `target` (3,) in units of WIDTH, less what
    cools down. Most places go by that score. The last third is for what is not known of a person: as long as little
    is, the tracks whose rating would teach most (`lesson`), later a liking sampled from the belief (Thompson 1933).
    At most ARTIST_CAP tracks are by one artist (the cap yields when nothing else of the same `use` is left), and no
    Spotify id comes twice.
    Raises ValueError when k is negative.
    """
    if k < 0:
        raise ValueError(f"k is {k}; ask for 0 tracks or more")
    if not len(candidates):
        return []
    distance = np.linalg.norm(candidates.vad - target, axis=1)
    closeness = -0.5 * (distance / WIDTH) ** 2
    rng = np.random.default_rng(seed)
    belief = believe(taste.evidence, candidates.features, rng)
    worn = COOL_DOWN * _cooling(taste, candidates.features.ids) + SHOWN * candidates.shown
    usual = closeness + belief.mean - worn
    if len(taste.evidence) < TAUGHT:
        bold = lesson(taste.evidence, candidates.features, closeness + belief.mean) - worn
        bold += CHANCE * rng.random(len(bold))
        bold -= _all_but_best(bold, candidates)
    else:
        bold = closeness + belief.sample - worn
    chosen = _choose(usual, bold, candidates, k)
    return [
        Pick(
            index=i,
            distance=float(distance[i]),
            score=float((bold if explores else usual)[i]),
            reason=f"{_nearness(float(closeness[i]))} {mood}{_reason(i, candidates, taste, belief, explores=explores)}",
        )
        for i, explores in chosen
    ]


def lesson(evidence: Evidence, tracks: Features, expected: Floats) -> Floats:
    """Return how much a rating of each track (n,) would teach of others, 0 to 1: the part of its variance that is of
    genre and tone, most where like and dislike are as likely (after Houlsby et al. 2011, "Bayesian active learning
    for classification and preference learning")."""
    shared = uncertainty(evidence, tracks)
    whole = shared + ALONE
    taught: Floats = shared / whole * np.exp(-0.5 * (expected - EVEN) ** 2 / whole)
    return taught


def _all_but_best(scores: Floats, candidates: Candidates) -> Floats:
    """Return 0 for the best by `scores` (n,) of each genre, one of the lowest `use`, and 1 for the others: one rating
    tells of them all."""
    order = np.lexsort((-scores, candidates.use))
    others = np.ones(len(scores))
    others[order[np.unique(candidates.features.genres[order], return_index=True)[1]]] = 0
    return others


def _cooling(taste: Taste, ids: npt.NDArray[np.int64]) -> Floats:
    """Return how fresh each track (n,) is in the person's memory."""
    known = np.array(sorted(taste.cooling), np.int64)
    if not len(known):
        return np.zeros(len(ids))
    values = np.array([taste.cooling[track_id] for track_id in known.tolist()])
    places = np.searchsorted(known, ids).clip(max=len(known) - 1)
    return np.where(known[places] == ids, values[places], 0.0)


def _choose(usual: Floats, bold: Floats, candidates: Candidates, k: int) -> list[tuple[int, bool]]:
    """Fill the places from two orders, with tracks of each use in turn; what the artist cap passes over comes back when
    too few others of that use are left."""
    recordings, artists = candidates.recordings.tolist(), candidates.features.artists.tolist()
    taken: set[int] = set()
    heard: set[int] = set()

    def free(order: list[int]) -> Iterator[int]:
        for i in order:
            if i not in taken and recordings[i] not in heard:
                yield i

    chosen: list[tuple[int, bool]] = []
    per_artist: dict[int, int] = {}
    for use in np.unique(candidates.use):
        rows = np.flatnonzero(candidates.use == use)
        orders = [free(rows[np.argsort(-score[rows], kind="stable")].tolist()) for score in (usual, bold)]
        passed: list[int] = []
        while len(chosen) < k:
            explores = len(chosen) >= k - k // EXPLORED
            i = next(orders[explores], None)
            if i is None:
                break
            taken.add(i)
            heard |= {recordings[i]} - {0}
            if per_artist.get(artists[i], 0) >= ARTIST_CAP:
                passed.append(i)
                continue
            per_artist[artists[i]] = per_artist.get(artists[i], 0) + 1
            chosen.append((i, explores))
        chosen += [(i, False) for i in passed[: k - len(chosen)]]
    return chosen


def _nearness(closeness: float) -> str:
    near = np.exp(closeness)
    return "very close to" if near > 0.85 else "close to" if near > 0.5 else "at the edge of"


def _reason(i: int, candidates: Candidates, taste: Taste, belief: Belief, *, explores: bool) -> str:
    if int(candidates.features.ids[i]) in taste.liked_tracks:
        return "; you liked it"
    liked = taste.liked.get(int(candidates.features.artists[i]), 0)
    if liked and belief.artist[i] > 0:
        return f"; you liked {_number(liked)} by this artist"
    sides = {"tone": belief.tone[i], "genre": belief.genre[i], "company": belief.company[i], "artist": belief.artist[i]}
    side = max(sides, key=lambda name: float(sides[name]))
    if sides[side] > WORTH_NAMING:
        return f"; {_said_of(side, i, candidates, belief)}"
    if explores:
        return "; something new, to learn what you like"
    return ""


def _said_of(side: str, i: int, candidates: Candidates, belief: Belief) -> str:
    if side == "genre":
        genre = candidates.genres[candidates.features.genres[i]]
        return f"you tend to like {genre if len(genre) <= LONGEST_GENRE else f'{genre[: LONGEST_GENRE - 3]}...'}"
    if side == "company":
        return "people who like what you like play this artist"
    if side == "artist":
        return "you let this artist play to the end"
    features = candidates.features
    return f"{_tone(features.offsets[i], belief.slopes[features.emotions[i]])}, as you tend to like it"


def _number(count: int) -> str:
    names = {1: "a track", 2: "two", 3: "three", 4: "four", 5: "five"}
    return names.get(count, f"{count} tracks")


def _tone(offset: Floats, slope: Floats) -> str:
    """Name the side on which a track differs from what the mood asks for in the way that is liked most."""
    names = (("brighter", "darker"), ("livelier", "calmer"), ("stronger", "softer"))
    side = int(np.argmax(offset * slope))
    return names[side][int(offset[side] < 0)]
