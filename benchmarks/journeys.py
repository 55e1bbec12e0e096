"""Walk between random pairs of moods through the catalogue that DATABASE_URL names: benchmarks/journeys.py [PAIRS]

A mood is a random mixture of the seven emotions, as a reading is. Prints how many journeys keep what is promised: steps
that differ from even ones by a quarter at most, ends within 0.5 of their moods; and the worst of both.
"""

import json
import os
import sys
from pathlib import Path

import django

# a script's own folder stands there, where the project is not found
sys.path[0] = str(Path(__file__).resolve().parent.parent)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
django.setup()

import numpy as np  # noqa: E402

from emotune.emotions import EMOTIONS  # noqa: E402
from playlists.columns import NOWHERE, Columns  # noqa: E402
from playlists.journeys import Stops, plan, unevenness, waypoints  # noqa: E402
from playlists.loading import columns  # noqa: E402
from playlists.pool import along, as_candidates  # noqa: E402
from playlists.ranking import Taste  # noqa: E402

LENGTH = 10
EVEN, NEAR = 0.25, 0.5


def walk(catalogue: Columns, seed: int) -> tuple[float, float, int]:
    """Return how uneven a journey's steps are, how far its ends are from their moods, and how many stops it has."""
    rng = np.random.default_rng(seed)
    start, end = (rng.dirichlet(np.full(len(EMOTIONS), 0.5)) @ catalogue.centres for _ in range(2))
    rows = along(catalogue, waypoints(start, end, LENGTH), Taste(), seed=seed)
    found = as_candidates(catalogue, rows, NOWHERE, np.zeros(len(rows), np.bool_))
    stops = Stops(found.vad, found.features.artists, found.recordings, np.zeros(len(rows)))
    journey = plan(start, end, stops, k=LENGTH, seed=seed)
    visited = stops.vad[journey.stops]
    ends = np.linalg.norm(visited[[0, -1]] - [start, end], axis=1).max() if len(visited) else np.inf
    return unevenness(journey.points, visited), float(ends), len(journey.stops)


def main(pairs: int) -> dict[str, float]:
    catalogue = columns()
    steps, ends, stops = (np.array(found) for found in zip(*(walk(catalogue, n) for n in range(pairs)), strict=True))
    return {
        "tracks": len(catalogue),
        "pairs": pairs,
        "kept": int(((steps <= EVEN) & (ends <= NEAR)).sum()),
        "even": int((steps <= EVEN).sum()),
        "arrived": int((ends <= NEAR).sum()),
        "most_uneven": round(float(steps.max()), 3),
        "farthest_end": round(float(ends.max()), 3),
        "stops_mean": round(float(stops.mean()), 2),
        "stops_least": int(stops.min()),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000), indent=1))
