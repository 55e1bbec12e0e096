"""Random calls of build_playlist on a real PostgreSQL: what holds for one playlist holds for all.

A thousand are made with the slow tests, the same each time; RANDOM_CALLS=10000 in the environment makes ten thousand
other ones.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.prepared import MIGRATED
from tests.servers import ROOT, environment

RANDOM_CALLS = """
import json, os, uuid
import numpy as np
from django.db import transaction
from hypothesis import given, settings, strategies as st
from catalogue.models import Clustering, Track
from detection.models import Capture, Source, Status
from emotune.emotions import ANCHORS, EMOTIONS
from playlists.listening import bulk_rate, never_again
from playlists.models import Playlist
from playlists.services import build_playlist, recommend
from tests.factories import make_user

rng = np.random.default_rng(0)
tracks = []
for n in range(7 * 400):
    code = n % 7
    vad = np.array(ANCHORS[code]) + rng.normal(0, 0.8, 3)
    tracks.append(Track(
        key=f"t{n}", title=f"Title {n}", artist=f"Artist {rng.integers(500)}", genre=f"genre {rng.integers(9)}",
        spotify_id=f"{rng.integers(2500):022d}", emotion=EMOTIONS[code], distance=0.0,
        valence=vad[0], arousal=vad[1], dominance=vad[2],
    ))
Track.objects.bulk_create(tracks)
Clustering.objects.create(
    method="kmeans", state="active", centroids=dict(zip(EMOTIONS, map(list, ANCHORS), strict=True))
)
users = [make_user() for _ in range(4)]
for user in users[1:]:
    rated = rng.choice([track.id for track in tracks], 60, replace=False).tolist()
    bulk_rate(user=user, track_ids=rated[:40], value=1)
    bulk_rate(user=user, track_ids=rated[40:], value=-1)
never_again(user=users[3], track=tracks[0])
calls = 0
COLUMNS = "track_id", "track__spotify_id", "track__artist", "track__emotion"

@settings(
    max_examples=int(os.environ["CALLS"]), deadline=None, database=None, derandomize="RANDOM_CALLS" not in os.environ
)
@given(
    user=st.sampled_from(users), emotion=st.sampled_from(EMOTIONS), chosen=st.booleans(), number=st.integers(0, 2**64),
    shares=st.lists(st.floats(0, 1), min_size=7, max_size=7),
)
def check(user, emotion, chosen, number, shares):
    global calls
    calls += 1
    scores = {name: share for name, share in zip(EMOTIONS, shares)} | {emotion: 1.5}
    capture = Capture(
        id=uuid.UUID(int=number), user=user, source=Source.CAMERA, status=Status.DONE, emotion=emotion, scores=scores,
        chosen=emotion if chosen else "",
    )
    def made():
        with transaction.atomic():
            capture.save(force_insert=True)
            playlist = build_playlist(capture=capture)
            rows = list(playlist.entries.values_list(*COLUMNS))
            transaction.set_rollback(True)
        return rows
    rows = made()
    assert len(rows) == 15 == len({row[0] for row in rows}) == len({row[1] for row in rows}), rows
    assert max(np.unique([row[2] for row in rows], return_counts=True)[1]) <= 2, rows
    assert {row[3] for row in rows} == {emotion}
    assert rows == made()

check()
print(json.dumps({"calls": calls, "left": Playlist.objects.count()}))
"""


MANY = int(os.environ.get("RANDOM_CALLS", "1000"))


@pytest.mark.parametrize("calls", [25, pytest.param(MANY, marks=pytest.mark.short)])
def test_random_calls_give_fifteen_different_tracks_at_most_two_by_an_artist_and_the_same_again(
    calls, postgres, tmp_path
):
    env = environment(tmp_path, DATABASE_URL=postgres.url("calls", like=MIGRATED), CALLS=str(calls))
    command = [sys.executable, "manage.py", "shell", "--verbosity=0", "--command", RANDOM_CALLS]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["calls"] >= calls
    assert found["left"] == 0
