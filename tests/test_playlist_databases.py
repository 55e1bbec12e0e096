"""Two tabs at once on a real PostgreSQL: the last word stands, once, and nobody sees an error."""

import json

import pytest

from tests.prepared import MIGRATED
from tests.servers import environment, manage

TWO_TABS = """
import json
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from playlists.listening import bulk_rate, never_again, rate
from playlists.models import NeverAgain, Playlist, Rating
from playlists.services import build_playlist
from tests.factories import make_capture, make_track, make_user

user, track = make_user(), make_track("sad")
tracks = [track.id, *(make_track("happy").id for _ in range(20))]
capture = make_capture(user)

def tab(values):
    try:
        for value in values:
            rate(user=user, track=track, value=value)
            bulk_rate(user=user, track_ids=tracks[:: 1 if value else -1][: 12 + value], value=value)
            never_again(user=user, track=track, undo=value < 1)
        return build_playlist(capture=capture).id
    finally:
        connection.close()

with ThreadPoolExecutor(4) as pool:
    made = set(pool.map(tab, [[1, 0, -1] * 20, [-1, 0, 1] * 20, [0, 1, -1] * 20, [1, -1, 0] * 20]))
rows = Rating.objects.filter(track=track).count(), NeverAgain.objects.count()
bulk_rate(user=user, track_ids=tracks, value=0)
rate(user=user, track=track, value=-1)
never_again(user=user, track=track, undo=True)
print(json.dumps({
    "playlists": [len(made), Playlist.objects.count()],
    "rows": rows,
    "ratings": list(Rating.objects.values_list("value", flat=True)),
    "never": NeverAgain.objects.count(),
}))
"""


@pytest.fixture
def env(postgres, tmp_path):
    return environment(tmp_path, DATABASE_URL=postgres.url("tabs", like=MIGRATED))


def test_ratings_of_two_tabs_end_in_the_last_ones_state(env):
    found = json.loads(manage("shell", "--verbosity=0", "--command", TWO_TABS, env=env))
    assert found["playlists"] == [1, 1]
    assert max(found["rows"]) <= 1
    assert found["ratings"] == [-1]
    assert found["never"] == 0
