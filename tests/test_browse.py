"""Browsing the catalogue: filters that combine, pages that are found by their neighbours, and odd input."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalogue.browsing import PER_PAGE, Filters, page_of, words_of
from catalogue.models import Clustering, Track
from emotune.errors import InvalidInput
from playlists.models import NeverAgain, Rating
from tests.factories import make_track, make_user

pytestmark = pytest.mark.django_db

BROWSE = reverse("playlists:browse")
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/map/"}


@pytest.fixture
def person():
    return make_user()


@pytest.fixture
def browser(client, person):
    client.force_login(person)
    return client


def ids(html):
    return [int(track_id) for track_id in re.findall(r'<li class="track" id="track-(\d+)"', html)]


def found(browser, **given):
    return set(ids(browser.get(BROWSE, given).content.decode()))


def many(number):
    """Make tracks of which several share an artist, in no order."""
    return [make_track("sad" if n % 2 else "happy", artist=f"Artist {n * 7 % 11:02d}") for n in range(number)]


def link(html, rel):
    match = re.search(rf'rel="{rel}" href="([^"]+)"', html)
    return match and match[1].replace("&amp;", "&")


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filters", [{}, {"title": "title"}, {"emotion": "sad"}])
@pytest.mark.parametrize("number", [0, 1, PER_PAGE, PER_PAGE + 1, 4 * PER_PAGE])
def test_pages_forwards_show_each_track_once_in_order_and_backwards_the_same(number, filters):
    many(number)
    given = Filters.of(filters)
    expected = Track.objects.filter(**{"emotion": "sad"} if "emotion" in filters else {}).order_by("artist", "id")
    forwards: list[Track] = []
    backwards: list[Track] = []
    place = ""
    while True:
        page = page_of(given, place)
        forwards += page.tracks
        if not (place := page.next):
            break
    place = "last"
    while True:
        page = page_of(given, place)
        backwards = [*page.tracks, *backwards]
        if not (place := page.previous):
            break
    assert forwards == backwards == list(expected)


def test_the_page_before_the_next_is_this_one():
    many(3 * PER_PAGE)
    first = page_of(Filters())
    second = page_of(Filters(), first.next)
    assert page_of(Filters(), second.previous).tracks == first.tracks
    assert not first.previous
    assert not page_of(Filters(), "last").next


def test_first_middle_and_last_page_ask_as_much(browser, django_assert_max_num_queries):
    Clustering.objects.create(method="kmeans", centroids={}, state=Clustering.State.ACTIVE)
    many(4 * PER_PAGE)
    middle = page_of(Filters()).next
    counts = []
    for place in ("", middle, "last"):
        with django_assert_max_num_queries(8) as counted:
            assert browser.get(BROWSE, {"page": place}).status_code == 200
        counts.append(len(counted))
    # session, person, what is in force or neighbour, tracks, ratings, tracks and artists kept out, preferences
    assert counts == [8, 8, 8]


@pytest.mark.parametrize("place", ["after", "before", "last"])
def test_a_page_is_found_by_an_index_without_sorting(place):
    track = many(3)[1]
    with CaptureQueriesContext(connection) as captured:
        page_of(Filters(), place if place == "last" else f"{place}-{track.id}")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {captured[-1]['sql']}")
        plan = str(cursor.fetchall())
    assert "INDEX catalogue_t_artist" in plan
    assert "TEMP B-TREE" not in plan


def test_links_keep_the_filters(browser):
    for n in range(2 * PER_PAGE):
        make_track("sad", title=f"A & B {n}")
    address = link(browser.get(BROWSE, {"title": "a & b", "emotion": "sad"}).content.decode(), "next")
    query = parse_qs(urlsplit(address).query)
    assert query["title"] == ["a & b"]
    assert query["emotion"] == ["sad"]
    page = browser.get(address).content.decode()
    assert len(ids(page)) == PER_PAGE
    assert link(page, "prev")
    assert not link(page, "next")


@pytest.mark.parametrize(
    "place",
    ["2", "after-", "after-x", "after--1", "before-0", "after-999999999999999999", "lastly", "before-1' OR 1=1"],
)
def test_it_rejects_a_page_that_it_never_offered(browser, place):
    make_track("sad")
    response = browser.get(BROWSE, {"page": place})
    assert response.status_code == 422
    assert "Go back to its first page." in response.content.decode()


def test_it_rejects_a_place_of_ten_thousand_characters(browser):
    assert browser.get(BROWSE, {"page": "after-" + "9" * 10_000}).status_code == 422
    assert browser.get(BROWSE, {"page": "after-1\0"}).status_code == 422


# --- filters --------------------------------------------------------------------------------------------------------


def test_filters_combine(browser):
    wanted = make_track("sad", artist="The Lanterns", title="Rain Again", genre="folk")
    make_track("happy", artist="The Lanterns", title="Rain Again", genre="folk")
    make_track("sad", artist="Others", title="Rain Again", genre="folk")
    make_track("sad", artist="The Lanterns", title="Sun", genre="folk")
    make_track("sad", artist="The Lanterns", title="Rain Again", genre="rock")
    given = {"artist": "lanterns", "title": "again rain", "genre": "FOLK", "emotion": "sad"}
    assert found(browser, **given) == {wanted.id}
    assert len(found(browser, artist="lanterns", title="rain")) == 3


def test_a_cell_of_the_map_combines_with_an_emotion(browser):
    inside = make_track("sad", valence=5.25, arousal=4.0)
    make_track("happy", valence=5.3, arousal=4.1)
    make_track("sad", valence=5.5, arousal=4.0)
    make_track("sad", valence=5.25, arousal=3.99)
    page = browser.get(BROWSE, {"area": "0-21-16", "emotion": "sad"}).content.decode()
    assert ids(page) == [inside.id]
    assert "valence 5.25 to 5.5 and arousal 4.0 to 4.25" in page


@pytest.mark.parametrize(
    ("title", "search"),
    [("Ólafs", "ólafs"), ("été", "ÉTÉ"), ("ЗИМА", "зима"), ("100% Pure", "100%"), ("a_b", "a_b"), ("It's", "it's")],
)
def test_it_finds_titles_as_people_write_them(browser, title, search):
    track = make_track("sad", title=title)
    make_track("sad", title="1000 axb pure")
    assert found(browser, title=search) == {track.id}


def test_of_many_words_the_longest_are_looked_for_and_each_once():
    assert words_of("a a night a b c d e f g h i night") == ["night", *"abcdefghi"]
    assert words_of("  ") == []


@pytest.mark.parametrize("page", [BROWSE, "/api/v1/tracks"])
def test_a_search_of_very_many_words_looks_for_ten(browser, page):
    make_track("sad", title="one two three")
    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(page, {"title": "three two one " + " ".join("abcdefghijklmnopqrstu")})
    assert answer.status_code == 200
    assert max(query["sql"].count("LIKE") for query in queries) == 10


def test_wildcards_are_letters(browser):
    make_track("sad", title="anything")
    for search in ("%", "_", "any%", "a_y", "\\"):
        assert found(browser, title=search) == set()


def test_it_rejects_a_search_that_is_too_long_or_no_text(browser):
    long = browser.get(BROWSE, {"title": "x" * 10_000})
    assert long.status_code == 422
    assert "at most 200 characters" in long.content.decode()
    nul = browser.get(BROWSE, {"artist": "a\0b"})
    assert nul.status_code == 422
    assert "NUL" in nul.content.decode()


def test_it_rejects_an_emotion_or_a_place_unheard_of(browser):
    assert "There is no such emotion" in browser.get(BROWSE, {"emotion": "bored"}).content.decode()
    assert browser.get(BROWSE, {"area": "9-9-9"}).status_code == 422
    with pytest.raises(InvalidInput):
        Filters.of({"emotion": "Sad"})


def test_nothing_found_says_what_to_do(browser):
    assert "The catalogue is empty" in browser.get(BROWSE).content.decode()
    page = browser.get(BROWSE, {"title": "nowhere"}).content.decode()
    assert "No track matches" in page
    assert "Show all tracks" in page


# --- rows -----------------------------------------------------------------------------------------------------------


def test_a_row_plays_and_has_the_persons_own_rating(browser, person):
    track = make_track("sad", genre="folk")
    Rating.objects.create(user=person, track=track, value=1)
    Rating.objects.create(user=make_user(), track=make_track("sad"), value=1)
    page = browser.get(BROWSE).content.decode()
    assert f'data-spotify="https://open.spotify.com/embed/track/{track.spotify_id}"' in page
    assert "sad · folk" in page
    assert page.count('aria-pressed="true"') == 1
    assert "<iframe" not in page


@pytest.mark.parametrize("headers", [None, HTMX])
def test_what_is_kept_out_says_so_in_the_list_and_beside_the_map_and_is_let_in_again(browser, person, headers):
    kept, over, other = make_track("sad"), make_track("sad"), make_track("sad")
    until = timezone.now() + timedelta(days=7)
    NeverAgain.objects.create(user=person, track=kept, until=until)
    NeverAgain.objects.create(user=person, track=over, until=timezone.now() - timedelta(days=1))
    NeverAgain.objects.create(user=make_user(), track=other)
    page = browser.get(BROWSE, headers=headers).content.decode()
    (pressed,) = re.findall(r'<form class="never" id="never-(\d+)"[^>]*>(?:(?!</form>).)*name="undo"', page, re.DOTALL)
    assert int(pressed) == kept.id
    assert page.count(">Never again: take back<") == 1
    browser.post(reverse("playlists:never_track", args=[kept.id]), {"undo": "1"}, headers=headers)
    assert not NeverAgain.objects.filter(user=person, track=kept).exists()


def test_a_rating_without_javascript_leads_back_to_the_page_of_the_list(browser):
    track = make_track("sad")
    page = browser.get(BROWSE, {"emotion": "sad"}).content.decode()
    back = re.findall(r'name="next" value="([^"]+)"', page)[0]
    assert back == f"{BROWSE}?emotion=sad#track-{track.id}"
    assert browser.post(reverse("playlists:rate", args=[track.id]), {"value": "1", "next": back}).url == back


def test_names_and_searches_are_text(browser):
    make_track("sad", title="<script>alert(1)</script>", artist='" onclick="x', genre="<b>")
    page = browser.get(BROWSE, {"artist": '" onclick="x'}).content.decode()
    assert len(ids(page)) == 1
    assert "<script>alert" not in page
    assert '" onclick="x' not in page
    assert "<b>" not in page


def test_the_fragment_is_the_list_without_its_page(browser):
    make_track("sad")
    response = browser.get(BROWSE, headers=HTMX)
    assert "<html" not in response.content.decode()
    assert len(ids(response.content.decode())) == 1
    assert "HX-Request" in response["Vary"]


def test_strangers_see_no_list(client):
    assert client.get(BROWSE).url == f"/accounts/login/?next={BROWSE}"
