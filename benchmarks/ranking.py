"""Time build_playlist on the catalogue that DATABASE_URL names: python benchmarks/ranking.py [CALLS]

A person with 60 ratings is made for it, and taken away afterwards with everything that was theirs.
"""

import json
import os
import sys
import time
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
from playlists.listening import rate  # noqa: E402
from playlists.services import build_playlist  # noqa: E402

RATINGS = 60


def main(calls: int) -> dict[str, float]:
    user = User.objects.create_user(email="benchmark@example.org")
    try:
        tracks = Track.objects.filter(emotion__in=EMOTIONS).order_by("id")[: RATINGS * 50 : 50]
        for n, track in enumerate(tracks):
            rate(user=user, track=track, value=1 if n % 3 else -1)
        wall, cpu, queries = [], [], set()
        for n in range(calls):
            capture = Capture.objects.create(
                user=user, source=Source.NAMED, status=Status.DONE, chosen=EMOTIONS[n % len(EMOTIONS)]
            )
            with CaptureQueriesContext(connection) as seen:
                begin, begin_cpu = time.perf_counter(), time.process_time()
                build_playlist(capture=capture)
                wall.append(time.perf_counter() - begin)
                cpu.append(time.process_time() - begin_cpu)
            queries.add(len(seen))
    finally:
        user.delete()
    return {
        "tracks": Track.objects.count(),
        "calls": calls,
        "p50_ms": round(1000 * float(np.percentile(wall, 50)), 1),
        "p95_ms": round(1000 * float(np.percentile(wall, 95)), 1),
        "cpu_p50_ms": round(1000 * float(np.percentile(cpu, 50)), 1),
        "fewest_queries": min(queries),
        "most_queries": max(queries),
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)))
