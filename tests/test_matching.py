"""Which track another service's record means."""

import time

import pytest

from playlists.export_records import Music
from playlists.matching import TrackIndex, plain_artist, plain_title

MBID = "9a80555a-050d-4532-a684-6831d7d0ed5a"


def test_the_surest_way_comes_first():
    index = TrackIndex(
        [(1, "Nina", "Feeling", "", ""), (2, "Other", "Other", "spotify", ""), (3, "Third", "Third", "", MBID)]
    )
    assert index.find(Music("Nina", "Feeling")) == 1
    assert index.find(Music("Nina", "Feeling", "", MBID)) == 3
    assert index.find(Music("Nina", "Feeling", "spotify", MBID)) == 2
    assert index.find(Music("Nina", "Feeling", "unknown")) == 1
    assert index.find(Music("", "", "", MBID)) == 3
    assert index.find(Music("Nina", "Another")) is None


def test_of_tracks_of_one_name_the_first_is_found():
    tracks = [(n, "Nina", "Feeling", "", "") for n in (7, 3, 9)]
    assert TrackIndex(tracks).find(Music("Nina", "Feeling")) == 3


def test_an_empty_catalogue_has_nothing():
    assert len(TrackIndex([])) == 0
    assert TrackIndex([]).find(Music("Nina", "Feeling", "spotify", MBID)) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Beatles", "beatles"),
        ("Beyoncé", "BEYONCE"),
        ("Simon & Garfunkel", "Simon and Garfunkel"),
        ("R.E.M.", "REM"),
        ("Guns N' Roses", "Guns N\u2019 Roses"),
        ("Eminem feat. Rihanna", "Eminem"),
        ("AC/DC", "AC DC"),
        ("宇多田ヒカル", "宇多田ヒカル"),
    ],
)
def test_artists_of_one_name_however_it_is_written(one, other):
    assert plain_artist(one) == plain_artist(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Help! - Remastered 2009", "Help!"),
        ("Help! (2009 Digital Remaster)", "Help"),
        ("Love the Way You Lie (feat. Rihanna)", "love the way you lie"),
        ("Don't Stop", "Dont Stop"),
        ("Rock 'n' Roll", "rock n roll"),
        ("Under Pressure - 2011 - Remaster", "Under Pressure"),
        ("Help! \u2013 Remastered 2009", "Help!"),
        ("Song - Single Version / Remastered 2015", "Song"),
        ("Eleanor Rigby - Mono / Remastered", "Eleanor Rigby"),
        ("Song (2009 Stereo Remaster)", "Song"),
        ("Song [Newly Remastered]", "Song"),
        ("Song - Original Album Version - 2003 Digital Remaster", "Song"),
        ("Hurt - Live / Remastered 2010", "Hurt (Live)"),
    ],
)
def test_titles_of_one_recording_however_it_is_written(one, other):
    assert plain_title(one) == plain_title(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hurt", "Hurt (Live)"),
        ("Hurt", "Hurt - Live / Remastered 2010"),
        ("Hurt", "Hurt - Mono"),
        ("1984", "1984 - 2011"),
        ("Defeat", "De"),
        ("The", ""),
        ("???", "!!!"),
        ("Часы", "Чаша"),
    ],
)
def test_different_titles_stay_apart(one, other):
    assert plain_title(one) != plain_title(other)
    assert plain_artist(one) != plain_artist(other)


@pytest.mark.parametrize(
    "part",
    [" ", "-", "- ", "- 2011 ", "(mono stereo ", "mono/", f"-mono{'-' * 300}", "- remaster\n", "(ft", " feat. "],
)
def test_a_long_title_costs_no_more_than_its_length(part):
    begin = time.process_time()
    plain_title(f"Song {part * (60_000 // len(part))}\nx")
    assert time.process_time() - begin < 0.5
