"""The journal's sums: days and hours of the person's time zone, their own word first, nothing of what was deleted."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from detection.models import Status
from detection.services import choose_emotion, delete_capture
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from playlists.journal import MOST_HEARD, has_moods, journal_of, zone_names, zone_of
from playlists.models import Listen, Playlist
from tests.factories import make_capture, make_track, make_user

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
READ = {"source": "camera", "chosen": ""}


@pytest.fixture
def person():
    return make_user()


def counts(**numbers):
    return tuple(numbers.get(name, 0) for name in EMOTIONS)


def read(user, emotion, **fields):
    return make_capture(user, **{**READ, "emotion": emotion, "created_at": NOW, **fields})


def hear(capture, track, *, times=1, at=NOW, **fields):
    playlist, _ = Playlist.objects.get_or_create(
        user=capture.user, capture=capture, emotion=capture.mood, defaults={"seed": 1}
    )
    for n in range(times):
        moment = at - timedelta(minutes=n)
        Listen.objects.create(user=capture.user, track=track, playlist=playlist, source="audio", listened_at=moment)


def journal(user, *, period="year", zone="UTC", now=NOW):
    return journal_of(user, period=period, zone=zone_of(zone), now=now)


def test_a_day_and_an_hour_are_those_of_the_time_zone(person):
    read(person, "sad", created_at=datetime(2026, 11, 24, 23, 30, tzinfo=UTC))
    assert list(journal(person).days) == [date(2026, 11, 24)]
    for zone, day, hour in (
        ("Europe/Berlin", date(2026, 11, 25), 0),
        ("Asia/Kathmandu", date(2026, 11, 25), 5),
        ("America/Los_Angeles", date(2026, 11, 24), 15),
    ):
        found = journal(person, zone=zone)
        assert found.days == {day: counts(sad=1)}
        assert [n for n, row in enumerate(found.hours) if any(row)] == [hour]


def test_a_day_keeps_its_hours_when_the_clock_is_changed(person):
    """In Berlin the 25th of October 2026 had 25 hours: two o'clock came twice."""
    for hour in (0, 1):
        read(person, "happy", created_at=datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    found = journal(person, zone="Europe/Berlin")
    assert found.days == {date(2026, 10, 25): counts(happy=2)}
    assert found.hours[2] == counts(happy=2)


def test_a_period_ends_today_where_the_person_is(person):
    late = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    assert journal(person, zone="Pacific/Auckland", now=late).until == date(2026, 11, 26)
    found = journal(person, period="30-days", now=late)
    assert (found.since, found.until) == (date(2026, 10, 27), date(2026, 11, 25))


def test_a_period_leaves_earlier_days_out_and_all_begins_with_the_first(person):
    read(person, "sad", created_at=NOW - timedelta(days=400))
    read(person, "fear", created_at=NOW - timedelta(days=30))
    read(person, "happy", created_at=NOW - timedelta(days=29))
    assert [len(journal(person, period=name).days) for name in ("30-days", "year", "all")] == [1, 2, 3]
    assert journal(person, period="all").since == (NOW - timedelta(days=400)).date()
    with pytest.raises(InvalidInput, match="30-days, year, all"):
        journal(person, period="decade")


def test_the_persons_own_word_counts_before_the_readers(person):
    capture = read(person, "angry")
    choose_emotion(capture=capture, emotion="sad")
    read(person, "happy", status=Status.UNSURE)
    read(person, "happy", status=Status.UNSURE, chosen="fear")
    read(person, "", status=Status.NO_FACE)
    assert journal(person).days == {NOW.date(): counts(sad=1, fear=1)}
    choose_emotion(capture=capture, emotion="")
    assert journal(person).days == {NOW.date(): counts(angry=1, fear=1)}


def test_readings_stand_against_what_was_said(person):
    read(person, "neutral", chosen="sad")
    read(person, "neutral", chosen="sad")
    read(person, "happy", chosen="happy")
    read(person, "happy")
    read(person, "happy", status=Status.UNSURE, chosen="fear")
    read(person, "", status=Status.NO_FACE)
    make_capture(person, chosen="sad", created_at=NOW)
    found = journal(person).readings
    assert found.said == {("neutral", "sad"): 2, ("happy", "happy"): 1}
    assert found.stood == counts(happy=1)
    assert (found.read, found.corrected) == (4, 2)
    assert (found.named, found.unsure, found.no_face) == (1, 1, 1)


def test_what_was_heard_belongs_to_the_mood_that_the_capture_stands_for_now(person):
    capture, track = read(person, "happy"), make_track("happy")
    hear(capture, track)
    assert [(each.emotion, each.listens) for each in journal(person).heard] == [("happy", 1)]
    choose_emotion(capture=capture, emotion="sad")
    assert [(each.emotion, each.listens) for each in journal(person).heard] == [("sad", 1)]


def test_what_was_heard_for_a_mood_that_was_taken_back_has_none(person):
    capture, track = read(person, "happy", status=Status.UNSURE), make_track("sad")
    choose_emotion(capture=capture, emotion="sad")
    hear(capture, track, times=2)
    journey = Playlist.objects.create(user=person, capture=capture, emotion="sad", wanted="happy", asked=5, seed=1)
    earlier = NOW - timedelta(hours=1)
    Listen.objects.create(user=person, track=track, playlist=journey, source="audio", listened_at=earlier)
    found = journal(person)
    assert ([(each.emotion, each.listens) for each in found.heard], found.heard_without_mood) == ([("sad", 3)], 0)
    choose_emotion(capture=capture, emotion="")
    found = journal(person)
    assert (found.days, found.heard, found.heard_without_mood) == ({}, [], 3)


def test_tracks_and_artists_heard_most_come_first(person):
    capture, other = read(person, "happy"), read(person, "sad")
    tracks = [make_track("happy", artist=f"Artist {n % 2}") for n in range(MOST_HEARD + 2)]
    for n, track in enumerate(tracks):
        hear(capture, track, times=n + 1)
    hear(other, tracks[0], times=3, at=NOW - timedelta(hours=1))
    happy, sad = journal(person).heard
    assert [track for track, _ in happy.tracks] == tracks[:1:-1]
    assert [times for _, times in happy.tracks] == list(range(12, 2, -1))
    assert happy.artists == [("Artist 1", 42), ("Artist 0", 36)]
    assert (sad.emotion, sad.listens, sad.tracks) == ("sad", 3, [(tracks[0], 3)])


def test_a_journey_without_a_capture_belongs_to_where_it_began(person):
    journey = Playlist.objects.create(user=person, emotion="sad", wanted="happy", asked=5, seed=1)
    Listen.objects.create(user=person, track=make_track(), playlist=journey, source="audio", listened_at=NOW)
    assert [(each.emotion, each.listens) for each in journal(person).heard] == [("sad", 1)]


def test_what_was_heard_outside_playlists_has_no_mood(person):
    Listen.objects.create(user=person, track=make_track("sad"), source="lastfm", listened_at=NOW)
    found = journal(person)
    assert (found.heard, found.heard_without_mood) == ([], 1)


def test_nothing_of_a_deleted_capture_stays(person):
    capture = read(person, "happy", chosen="sad")
    hear(capture, make_track())
    delete_capture(capture=capture)
    found = journal(person)
    assert (found.days, found.heard, found.heard_without_mood) == ({}, [], 1)
    assert (found.readings.read, sum(map(sum, found.hours))) == (0, 0)
    assert not has_moods(person)


def test_a_deleted_listen_is_not_counted(person):
    hear(read(person, "happy"), make_track(), times=2)
    Listen.objects.earliest("id").delete()
    assert journal(person).heard[0].listens == 1


def test_nobody_elses_days_are_in_it(person):
    other = make_user()
    hear(read(other, "happy", chosen="sad"), make_track())
    assert journal(person, period="all").days == {}
    assert journal(person).heard == []
    assert has_moods(other)
    assert not has_moods(person)


def test_the_number_of_queries_does_not_grow(person):
    numbers = []
    for _ in range(2):
        for n in range(30):
            capture = read(person, EMOTIONS[n % 7], created_at=NOW - timedelta(days=11 * n))
            hear(capture, make_track(), at=NOW - timedelta(days=11 * n))
        with CaptureQueriesContext(connection) as queries:
            journal(person)
        numbers.append(len(queries))
    assert numbers == [7, 7]  # days, hours, readings, listens by mood, tracks, artists, the tracks themselves


@pytest.mark.parametrize("name", ["Nowhere/Land", "Etc/GMT+1", "localtime", "../etc/passwd", "\0", "x" * 500])
def test_it_rejects_a_time_zone_that_is_none(name):
    with pytest.raises(InvalidInput, match="no time zone"):
        zone_of(name)


def test_time_zones_are_named_after_places():
    assert zone_of("").key == zone_of(" UTC ").key == "UTC"
    assert {"Europe/Berlin", "Asia/Kolkata", "America/Argentina/Ushuaia"} < set(zone_names())
