"""Playlists and ratings as services: made once, the last word wins."""

import pytest

from catalogue.models import Track
from detection.models import Source, Status
from emotune.errors import InvalidInput
from playlists.models import Playlist, Rating
from playlists.services import build_playlist, rate, recommend, record_listen
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


@pytest.mark.parametrize(("emotion", "k"), [("joy", 15), ("sad", 0), ("sad", 101)])
def test_it_rejects_what_cannot_be_recommended(emotion, k):
    with pytest.raises(InvalidInput):
        recommend(emotion=emotion, k=k)


def test_the_number_of_queries_does_not_grow_with_the_catalogue(django_assert_max_num_queries):
    user = make_user()
    for _ in range(60):
        rate(user=user, track=make_track("sad"), value=1)
    with django_assert_max_num_queries(12):
        build_playlist(capture=make_capture(user))


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


def test_a_listen_is_kept_with_its_source():
    user, track = make_user(), make_track()
    assert record_listen(user=user, track=track, source="audio") in user.listens.all()
    with pytest.raises(InvalidInput):
        record_listen(user=user, track=track, source="radio")
