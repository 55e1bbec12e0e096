"""Time playlists and journeys on the catalogue that DATABASE_URL names: python benchmarks/ranking.py [CALLS]

A person with 60 ratings is made for it, and taken away afterwards with everything that was theirs. The catalogue's
columns are read once before: `load_s` and `columns_mb` say what that costs a process.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
django.setup()

import numpy as np  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from accounts.models import User  # noqa: E402
from catalogue.models import Track  # noqa: E402
from detection.models import Capture, Source, Status  # noqa: E402
from emotune.emotions import EMOTIONS  # noqa: E402
from playlists.columns import ROWWISE  # noqa: E402
from playlists.listening import bulk_rate  # noqa: E402
from playlists.loading import columns  # noqa: E402
from playlists.services import build_journey, build_playlist  # noqa: E402

RATINGS = 60
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
    user = User.objects.create_user(email="benchmark@example.org")
    try:
        tracks = Track.objects.filter(emotion__in=EMOTIONS).order_by("id").values_list("id", flat=True)
        rated = list(tracks[: RATINGS * 50 : 50])
        bulk_rate(user=user, track_ids=rated[::3], value=-1)
        bulk_rate(user=user, track_ids=sorted({*rated} - {*rated[::3]}), value=1)
        moods = [EMOTIONS[n % len(EMOTIONS)] for n in range(calls)]
        captures = [
            Capture.objects.create(user=user, source=Source.NAMED, status=Status.DONE, chosen=mood) for mood in moods
        ]
        wanted = dict(zip(EMOTIONS, EMOTIONS[1:] + EMOTIONS[:1], strict=True))
        figures |= timed("playlist", [lambda c=capture: build_playlist(capture=c) for capture in captures])
        figures |= timed(
            "journey", [lambda c=capture: build_journey(capture=c, wanted=wanted[c.mood]) for capture in captures[:40]]
        )
    finally:
        user.delete()
    return figures


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
