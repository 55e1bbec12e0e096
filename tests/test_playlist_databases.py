"""Playlists on a real PostgreSQL: of two tabs the last word stands, once, without an error; and how one is stored."""

import json

import pytest

from playlists.profiles import LISTENED, SKIPPED
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

STORED = """
import json
from uuid import uuid4
from django.db import IntegrityError, transaction
from detection.models import Capture
from emotune.api.problems import refers_to_nothing
from emotune.errors import Gone
from playlists.models import Playlist
from playlists.storing import Place, Way, find, store
from tests.factories import make_capture, make_track, make_user

def rows(playlist):
    return list(playlist.entries.values_list("rank", "track_id", "distance", "score", "reason"))

user, one, two, gone = make_user(), make_track(), make_track(), make_track()
capture = make_capture(user)
places = [Place(track.id, 0.1 + 0.2, -1 / 3, 'it is "sad", 100 %: \u00e9') for track in (two, gone, one)]
gone.delete()
wish = Way(user, capture, "sad", 5)
journeys = [Way(user, of, "sad", 5, "happy", 7) for of in (capture, None)]
found = {"before": [find(wish)[0], *(find(way)[0] for way in journeys)]}
first = store(None, wish, places, [1.5, 2, 3])
with transaction.atomic():  # as who looked before the first one was there
    found["again"] = store(None, wish, places[:1], None) == first
    found["rows"] = rows(first)
stored = Playlist.objects.get(pk=first.pk)
found["same"] = [
    getattr(stored, field.attname) == getattr(first, field.attname) for field in Playlist._meta.concrete_fields
]
made = [store(None, way, [], None) for way in journeys]
found["empty"] = [find(way) == (playlist, False) for way, playlist in zip(journeys, made, strict=True)]
filled = [store(playlist, way, places[2:], None) for way, playlist in zip(journeys, made, strict=True)]
found["filled"] = [find(way) == (playlist, True) for way, playlist in zip(journeys, filled, strict=True)]
found["lists"] = [[row[:2] for row in rows(playlist)] for playlist in filled]
found |= {"tracks": [one.id, two.id], "all": Playlist.objects.count(), "gone": []}
Capture.objects.all().delete()  # by another process, after it was looked up here
for empty, way in ((None, wish), (None, journeys[0]), (made[0], journeys[0])):
    try:
        store(empty, way, places)
    except Gone as error:
        found["gone"].append(error.message)
def refers_to_nothing_after(playlist):
    try:
        with transaction.atomic():
            playlist.save()
    except IntegrityError as error:
        return refers_to_nothing(error)

taken = Playlist(user=user, emotion="sad", wanted="happy", asked=7, seed=5)
found["refers"] = [
    refers_to_nothing_after(Playlist(user=user, capture_id=uuid4(), emotion="sad", seed=1)),
    refers_to_nothing_after(taken),
]
print(json.dumps(found | {"left": Playlist.objects.count()}))
"""


ACTS = """
import json
from playlists.company_work import _acts, _people_who_count
from playlists.loading import columns
from playlists.models import Listen, Rating, Skip
from tests.factories import make_track, make_user

user, other = make_user(), make_user()
mine, theirs = make_track(artist="Mine"), make_track(artist="Theirs")
Rating.objects.create(user=user, track=mine, value=-1)
Listen.objects.create(user=user, track=theirs, source="audio")
Skip.objects.bulk_create([Skip(user=user, track=mine) for _ in range(3)])
Skip.objects.bulk_create([Skip(user=other, track=mine) for _ in range(4)])
kept = columns()
acts, names = _acts(kept), {int(kept.artist[row]): name for row, name in (
    (kept.rows_of([track.id])[0][0], track.artist) for track in (mine, theirs)
)}
rows = zip(acts.people.tolist(), acts.artists.tolist(), acts.values.tolist(), strict=True)
print(json.dumps({
    "count": _people_who_count(),
    "acts": [["user" if person == user.id else "other", names[artist], value] for person, artist, value in rows],
}))
"""

WORDS = """
import json
from detection.models import Source, Status
from playlists.listening import bulk_rate, rate, restore_ratings
from playlists.models import Rating
from playlists.profiles import earlier_words
from playlists.submissions import record_submission
from tests.factories import make_capture, make_track, make_user

user = make_user()
for status, chosen in ((Status.UNSURE, ""), (Status.UNSURE, "happy"), (Status.DONE, "")):
    make_capture(user, source=Source.CAMERA, emotion="sad", status=status, chosen=chosen)
tracks = [make_track() for _ in range(3)]
rated = bulk_rate(user=user, track_ids=[track.id for track in tracks], value=1)
rate(user=user, track=tracks[0], value=1)
make_track(artist="e7's & A & B-c", title="Title")
sent = [
    {"listened_at": 1_700_000_000,
     "track_metadata": {"artist_name": f"The \u00c9{n}\u2019s and A & B-C feat. D", "track_name": "Title"}}
    for n in range(1000)
]
print(json.dumps({
    "found": record_submission(user=user, kind="import", payload=sent).new,
    "words": sorted(earlier_words(make_capture(user))),
    "changed": restore_ratings(user=user, rated=rated),
    "left": list(Rating.objects.values_list("track", flat=True)) == [tracks[0].id],
}))
"""

READ_AGAINST = """
import json
from datetime import UTC, datetime, timedelta
from django.db import connection
from playlists.listening import never_artist
from playlists.loading import columns
from playlists.models import Listen, Playlist
from playlists.moments import NUMBER, moment_of, number_of
from playlists.profiles import taste_of
from catalogue.models import Track
from tests.factories import make_capture, make_track, make_user

user, track, other = make_user(), make_track(valence=5), make_track(artist="The Same")
given_at = datetime(2026, 1, 1, tzinfo=UTC)
for days, valence in enumerate((4, 3)):
    playlist = Playlist.objects.create(
        user=user, capture=make_capture(user), emotion="sad", seed=1, target=[valence, 5, 5]
    )
    Playlist.objects.filter(pk=playlist.pk).update(created_at=given_at + timedelta(days=days))
    playlist.entries.create(track=track, rank=1, distance=0, score=0, reason="")
never_artist(user=user, artist="The Same")
Track.objects.filter(pk=other.pk).update(artist="Same, The")
moments = [given_at + timedelta(microseconds=n) for n in (-1, 0, 1, 123456, 86399999999, 86400000000)]
offsets, numbers = [], []
for moment in moments:
    Listen.objects.all().delete()
    Listen.objects.create(user=user, track=track, source="api", listened_at=moment)
    taste = taste_of(user, columns())
    offsets.append(round(taste.evidence.tracks.offsets[0][0], 3))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {NUMBER[connection.vendor].format('listened_at')} FROM playlists_listen")
        numbers += cursor.fetchone()
print(json.dumps({
    "offsets": offsets,
    "same": [numbers == [number_of(moment) for moment in moments], [moment_of(each) for each in numbers] == moments],
    "banned": len(taste.banned_artists),
}))
"""

ENDED = """
import json
from concurrent.futures import ThreadPoolExecutor, wait
from django.db import connection, transaction
from emotune import jobs
from playlists.models import HistoryImport, Listen
from tests.factories import make_track, make_user

user, track = make_user(), make_track()
job = HistoryImport.objects.create(user=user, name="listens.zip", task="import", file="listens.zip")
found = {}

def end():
    try:
        return jobs._finish(HistoryImport.objects.get(), jobs.JobState.FAILED, jobs.GAVE_UP)
    finally:
        connection.close()

with jobs.running(job) as run, ThreadPoolExecutor(1) as pool:
    with transaction.atomic():
        run.hold()
        ending = pool.submit(end)
        found["ended"] = len(wait([ending], timeout=1).done)
        Listen.objects.create(user=user, track=track, source="lastfm", imported=job)
    found["ended then"] = ending.result(timeout=60)
    with transaction.atomic():
        Listen.objects.create(user=user, track=track, source="lastfm", imported=job)
        run.hold()
    found["held again"] = True
print(json.dumps(found | {"left": Listen.objects.count(), "state": HistoryImport.objects.get().state}))
"""


@pytest.fixture
def env(postgres, tmp_path):
    return environment(tmp_path, DATABASE_URL=postgres.url("tabs", like=MIGRATED))


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def either_env(request, prepared, tmp_path):
    if request.param == "PostgreSQL":
        return request.getfixturevalue("env")
    prepared.lay(MIGRATED, tmp_path)
    return environment(tmp_path)


def test_ratings_of_two_tabs_end_in_the_last_ones_state(env):
    found = json.loads(manage("shell", "--verbosity=0", "--command", TWO_TABS, env=env))
    assert found["playlists"] == [1, 1]
    assert max(found["rows"]) <= 1
    assert found["ratings"] == [-1]
    assert found["never"] == 0


def test_a_playlist_is_stored_once_with_the_places_of_tracks_that_there_still_are(either_env):
    found = json.loads(manage("shell", "--verbosity=0", "--command", STORED, env=either_env))
    one, two = found["tracks"]
    assert found["before"] == [None, None, None]
    assert found["again"]
    said = [0.1 + 0.2, -1 / 3, 'it is "sad", 100 %: \u00e9']
    assert found["rows"] == [[1, two, *said], [2, one, *said]], "the place of the track that has gone is no gap"
    assert all(found["same"])
    assert found["empty"] == found["filled"] == [True, True]
    assert found["lists"] == [[[1, one]], [[1, one]]]
    assert found["all"] == 3
    assert found["gone"] == ["This was deleted while its playlist was made."] * 3
    assert found["left"] == 1
    assert found["refers"] == [True, False]


def test_what_all_people_did_is_counted_and_read_for_company(env):
    found = json.loads(manage("shell", "--verbosity=0", "--command", ACTS, env=env))
    assert found["count"] == 1, "the other one did too little"
    skips = [["user", "Mine", SKIPPED]] * 3 + [["other", "Mine", SKIPPED]] * 4
    assert found["acts"] == [["user", "Mine", -1], ["user", "Theirs", LISTENED], *skips]


def test_words_are_read_undo_spares_what_was_rated_since_and_a_thousand_names_are_looked_for(env):
    found = json.loads(manage("shell", "--verbosity=0", "--command", WORDS, env=env))
    assert found == {"found": 1, "words": [["sad", ""], ["sad", "happy"]], "changed": 1, "left": True}


def test_an_act_is_read_against_what_was_given_until_its_very_moment(either_env):
    found = json.loads(manage("shell", "--verbosity=0", "--command", READ_AGAINST, env=either_env))
    assert found == {"offsets": [0, 1, 1, 1, 1, 2], "same": [True, True], "banned": 1}


def test_whoever_ends_an_import_waits_for_a_batch_and_takes_it_back(either_env):
    found = json.loads(manage("shell", "--verbosity=0", "--command", ENDED, env=either_env))
    assert found == {"ended": 0, "ended then": True, "left": 0, "state": "failed"}
