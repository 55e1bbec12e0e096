"""Which artists' tracks a scrobbler's listens are looked for among, beside those that an import finds."""

import re

import pytest
from django.db import connection

from playlists.export_records import Music
from playlists.submissions import _index_for, _spellings
from tests.factories import make_track

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("sent", "catalogue"),
    [
        ("Guns N\u2019 Roses", "Guns N' Roses"),
        ("Guns N' Roses", "Guns N\u2019 Roses"),
        ("Guns N` Roses", "Guns N Roses"),
        ("Simon and Garfunkel", "Simon & Garfunkel"),
        ("Simon & Garfunkel", "Simon and Garfunkel"),
        ("Simon&Garfunkel", "Simon & Garfunkel"),
        ("Beyonc\u00e9", "Beyonce"),
        ("Beyonce\u0301", "Beyonc\u00e9"),
        ("R.E.M.", "REM"),
        ("AC/DC", "Ac Dc"),
        ("The Beyonc\u00e9 & Ann\u2019s feat. Nina", "Beyonce and Ann's"),
        ("Mamas and Papas", "The Mamas & Papas"),
        ("The The", "The The"),
    ],
)
def test_an_artist_is_found_in_the_usual_spellings_by_one_statement(sent, catalogue, django_assert_num_queries):
    track = make_track(artist=catalogue, title="Help!")
    make_track(artist="Another", title="Help!")
    with django_assert_num_queries(1):
        assert _index_for([Music(sent, "Help")]).find(Music(sent, "Help")) == track.pk


def test_a_name_in_every_variant_and_in_capitals_of_its_own_is_found_as_it_is():
    for artist in ("Earth, Wind & Fire and Friends", "\u00d3lafur & \u00c9va and Ann feat. \u00c1ki"):
        track = make_track(artist=artist, title="Help!")
        assert _index_for([Music(artist, "Help")]).find(Music(artist, "Help")) == track.pk


def test_the_spellings_of_a_thousand_names_fit_into_a_statement():
    name = "The \u00c9 E\u0301.`\u2019s and A & B-C feat. The D & E and F"
    assert len(_spellings(name)) <= 24  # SQLite may take 32,766 values, PostgreSQL takes 65,535


def sent(number):
    """Music with the ids of a track, with such as no track has, and with a name alone."""
    for n in range(number):
        yield Music(f"Sent {n}", "Help", spotify_id=f"{n:022d}")
        yield Music(f"Sent {n}", "Help", mbid=f"{n:036d}")
        yield Music(f"Artist {n}", "Help!")


def test_two_statements_find_a_thousand_and_none_reads_all_tracks():
    by_name, with_id = make_track(artist="ARTIST 3", title="Help"), make_track(mbid=f"{3:036d}")
    steps: list[list[str]] = []

    def explained(execute, sql, params, many, context):
        execute(f"EXPLAIN QUERY PLAN {sql}", params, many, context)
        steps.append([detail for *_, detail in context["cursor"].fetchall()])
        return execute(sql, params, many, context)

    for number in (10, 333):
        with connection.execute_wrapper(explained):
            index = _index_for(sent(number))
        assert index.find(Music("Artist 3", "Help!")) == by_name.pk
        assert index.find(Music("Sent 3", "Help", mbid=f"{3:036d}")) == with_id.pk
    assert len(steps) == 4
    assert [step for plan in steps for step in plan if "SCAN" in step] == []
    used = {name for plan in steps for step in plan for name in re.findall(r"USING INDEX (\w+)", step)}
    assert {"track_by_folded_artist", "track_by_mbid"} < used


def test_music_whose_ids_are_all_known_asks_for_no_names(django_assert_num_queries):
    tracks = [make_track(), make_track(mbid=f"{1:036d}", spotify_id="")]
    music = [Music("X", "Y", spotify_id=tracks[0].spotify_id), Music("X", "Y", mbid=tracks[1].mbid)]
    with django_assert_num_queries(1):
        index = _index_for(music)
    assert [index.find(item) for item in music] == [track.pk for track in tracks]


def test_of_tracks_with_the_same_name_the_first_is_found_whatever_else_was_sent():
    first, second = (make_track(artist="Nina", title="Feeling") for _ in range(2))
    by_id, by_name = Music("Nina", "Feeling", spotify_id=second.spotify_id), Music("Nina", "Feeling")
    index = _index_for([by_id, by_name])
    assert [index.find(by_id), index.find(by_name)] == [second.pk, first.pk]
