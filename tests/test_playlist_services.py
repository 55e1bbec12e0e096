"""Playlists and ratings as services: made once, the last word wins."""

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services import set_preferences
from catalogue.models import Track
from detection.models import Source, Status
from detection.vision.pictures import UnreadablePicture
from detection.vision.reader import Reading
from emotune.emotions import BY_NAME
from emotune.errors import InvalidInput
from playlists.listening import never_again, rate, record_listen, record_skip
from playlists.loading import columns
from playlists.models import Listen, NeverAgain, Playlist, Rating, Skip
from playlists.profiles import LATEST, LISTENED, RATED, SKIPPED, taste_of
from playlists.ranking import RATING_NOISE
from playlists.services import build_playlist, mood_weights, real_ratings, recommend
from tests.factories import make_capture, make_track, make_user

pytestmark = pytest.mark.django_db


def test_a_playlist_has_fifteen_different_tracks_of_the_mood():
    for _ in range(40):
        make_track("sad")
        make_track("happy")
    playlist = build_playlist(capture=make_capture(make_user()))
    tracks = [entry.track for entry in playlist.entries.select_related("track")]
    assert len({track.id for track in tracks}) == 15
    assert {track.emotion for track in tracks} == {"sad"}
    assert [entry.rank for entry in playlist.entries.all()] == list(range(1, 16))


def test_it_is_made_once():
    make_track("sad")
    capture = make_capture(make_user())
    assert build_playlist(capture=capture) == build_playlist(capture=capture)
    assert Playlist.objects.count() == 1


def test_a_correction_brings_other_tracks_and_taking_it_back_the_first_ones():
    sad, happy = make_track("sad"), make_track("happy")
    capture = make_capture(make_user(), source=Source.CAMERA, emotion="sad", chosen="")
    first = build_playlist(capture=capture)
    capture.chosen = "happy"
    assert [entry.track for entry in build_playlist(capture=capture).entries.all()] == [happy]
    capture.chosen = ""
    assert build_playlist(capture=capture) == first
    assert [entry.track for entry in first.entries.all()] == [sad]


def test_it_rejects_a_capture_without_a_mood():
    capture = make_capture(make_user(), source=Source.CAMERA, status=Status.NO_FACE, chosen="")
    with pytest.raises(InvalidInput, match="no mood"):
        build_playlist(capture=capture)


def test_an_empty_catalogue_gives_an_empty_playlist():
    assert not build_playlist(capture=make_capture(make_user())).entries.exists()


def test_demonstration_and_unplayable_tracks_only_fill_up():
    real = [make_track("sad") for _ in range(10)]
    demo = [make_track("sad", spotify_id="", audio="a.mp3", origin=Track.Origin.DEMO) for _ in range(3)]
    linked = [make_track("sad", spotify_id="") for _ in range(5)]
    assert {item.track for item in recommend(emotion="sad", k=10)} == set(real)
    assert {item.track for item in recommend(emotion="sad", k=13)} == {*real, *demo}
    assert {item.track for item in recommend(emotion="sad", k=18)} == {*real, *demo, *linked}


@pytest.mark.parametrize("artist", [{}, {"artist": "The Same"}])
def test_what_fills_up_never_stands_in_the_place_of_a_track_that_can_be_played(artist):
    real = {make_track("sad", valence=BY_NAME["sad"].anchor[0] + 1.5, **artist) for _ in range(10)}
    for _ in range(30):
        make_track("sad", spotify_id="", audio="a.mp3", origin=Track.Origin.DEMO)
        make_track("sad", spotify_id="")
    found = given(k=12)
    assert set(found[:10]) == real
    assert {track.origin for track in found[10:]} == {Track.Origin.DEMO}


def test_who_never_asks_spotify_is_given_what_the_site_itself_can_play():
    user = make_user()
    there, both = [make_track("sad") for _ in range(20)], [make_track("sad", audio=f"{n}.mp3") for n in range(5)]
    assert set(given(user, k=25)) == {*there, *both}
    set_preferences(user=user, playback="own_only")
    user = get_user_model().objects.get(pk=user.pk)  # who remembers no preferences
    assert set(given(user, k=5)) == set(both)
    assert set(given(user, k=7)[:5]) == set(both)
    assert set(given(make_user(), k=25)) == {*there, *both}


@pytest.mark.parametrize(("emotion", "k"), [("joy", 15), ("sad", 0), ("sad", 101)])
def test_it_rejects_what_cannot_be_recommended(emotion, k):
    with pytest.raises(InvalidInput):
        recommend(emotion=emotion, k=k)


def test_the_number_of_queries_grows_neither_with_the_catalogue_nor_with_what_a_person_did():
    user = make_user()
    counts = []
    for _ in range(2):
        for _ in range(40):
            track = make_track("sad")
            rate(user=user, track=track, value=1)
            record_listen(user=user, track=track, source="audio")
            record_skip(user=user, track=track)
        capture = make_capture(get_user_model().objects.get(pk=user.pk))  # who remembers no preferences
        with CaptureQueriesContext(connection) as queries:
            build_playlist(capture=capture)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 18


def test_the_last_rating_counts_and_zero_takes_it_back():
    user, track = make_user(), make_track()
    rate(user=user, track=track, value=1)
    rate(user=user, track=track, value=-1)
    assert Rating.objects.get().value == -1
    rate(user=user, track=track, value=0)
    assert not Rating.objects.exists()


def test_it_rejects_a_rating_of_two():
    with pytest.raises(InvalidInput, match="1 \\(like\\)"):
        rate(user=make_user(), track=make_track(), value=2)


def test_a_liked_artist_comes_more_often_than_by_chance():
    tracks = [make_track("sad", distance=0.5) for _ in range(100)]
    user = make_user()
    rate(user=user, track=make_track("happy", artist=tracks[50].artist), value=1)
    places = []
    for asker in (None, user):
        lists = [[item.track for item in recommend(emotion="sad", user=asker, seed=seed)] for seed in range(30)]
        places.append(sum(tracks[50] in found for found in lists))
    assert places[1] > places[0]


def test_a_track_that_was_liked_is_given_with_that_reason_and_a_disliked_one_not_at_all():
    user, liked, disliked, other = make_user(), make_track(), make_track(), make_track()
    for track, value in ((liked, 1), (disliked, -1)):
        rate(user=user, track=track, value=value)
    reasons = {found.track: found.reason for found in recommend(emotion="sad", user=user)}
    assert reasons[liked].endswith("; you liked it")
    assert "you liked it" not in reasons[other]
    assert disliked not in reasons


def test_a_listen_is_kept_with_its_source():
    user, track = make_user(), make_track()
    assert record_listen(user=user, track=track, source="audio") in user.listens.all()
    with pytest.raises(InvalidInput):
        record_listen(user=user, track=track, source="radio")


def given(user=None, k=15, seed=0):
    return [item.track for item in recommend(emotion="sad", user=user, k=k, seed=seed)]


def test_never_again_is_kept_until_it_is_taken_back():
    user, track, other = make_user(), make_track("sad"), make_track("sad")
    assert never_again(user=user, track=track)
    assert never_again(user=user, track=track)
    assert given(user) == [other]
    assert set(given(make_user())) == {track, other}
    assert not never_again(user=user, track=track, undo=True)
    assert set(given(user)) == {track, other}


def test_never_again_ends_at_its_moment():
    user, track = make_user(), make_track("sad")
    never_again(user=user, track=track, until=timezone.now() + timedelta(days=30))
    assert given(user) == []
    NeverAgain.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert given(user) == [track]
    with pytest.raises(InvalidInput, match="has passed"):
        never_again(user=user, track=track, until=timezone.now())


def test_never_again_counts_for_the_same_recording_under_another_name():
    user = make_user()
    track, twin = make_track("sad", spotify_id="s" * 22), make_track("sad", spotify_id="s" * 22)
    never_again(user=user, track=track)
    assert twin not in given(user)


def test_whatever_was_banned_the_rest_of_the_emotion_fills_the_playlist():
    tracks = [make_track("sad") for _ in range(200)]
    user = make_user()
    for track in tracks[:170]:
        never_again(user=user, track=track)
    for track in tracks[170:180]:
        rate(user=user, track=track, value=-1)
    assert set(given(user, k=20)) == set(tracks[180:])


def test_a_playlist_without_tracks_is_filled_where_it_is_once_there_are_some():
    capture = make_capture(make_user(), chosen="sad")
    empty = build_playlist(capture=capture)
    Playlist.objects.update(target=None)
    track = make_track("sad")
    filled = build_playlist(capture=capture)
    filled.refresh_from_db()
    assert filled == empty
    assert filled.target is not None
    assert [entry.track_id for entry in filled.entries.all()] == [track.id]


def test_everything_never_again_gives_an_empty_playlist_and_no_error():
    user = make_user()
    for _ in range(3):
        never_again(user=user, track=make_track("sad"))
    assert not build_playlist(capture=make_capture(user)).entries.exists()


def test_undoing_restores_exactly_what_was_recommended_before():
    for n in range(60):
        make_track("sad", artist=f"Artist {n % 20}", genre=f"genre {n % 5}")
    user = make_user()
    rate(user=user, track=Track.objects.all()[3], value=1)
    before = recommend(emotion="sad", user=user)
    later = Track.objects.all()[17]
    rate(user=user, track=later, value=1)
    assert recommend(emotion="sad", user=user) != before
    rate(user=user, track=later, value=0)
    assert recommend(emotion="sad", user=user) == before


def test_what_is_skipped_comes_later_and_what_is_heard_is_liked_a_little():
    user = make_user()
    for n in range(40):
        make_track("sad", distance=0.5, artist=f"Artist {n % 4}", genre=f"genre {n % 4}")
    for track in Track.objects.filter(artist="Artist 1")[:5]:
        record_skip(user=user, track=track)
    for track in Track.objects.filter(artist="Artist 2")[:5]:
        record_listen(user=user, track=track, source="audio")
    assert Skip.objects.filter(user=user).count() == 5
    places = [[track.artist for track in given(user, k=6, seed=seed)] for seed in range(30)]
    counts = {name: sum(found.count(name) for found in places) for name in ("Artist 1", "Artist 2")}
    assert counts["Artist 2"] > counts["Artist 1"]


LONG_AGO = timezone.now() - timedelta(days=400)


def words_of(user):
    """What a person's acts say by track, less what closeness to the mood explains, which is nothing here."""
    evidence = taste_of(user, columns()).evidence
    return dict(zip(evidence.tracks.ids.tolist(), evidence.values.tolist(), strict=True))


def test_of_listens_and_skips_of_a_track_the_latest_speaks():
    user, passed, heard, liked = make_user(), make_track(), make_track(), make_track()
    for track, listened_at in ((passed, LONG_AGO), (heard, timezone.now())):
        Skip.objects.create(user=user, track=track, skipped_at=LONG_AGO + timedelta(days=200))
        record_listen(user=user, track=track, source="api", listened_at=listened_at)
    rate(user=user, track=liked, value=1)
    record_skip(user=user, track=liked)
    assert words_of(user) == {passed.id: SKIPPED, heard.id: LISTENED, liked.id: 1}


def many(number):
    return [make_track() for _ in range(number)]


def hear(user, tracks, since: datetime):
    Listen.objects.bulk_create(
        Listen(user=user, track=track, source="api", listened_at=since + timedelta(minutes=n))
        for n, track in enumerate(tracks)
    )


def test_a_skip_of_today_is_not_lost_to_what_was_heard_long_ago():
    user, skipped = make_user(), make_track()
    hear(user, many(LATEST), LONG_AGO)
    record_skip(user=user, track=skipped)
    words = words_of(user)
    assert len(words) == LATEST
    assert words[skipped.id] == SKIPPED


def test_the_latest_ratings_are_not_lost_to_what_was_heard_since():
    user, tracks, heard = make_user(), many(RATED + 2), many(LATEST)
    Rating.objects.bulk_create(
        Rating(user=user, track=track, value=1, rated_at=LONG_AGO + timedelta(minutes=n))
        for n, track in enumerate(tracks)
    )
    hear(user, heard, LONG_AGO + timedelta(days=1))
    record_listen(user=user, track=tracks[0], source="api")
    words = words_of(user)
    assert [words.get(track.id) for track in tracks] == [1, None] + [1] * RATED, "one of the others was heard again"
    assert {track.id for track in heard[RATED + 1 :]} == set(words) - {track.id for track in tracks}
    Listen.objects.all().delete()
    assert len(words_of(user)) == RATED + 2, "where there is room, all of them speak"


def give(user, track, valence):
    """Give a track in a playlist for a mood of that valence."""
    playlist = Playlist.objects.create(
        user=user, capture=make_capture(user), emotion="sad", seed=1, target=[valence, *BY_NAME["sad"].anchor[1:]]
    )
    playlist.entries.create(track=track, rank=1, distance=0, score=0, reason="")


def test_a_word_on_a_track_is_read_against_the_mood_for_which_it_was_given_before():
    user, track, other = make_user(), make_track("sad"), make_track("sad")
    valence = BY_NAME["sad"].anchor[0]
    give(make_user(), track, valence - 3)
    give(user, track, valence - 2)
    give(user, track, valence - 1)
    rate(user=user, track=track, value=1)
    give(user, track, valence + 1)
    Rating.objects.create(user=user, track=other, value=-1, rated_at=LONG_AGO)  # as an import brings it
    give(user, other, valence + 2)
    rated = taste_of(user, columns()).evidence
    assert rated.tracks.ids.tolist() == [track.id, other.id]
    assert rated.tracks.offsets == pytest.approx(np.array([[1, 0, 0], [0, 0, 0]]), abs=1e-6)
    assert rated.noise.tolist() == [RATING_NOISE] * 2
    (replayed,) = real_ratings(columns())
    assert replayed.values.tolist() == [-1, 1]
    assert np.isnan(replayed.targets[0]).all()
    assert replayed.targets[1].tolist() == pytest.approx([valence - 1, *BY_NAME["sad"].anchor[1:]])


def test_what_was_heard_is_read_against_the_mood_it_was_heard_in():
    user, track = make_user(), make_track("sad")
    valence = BY_NAME["sad"].anchor[0]
    given_at, moment = LONG_AGO.replace(microsecond=0), timedelta(microseconds=1)
    give(user, track, valence - 1)
    Playlist.objects.update(created_at=given_at)  # a moment without a fraction
    give(user, track, valence + 1)
    heard = {given_at - moment: 0, given_at: 1, given_at + moment: 1, timezone.now(): -1}
    for listened_at, offset in heard.items():
        record_listen(user=user, track=track, source="api", listened_at=listened_at)
        (found,) = taste_of(user, columns()).evidence.tracks.offsets.tolist()
        assert found == pytest.approx([offset, 0, 0], abs=1e-6)


def test_the_mood_is_the_whole_reading_unless_the_person_says_otherwise():
    scores = {"sad": 0.5, "neutral": 0.3, "happy": 0.2}
    read = make_capture(make_user(), source=Source.CAMERA, emotion="sad", chosen="", scores=scores)
    assert mood_weights(read) == scores
    read.chosen = "neutral"
    assert mood_weights(read) == pytest.approx({"sad": 0.25, "neutral": 0.65, "happy": 0.1})
    read.chosen = "fear"
    assert mood_weights(read) == {"fear": 1.0}
    assert mood_weights(make_capture(make_user(), chosen="angry")) == {"angry": 1.0}


def test_tracks_that_others_were_given_give_way():
    for _ in range(60):
        make_track("sad", distance=0.5)
    first = {entry.track for entry in build_playlist(capture=make_capture(make_user())).entries.all()}
    second = {entry.track for entry in build_playlist(capture=make_capture(make_user())).entries.all()}
    assert len(first & second) <= 5


def test_what_was_heard_or_given_long_ago_is_not_remembered():
    user, lately, long_ago = make_user(), make_track("sad"), make_track("sad")
    record_listen(user=user, track=lately, source="api", listened_at=timezone.now() - timedelta(days=3))
    record_listen(user=user, track=long_ago, source="api", listened_at=timezone.now() - timedelta(days=400))
    assert set(taste_of(user, columns()).cooling) == {lately.id}
    playlist = build_playlist(capture=make_capture(user))
    assert set(taste_of(user, columns()).cooling) == {lately.id, long_ago.id}
    Playlist.objects.filter(pk=playlist.pk).update(created_at=timezone.now() - timedelta(days=40))
    assert set(taste_of(user, columns()).cooling) == {lately.id}


def test_a_playlist_without_tracks_is_made_anew_and_says_why_it_has_none(client):
    user, nothing = make_user(), "The catalogue has no tracks for this mood"
    client.force_login(user)
    page = f"/captures/{make_capture(user).pk}/playlist/"
    assert nothing in client.get(page).content.decode()
    track = make_track("sad", artist="Somebody")
    assert "Somebody" in client.get(page).content.decode()
    never_again(user=user, track=track)
    later = f"/captures/{make_capture(user).pk}/playlist/"
    assert "You keep every track of this mood out." in client.get(later).content.decode()
    assert client.get("/api/v1/recommendations?emotion=sad").json()["tracks"] == []
    call_command("recommend", "--emotion", "sad", "--user", user.email, stderr=(words := StringIO()))
    assert "keeps every track for sad out" in words.getvalue()
    never_again(user=user, track=track, undo=True)
    assert "Somebody" in client.get(later).content.decode()


def recommended(monkeypatch, read):
    """Return the tracks that the command prints for a photograph, each with its distance, and its words on stderr."""
    monkeypatch.setattr("detection.reading.read_photograph", read)
    out, err = StringIO(), StringIO()
    call_command("recommend", "--image", "face.jpg", "--json", stdout=out, stderr=err)
    return [(row["track"], row["distance"]) for row in json.loads(out.getvalue())["tracks"]], err.getvalue()


@pytest.mark.parametrize(("status", "words"), [("done", ""), ("unsure", "The reader is not sure of sad (41%).\n")])
def test_the_command_plays_for_the_whole_reading_of_a_photograph_and_says_where_it_is_not_sure(
    monkeypatch, status, words
):
    for n in range(40):
        make_track("sad", valence=2 + n / 10)
    scores = {"sad": 0.41, "happy": 0.39, "neutral": 0.2}
    reading = Reading(status, "sad", 0.41, scores, 1, (0, 0, 9, 9), {}, "test", 1)
    found = recommended(monkeypatch, lambda _: reading)
    mixed, alone = (
        [(item.track.title, round(item.distance, 4)) for item in recommend(emotion="sad", weights=weights)]
        for weights in (scores, None)
    )
    assert mixed != alone
    assert found == (mixed, words)


def test_the_command_says_in_one_line_what_is_wrong_with_a_photograph(monkeypatch):
    def broken(file: Path) -> Reading:
        raise UnreadablePicture("This is no picture.")

    with pytest.raises(CommandError, match=r"^face\.jpg: This is no picture\.$"):
        recommended(monkeypatch, broken)
