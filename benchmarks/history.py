"""Time history and journal on the catalogue that DATABASE_URL names: python benchmarks/history.py [LISTENS] [CALLS]

A person with 5,000 captures in two years and so many listens of 5,000 tracks is made for it, and taken away afterwards
with everything that was theirs. Each page is asked for twice before it is timed; the second time its queries are
counted.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import django

# a script's own folder stands there, where the project is not found
sys.path[0] = str(Path(__file__).resolve().parent.parent)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from catalogue.models import Track  # noqa: E402
from detection.models import Capture, Source, Status  # noqa: E402
from emotune.emotions import EMOTIONS  # noqa: E402
from playlists.export_records import Music  # noqa: E402
from playlists.history import Filters, listens_page  # noqa: E402
from playlists.import_work import known_tracks  # noqa: E402
from playlists.listening import bulk_rate  # noqa: E402
from playlists.matching import TrackIndex  # noqa: E402
from playlists.models import Listen, Playlist  # noqa: E402

HEARD, RATED, CAPTURES = 5000, 1000, 5000
YEARS = timedelta(days=730)


def main(listens: int, calls: int) -> dict[str, object]:
    user, begin = User.objects.create_user(email="benchmark@example.org"), timezone.now() - YEARS
    try:
        fill(user, listens, begin)
        client = Client(headers={"host": settings.ALLOWED_HOSTS[0]})
        client.force_login(user)
        middle = place_of_the_middle(user, listens)
        # the last word: a synthetic catalogue begins every title with the same one
        word = Track.objects.order_by("-id").values_list("title", flat=True)[0].split()[-1]
        since, until = ((begin + timedelta(days=days)).date() for days in (365, 395))
        pages = {
            "first page": "/history/",
            "page in the middle": f"/history/?page={middle}",
            "words that many tracks hold": "/history/?q=a",
            "words that few tracks hold": f"/history/?q={word}",
            "words that no track holds": "/history/?q=zzzzqqqq",
            "emotion": "/history/?emotion=fear",
            "emotion and words in the middle": f"/history/?emotion=sad&q=a&page={middle}",
            "a month": f"/history/?since={since}&until={until}",
            "ratings": "/history/ratings/",
            "journal of 30 days": "/journal/?period=30-days&time_zone=Europe/Berlin",
            "journal of a year": "/journal/?period=year&time_zone=Europe/Berlin",
            "journal of all": "/journal/?period=all&time_zone=Europe/Berlin",
            "journal of all by API": "/api/v1/me/journal?period=all&time_zone=Europe/Berlin",
        }
        figures: dict[str, object] = {"tracks": Track.objects.count(), "listens": listens, "captures": CAPTURES}
        figures |= {name: timed(partial(client.get, address), calls) for name, address in pages.items()}
    finally:
        user.delete()
    figures["index of the catalogue"] = timed(lambda: TrackIndex(known_tracks()), 3)
    index = TrackIndex(known_tracks())
    music = [Music(*row) for row in Track.objects.values_list("artist", "title")[:20_000]]
    figures["20,000 records matched by name"] = timed(lambda: [index.find(item) for item in music], 3)
    return figures


def fill(user: User, listens: int, begin: datetime) -> None:
    """Give somebody captures, playlists, listens and ratings in YEARS from `begin` on."""
    random = np.random.default_rng(50)
    tracks = list(Track.objects.order_by("id").values_list("id", flat=True))
    heard = random.choice(tracks, min(HEARD, len(tracks)), replace=False).tolist()
    often = np.minimum(random.zipf(1.2, listens) - 1, len(heard) - 1).tolist()
    captures = Capture.objects.bulk_create(
        Capture(
            user=user,
            source=Source.CAMERA,
            status=Status.DONE,
            emotion=EMOTIONS[int(read)],
            chosen=EMOTIONS[n % 7] if n % 8 == 0 else "",
            created_at=begin + YEARS * n / CAPTURES,
        )
        for n, read in enumerate(random.integers(0, len(EMOTIONS), CAPTURES))
    )
    playlists = Playlist.objects.bulk_create(
        Playlist(user=user, capture=captures[5 * n], emotion=captures[5 * n].mood, seed=n) for n in range(1000)
    )
    rows = (
        Listen(
            user=user,
            track_id=heard[often[n]],
            playlist=playlists[n // 10 % len(playlists)] if n % 2 else None,
            source="audio",
            listened_at=begin + timedelta(seconds=600 * n * 100_000 / listens),
        )
        for n in range(listens)
    )
    Listen.objects.bulk_create(rows, batch_size=5000)
    bulk_rate(user=user, track_ids=heard[:RATED], value=1)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def place_of_the_middle(user: User, listens: int) -> str:
    row = Listen.objects.filter(user=user).order_by("-listened_at", "-id")[listens // 2]
    first = listens_page(user, Filters()).older
    return first.replace(first.split("-")[1], str(int(row.listened_at.timestamp() * 1e6)))


def timed(job: Callable[[], object], calls: int) -> dict[str, float]:
    """Time so many calls, after two that are not: one warms up, one counts queries, which keeps each as text."""
    wall, cpu = [], []
    job()
    with CaptureQueriesContext(connection) as seen:
        job()
    queries = len(seen)  # the next request empties the list
    for _ in range(calls):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        answer = job()
        wall.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - begin_cpu)
        assert getattr(answer, "status_code", 200) == 200, answer
    p50, p95 = np.percentile(wall, [50, 95]) * 1000
    return {
        "p50_ms": round(float(p50), 1),
        "p95_ms": round(float(p95), 1),
        "cpu_ms": round(float(np.median(cpu)) * 1000, 1),
        "queries": queries,
    }


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    print(json.dumps(main(*(given + [100_000, 30][len(given) :])), indent=1))
