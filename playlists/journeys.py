"""Journeys: a playlist that walks in even steps from one mood to another, after music therapy's iso principle."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Codes = npt.NDArray[np.intp]

# Moods may lie so near to each other that ten steps would be too short to hear; then there are fewer.
SHORTEST_STEP = 0.25
# A way of fewer stops is hardly one: rather uneven steps than these few, unless the moods are too near for more.
FEWEST = 5
# So many tracks are weighed for a step, of which at most so many share one point.
PER_STEP = 120
PER_POINT = 1
# Of a single step, which may be as short as two moods are near, as many more as there are pairs to find it in.
PER_END = 800
# Steps more uneven than this, and ends further from their moods, cost more than everything else together.
UNEVEN, FAR_END = 0.24, 0.45
FORBIDDEN = 100.0
SAME_ARTIST = 0.5
CHANCE = 0.02


@dataclass(frozen=True)
class Stops:
    """Tracks that a journey may stop at: parallel sequences of length n; `vad` is (n, 3) on the 1-9 scale, `liking`
    (n,) about -1 to 1 what the person is expected to think of each, `recordings` the same number for the same Spotify
    id, 0 for none."""

    vad: Floats
    artists: Codes
    recordings: npt.NDArray[np.int64]
    liking: Floats


def waypoints(start: Floats, end: Floats, k: int) -> Floats:
    """Return at most k points, (m, 3), in even steps from `start` to `end`, both (3,) and included.

    There are fewer where a step would be shorter than SHORTEST_STEP. Raises ValueError for k under 2.
    """
    if k < 2:
        raise ValueError(f"k is {k}; a journey has 2 stops or more")
    length = float(np.linalg.norm(end - start))
    steps = max(1, min(k - 1, int(length / SHORTEST_STEP)))
    shares = np.linspace(0, 1, steps + 1)[:, None]
    points: Floats = start + shares * (end - start)
    return points


@dataclass(frozen=True)
class Plan:
    """A journey: `stops` are indexes of tracks, `points` (m, 3) what each of them stands for."""

    points: Floats
    stops: list[int]


def plan(start: Floats, end: Floats, stops: Stops, *, k: int, seed: int) -> Plan:
    """Return a journey of at most k stops from `start` to `end`, both (3,); the same arguments give the same one.

    Where the catalogue is too sparse for steps that differ from even ones by less than a quarter, it makes fewer and
    longer ones, but not fewer than FEWEST stops: of those, where none are even, it takes the most even one. Raises
    ValueError for k under 2.
    """
    most = len(waypoints(start, end, k))
    tried: list[tuple[float, Plan]] = []
    for count in range(most, min(FEWEST, most) - 1, -1):
        points = waypoints(start, end, count)
        made = Plan(points, walk(points, stops, seed=seed))
        tried.append((unevenness(points, stops.vad[made.stops]), made))
        if tried[-1][0] < UNEVEN:
            break
    return min(tried, key=lambda each: each[0])[1]


def unevenness(points: Floats, visited: Floats) -> float:
    """Return by what share the step between two visited stops (m, 3) differs most from the even one of `points`
    (n, 3); 1 where a stop is missing."""
    if len(visited) < len(points):
        return 1.0
    even = max(float(np.linalg.norm(points[1] - points[0])), 1e-9)
    return float(np.abs(np.linalg.norm(np.diff(visited, axis=0), axis=1) / even - 1).max())


def walk(points: Floats, stops: Stops, *, seed: int) -> list[int]:
    """Return for each of the points (m, 3) the index of a stop near it, so that the steps between stops are even.

    Of all walks through the stops nearest to the points, it is the one with the least uneven steps, found by dynamic
    programming (Viterbi 1967); liking and a little chance, drawn by the seed, decide between walks that are as good.
    No track and no Spotify id comes twice. Points without any stop near them are left out.
    """
    rng = np.random.default_rng(seed)
    even = float(np.linalg.norm(points[1] - points[0]))
    layers = [rows for rows in _layers(points, stops, rng) if len(rows)]
    if not layers:
        return []
    away = np.linalg.norm(stops.vad[:, None] - points, axis=2).min(axis=1)
    from_start, to_end = np.linalg.norm(stops.vad[:, None] - points[[0, -1]], axis=2).T
    own = 0.3 * (away / max(even, SHORTEST_STEP)) ** 2 - 0.1 * stops.liking + CHANCE * rng.random(len(away))
    artist = stops.artists
    cost = own[layers[0]] + FORBIDDEN * np.maximum(from_start[layers[0]] - FAR_END, 0)
    back: list[Rows] = []
    for n, (before, now) in enumerate(pairwise(layers), start=1):
        step = np.linalg.norm(stops.vad[before][:, None] - stops.vad[now], axis=2) / max(even, 1e-9)
        price = (step - 1) ** 2 + FORBIDDEN * np.maximum(np.abs(step - 1) - 0.9 * UNEVEN, 0)
        price[before[:, None] == now] = np.inf
        total = cost[:, None] + price + SAME_ARTIST * (artist[before][:, None] == artist[now])
        back.append(total.argmin(axis=0))
        cost = total.min(axis=0) + own[now]
        if n == len(layers) - 1:
            cost = cost + FORBIDDEN * np.maximum(to_end[now] - FAR_END, 0)
    # one stop alone may be all that is near to two points
    return list(dict.fromkeys(_trace(layers, back, int(cost.argmin()))))


def _layers(points: Floats, stops: Stops, rng: np.random.Generator) -> list[Rows]:
    """Give each stop to its nearest point and each Spotify id to one stop; return the stops to weigh by point.

    Where there are two points they share the stops, for moods that lie close together have all of them in common.
    """
    if not len(stops.vad):
        return []
    order = rng.permutation(len(stops.vad))
    recordings = stops.recordings[order]
    # a track without a Spotify id is a recording of its own: numbers below every other
    alone = recordings == 0
    recordings = np.where(alone, recordings.min(initial=0) - 1 - np.arange(len(order)), recordings)
    # in the order that was drawn: the numbers of recordings are others in each process
    order = order[np.sort(np.unique(recordings, return_index=True)[1])]
    distance = np.linalg.norm(stops.vad[order][:, None] - points, axis=2)
    nearest = distance.argmin(axis=1)
    most = PER_STEP if len(points) > 2 else PER_END
    layers = []
    for n in range(len(points)):
        own = nearest == n if len(points) > 2 or len(order) < 2 else np.ones(len(order), np.bool_)
        mine = order[own][np.argsort(distance[own, n], kind="stable")]
        taken: dict[bytes, int] = {}
        kept = []
        for i in mine.tolist():
            point = stops.vad[i].tobytes()
            taken[point] = taken.get(point, 0) + 1
            if taken[point] <= PER_POINT:
                kept.append(i)
        layers.append(np.array(kept[:most], np.intp))
    return layers


def _trace(layers: list[Rows], back: list[Rows], last: int) -> list[int]:
    path = [last]
    for came_from in reversed(back):
        path.append(int(came_from[path[-1]]))
    return [int(rows[place]) for rows, place in zip(layers, reversed(path), strict=True)]
