"""Time playlists and journeys on the catalogue that DATABASE_URL names: python benchmarks/ranking.py [CALLS]

A person with 60 ratings is made for it, and another one who was given what was given last; both are taken away
afterwards with everything that was theirs. Every other mood is read off a face, the others are named. The catalogue's
columns are read once before: `load_s` and `columns_mb` say what that costs a process.

`python -m benchmarks.on_postgres FILE benchmarks/ranking.py [CALLS]` does it on a PostgreSQL of its own.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import django

# a script's own folder stands there, where the project is not found
sys.path[0] = str(Path(__file__).resolve().parent.parent)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
django.setup()

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from accounts.models import User  # noqa: E402
from catalogue.models import Track  # noqa: E402
from detection.models import Capture, Source, Status  # noqa: E402
from emotune.emotions import EMOTIONS  # noqa: E402
from playlists.columns import ROWWISE  # noqa: E402
from playlists.listening import bulk_rate  # noqa: E402
from playlists.loading import columns  # noqa: E402
from playlists.models import Playlist, PlaylistTrack  # noqa: E402
from playlists.ranking import SHOWN_PLACES  # noqa: E402
from playlists.services import LENGTH, build_journey, build_playlist  # noqa: E402

RATINGS = 60
# So many places of other people's playlists are looked through for what was given lately.
GIVEN = SHOWN_PLACES
COUNTED = 7


def main(calls: int) -> dict[str, float]:
    begin = time.perf_counter()
    kept = columns()
    figures = {
        "tracks": len(kept),
        "load_s": round(time.perf_counter() - begin, 2),
        "columns_mb": round(sum(getattr(kept, name).nbytes for name in ROWWISE) / 1e6, 1),
        "load_of_machine": os.getloadavg()[0],
    }
    user, other = (User.objects.create_user(email=f"{name}@example.org") for name in ("benchmark", "other"))
    try:
        give(other, kept.ids)
        tracks = Track.objects.filter(emotion__in=EMOTIONS).order_by("id").values_list("id", flat=True)
        rated = list(tracks[: RATINGS * 50 : 50])
        bulk_rate(user=user, track_ids=rated[::3], value=-1)
        bulk_rate(user=user, track_ids=sorted({*rated} - {*rated[::3]}), value=1)
        captures = [made(user, EMOTIONS[n % len(EMOTIONS)], is_read=n % 2 == 1) for n in range(calls)]
        wanted = dict(zip(EMOTIONS, EMOTIONS[1:] + EMOTIONS[:1], strict=True))
        figures |= timed("playlist", [partial(build_playlist, capture=capture) for capture in captures])
        figures |= timed(
            "journey",
            [partial(build_journey, capture=capture, wanted=wanted[capture.mood]) for capture in captures[:40]],
        )
    finally:
        user.delete()
        other.delete()
    return figures


def give(user: User, ids: npt.NDArray[np.int64]) -> None:
    """Give somebody playlists of any tracks, GIVEN places in all."""
    rng = np.random.default_rng(0)
    playlists = Playlist.objects.bulk_create(
        Playlist(user=user, emotion=EMOTIONS[0], wanted=EMOTIONS[1], asked=LENGTH, seed=seed)
        for seed in range(GIVEN // LENGTH)
    )
    PlaylistTrack.objects.bulk_create(
        PlaylistTrack(
            playlist=playlist, track_id=track_id, rank=rank, distance=0.5, score=0.1, reason="close to your mood"
        )
        for playlist in playlists
        for rank, track_id in enumerate(rng.choice(ids, LENGTH, replace=False, shuffle=False).tolist(), start=1)
    )


def made(user: User, mood: str, *, is_read: bool) -> Capture:
    if not is_read:
        return Capture.objects.create(user=user, source=Source.NAMED, status=Status.DONE, chosen=mood)
    scores = {name: 0.6 if name == mood else 0.4 / (len(EMOTIONS) - 1) for name in EMOTIONS}
    return Capture.objects.create(user=user, source=Source.CAMERA, status=Status.DONE, emotion=mood, scores=scores)


def timed(name: str, jobs: list[Callable[[], object]]) -> dict[str, float]:
    """Count the queries of the first COUNTED jobs, and time the others: counting keeps every statement as text."""
    wall, cpu, queries = [], [], []
    for job in jobs[:COUNTED]:
        with CaptureQueriesContext(connection) as seen:
            job()
        queries.append(len(seen))
    for job in jobs[COUNTED:]:
        begin, begin_cpu = time.perf_counter(), time.process_time()
        job()
        wall.append(1000 * (time.perf_counter() - begin))
        cpu.append(1000 * (time.process_time() - begin_cpu))
    return {
        f"{name}_p50_ms": round(float(np.percentile(wall, 50)), 1),
        f"{name}_p95_ms": round(float(np.percentile(wall, 95)), 1),
        f"{name}_cpu_p50_ms": round(float(np.percentile(cpu, 50)), 1),
        f"{name}_fewest_queries": min(queries),
        f"{name}_most_queries": max(queries),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100), indent=1))
