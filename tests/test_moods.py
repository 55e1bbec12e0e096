"""What a reading means for a person who puts readings right, and what that does to their playlists."""

import numpy as np
import pytest

from catalogue.models import Track
from detection.models import Source, Status
from emotune.emotions import BY_NAME
from playlists.models import Playlist
from playlists.moods import as_this_person, has_moved
from playlists.profiles import earlier_words
from playlists.services import build_journey, build_playlist
from tests.factories import make_capture, make_track, make_user

SAD = {"sad": 0.8, "neutral": 0.2}


def test_without_corrections_a_reading_means_what_it_says():
    assert as_this_person(SAD, []) == SAD
    assert as_this_person(SAD, [("sad", "")] * 50) == pytest.approx(SAD)
    assert not has_moved(SAD, as_this_person(SAD, [("happy", "sad")] * 9))


def test_each_correction_moves_a_reading_further_and_never_all_the_way():
    shares = [as_this_person(SAD, [("sad", "angry")] * n).get("angry", 0.0) for n in range(30)]
    assert shares == sorted(shares)
    assert shares[1] == pytest.approx(0.8 / 5)
    assert shares[29] < 0.8
    assert sum(as_this_person(SAD, [("sad", "angry")] * 5).values()) == pytest.approx(1)
    assert has_moved(SAD, as_this_person(SAD, [("sad", "angry")]))


def test_readings_that_were_let_stand_speak_against_corrections():
    corrected = [("sad", "angry")] * 2
    assert as_this_person(SAD, corrected + [("sad", "")] * 20)["angry"] < as_this_person(SAD, corrected)["angry"]


@pytest.fixture
def person(db):
    arousal = BY_NAME["sad"].anchor[1]
    for n in range(-60, 60):
        make_track("sad", distance=abs(n) / 40, arousal=arousal + n / 40)
    return make_user()


def heard(person):
    playlist = build_playlist(
        capture=make_capture(person, source=Source.CAMERA, emotion="sad", chosen="", scores={"sad": 1.0})
    )
    tracks = Track.objects.filter(id__in=playlist.entries.values("track_id"))
    mean = sum(track.arousal for track in tracks) / 15
    return mean, playlist


def test_corrections_move_later_playlists_and_taking_them_back_restores_them(person):
    before, plain = heard(person)
    assert plain.target == pytest.approx(list(BY_NAME["sad"].anchor))
    # what was played and shown meanwhile must not speak
    Playlist.objects.all().delete()
    corrections = [make_capture(person, source=Source.CAMERA, emotion="sad", chosen="angry") for _ in range(4)]
    after, moved = heard(person)
    assert after > before + 0.3  # angry lies 3 above sad in arousal
    assert "as you put readings right before" in moved.entries.first().reason
    Playlist.objects.all().delete()
    for capture in corrections:
        capture.chosen = ""
        capture.save()
    again = heard(person)[1]
    assert again.target == pytest.approx(plain.target)
    assert "as you put readings right" not in again.entries.first().reason


def test_a_journey_begins_where_the_playlist_of_its_reading_does(person):
    anchors = {name: np.array(BY_NAME[name].anchor) for name in ("sad", "angry", "happy")}
    for end in ("angry", "happy"):
        for share in np.linspace(0, 1, 80):
            valence, arousal, dominance = (anchors["sad"] + share * (anchors[end] - anchors["sad"])).tolist()
            make_track("sad", valence=valence, arousal=arousal, dominance=dominance)
    for _ in range(10):
        make_capture(person, source=Source.CAMERA, emotion="sad", chosen="angry")
    read = make_capture(person, source=Source.CAMERA, emotion="sad", chosen="", scores={"sad": 1.0})
    start = np.array(build_playlist(capture=read).target)
    assert np.linalg.norm(start - anchors["sad"]) > 1
    first = build_journey(capture=read, wanted="happy").entries.select_related("track")[0]
    place = np.array([first.track.valence, first.track.arousal, first.track.dominance])
    assert np.linalg.norm(place - start) < 0.5
    assert first.reason == "starts where you are: sad, as you put readings right before"
    named = build_journey(capture=make_capture(person, chosen="sad"), wanted="happy").entries.select_related("track")[0]
    assert abs(named.track.arousal - anchors["sad"][1]) < 0.5
    assert named.reason == "starts where you are: sad"


def test_a_reading_that_was_not_sure_counts_once_the_person_has_said_what_it_was(person):
    for status, chosen in ((Status.UNSURE, ""), (Status.UNSURE, "happy"), (Status.DONE, ""), (Status.DONE, "angry")):
        make_capture(person, source=Source.CAMERA, emotion="sad", status=status, chosen=chosen)
    assert sorted(earlier_words(make_capture(person))) == [("sad", ""), ("sad", "angry"), ("sad", "happy")]


def test_corrections_of_others_and_the_persons_own_word_move_nothing(person):
    for _ in range(4):
        make_capture(make_user(), source=Source.CAMERA, emotion="sad", chosen="angry")
    assert heard(person)[1].target == pytest.approx(list(BY_NAME["sad"].anchor))
    for _ in range(4):
        make_capture(person, source=Source.CAMERA, emotion="sad", chosen="angry")
    named = build_playlist(capture=make_capture(person, chosen="sad"))
    assert named.target == pytest.approx(list(BY_NAME["sad"].anchor))
