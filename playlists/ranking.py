"""Rank candidate tracks for one person and one mood: arrays in, picks with reasons out."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ARTIST_CAP = 2
# Weights of what speaks for a track beside its closeness, which lies in 0..1.
LIKED_TRACK = 0.25
LIKED_ARTIST = 0.30
FRESHNESS = 0.60
EXPLORATION = 0.12


@dataclass(frozen=True)
class Candidates:
    """Tracks that fit an emotion: parallel sequences of length n; `distance` is (n,), to the emotion's centroid."""

    ids: tuple[int, ...]
    distance: Floats
    artists: tuple[str, ...]
    spotify_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Taste:
    """What is known of a person: ratings by track id (1 or -1) and by artist (their sum), and tracks played lately."""

    tracks: dict[int, int] = field(default_factory=dict)
    artists: dict[str, int] = field(default_factory=dict)
    recent: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Pick:
    """One ranked track: its place in the candidates, its score and why it was picked, in words."""

    index: int
    score: float
    reason: str


def rank(candidates: Candidates, taste: Taste, *, emotion: str, k: int, seed: int) -> list[Pick]:
    """Return at most k picks, best first; the same arguments give the same picks.

    Disliked tracks are left out; a track played lately gives way to others; at most ARTIST_CAP tracks are by one
    artist (the cap yields when nothing else is left), and no Spotify id comes twice. A small seeded noise lets tracks
    of nearly equal score take turns. Raises ValueError when k is negative.
    """
    if k < 0:
        raise ValueError(f"k is {k}; ask for 0 tracks or more")
    if not len(candidates):
        return []
    closeness = _closeness(candidates.distance)
    scores = closeness + _taste_bonus(candidates, taste)
    scores = scores + EXPLORATION * np.random.default_rng(seed).gumbel(size=len(candidates))
    order = np.argsort(-scores, kind="stable")
    chosen = _choose(order.tolist(), candidates, taste, k)
    return [Pick(i, float(scores[i]), _reason(i, closeness[i], candidates, taste, emotion)) for i in chosen]


def _closeness(distance: Floats) -> Floats:
    """Map distances to 0..1 by a Gaussian whose width is the median distance; 1 is the centroid itself."""
    width = max(float(np.median(distance)), 1e-6)
    closeness: Floats = np.exp(-0.5 * (distance / width) ** 2)
    return closeness


def _taste_bonus(candidates: Candidates, taste: Taste) -> Floats:
    by_track = np.array([taste.tracks.get(i, 0) for i in candidates.ids], np.float64)
    by_artist = np.array([taste.artists.get(a, 0) for a in candidates.artists], np.float64)
    recent = np.array([i in taste.recent for i in candidates.ids], np.float64)
    bonus: Floats = LIKED_TRACK * by_track + LIKED_ARTIST * np.tanh(by_artist / 2) - FRESHNESS * recent
    return bonus


def _choose(order: list[int], candidates: Candidates, taste: Taste, k: int) -> list[int]:
    """Walk down the order; what the artist cap passes over comes back, in order, when too few others are left."""
    chosen: list[int] = []
    passed: list[int] = []
    per_artist: dict[str, int] = {}
    spotify: set[str] = set()
    for i in order:
        if len(chosen) == k:
            return chosen
        spotify_id, artist = candidates.spotify_ids[i], candidates.artists[i]
        if taste.tracks.get(candidates.ids[i], 0) < 0 or (spotify_id and spotify_id in spotify):
            continue
        spotify.add(spotify_id)
        if per_artist.get(artist, 0) >= ARTIST_CAP:
            passed.append(i)
            continue
        per_artist[artist] = per_artist.get(artist, 0) + 1
        chosen.append(i)
    return chosen + passed[: k - len(chosen)]


def _reason(index: int, closeness: float, candidates: Candidates, taste: Taste, emotion: str) -> str:
    near = "very close to" if closeness > 0.85 else "close to" if closeness > 0.5 else "on the edge of"
    words = f"{near} {emotion}"
    if taste.tracks.get(candidates.ids[index], 0) > 0:
        return f"{words}; you liked it"
    if taste.artists.get(candidates.artists[index], 0) > 0:
        return f"{words}; you liked this artist"
    return words
