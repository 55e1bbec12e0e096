"""Which artists' tracks a scrobbler's listens are looked for among, beside those that an import finds."""

import pytest

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
