"""The map of the catalogue: tracks counted by cell at every zoom, as a page and as numbers for its canvas."""

import json
import threading

import pytest
from django.core.cache import cache
from django.urls import reverse

from catalogue import map as catalogue_map
from catalogue.browsing import Filters, page_of
from catalogue.map import MAX_ZOOM, SIDE, UNTAGGED, Square, bins, totals
from catalogue.models import Clustering, Track
from catalogue.services import activate_clustering, cluster_catalogue, import_tracks
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from tests.catalogue_files import muse_row, write_muse
from tests.factories import make_track, make_user
from tests.servers import wait_until

pytestmark = pytest.mark.django_db

BINS = reverse("playlists:map_bins")


@pytest.fixture
def browser(client):
    client.force_login(make_user())
    return client


def entries(numbers):
    return [tuple(numbers[i : i + 4]) for i in range(0, len(numbers), 4)]


def seen(browser, **place):
    return entries(browser.get(BINS, place).json()["bins"])


def test_the_whole_map_counts_every_track_once(browser):
    for valence, arousal in ((0, 0), (9, 9), (0.1, 8.9), (5.25, 4.5), (5.25, 4.5), (5.2499, 4.5)):
        make_track("happy", valence=valence, arousal=arousal)
    make_track("sad", valence=5.3, arousal=4.6)
    make_track("sad", valence=5.3, arousal=4.6, key="untagged")
    Track.objects.filter(key="untagged").update(emotion="")
    found = seen(browser)
    assert sum(tracks for *_, tracks in found) == 8
    happy, sad = EMOTIONS.index("happy"), EMOTIONS.index("sad")
    assert {(0, 0, happy, 1), (36, 36, happy, 1), (21, 18, happy, 2), (20, 18, happy, 1)} < set(found)
    assert {(21, 18, sad, 1), (21, 18, UNTAGGED, 1)} < set(found)


@pytest.mark.parametrize("zoom", range(MAX_ZOOM + 1))
def test_a_cell_counts_the_tracks_that_its_list_shows(zoom):
    for n in range(60):
        make_track("happy" if n % 2 else "fear", valence=n * 0.15, arousal=9 - n * 0.15)
    last = 36 * 2**zoom + 1 - SIDE
    found = {cell for x in {0, last} for y in {0, last} for cell in entries(bins(Square(zoom, x, y, SIDE)))}
    assert found
    for x, y, emotion, tracks in found:
        filters = Filters(emotion=EMOTIONS[emotion], area=f"{zoom}-{x}-{y}")
        assert page_of(filters).total == tracks


def test_cells_come_column_by_column_on_every_database(browser):
    for emotion in ("sad", "neutral", "angry"):
        for valence, arousal in ((7, 2), (7, 1), (2, 7)):
            make_track(emotion, valence=valence, arousal=arousal, key=f"{emotion} {valence} {arousal}")
    Track.objects.filter(key="angry 7 2").update(emotion="")
    found = seen(browser)
    assert len(found) == 9
    assert found == sorted(found)
    cells = browser.get("/api/v1/map").json()["cells"]
    named = [(*EMOTIONS, None).index(cell["emotion"]) for cell in cells]
    assert [(*map(int, cell["area"].split("-")[1:]), place) for cell, place in zip(cells, named, strict=True)] == [
        entry[:3] for entry in found
    ]


def test_views_side_by_side_leave_nothing_out_and_count_nothing_twice(browser):
    for n in range(80):
        make_track("sad", valence=n * 0.11, arousal=(n * 0.37) % 9)
    starts = (0, SIDE, 2 * SIDE, 3 * SIDE)  # 148 columns of 289 at the zoom that enlarges eight times
    views = [seen(browser, zoom=3, x=x, y=y) for x in starts for y in starts]
    inside = Track.objects.filter(valence__lt=4 * SIDE / 32, arousal__lt=4 * SIDE / 32).count()
    assert sum(tracks for view in views for *_, tracks in view) == inside > 10


def test_the_numbers_are_small_and_kept_by_the_browser_alone(browser):
    for _ in range(50):
        make_track("sad", valence=3.1, arousal=3.1)
    response = browser.get(BINS)
    assert len(response.content) < 100
    assert json.loads(response.content)["bins"] == [12, 12, EMOTIONS.index("sad"), 50]
    assert "private" in response["Cache-Control"]


def test_the_numbers_are_two_queries_whatever_there_is(browser, django_assert_max_num_queries):
    counts = []
    for _ in range(2):
        for n in range(20):
            make_track("sad", valence=n * 0.4, arousal=3)
        with django_assert_max_num_queries(4) as counted:
            seen(browser)
        counts.append(len(counted))
    assert counts == [4, 4]  # the session, the person, what is in force, the numbers


@pytest.mark.parametrize(
    "place",
    [
        {"zoom": "7"},
        {"zoom": "-1"},
        {"zoom": "999999999"},
        {"x": "1"},
        {"y": "-1"},
        {"zoom": "1", "x": "37"},
        {"x": "b"},
    ],
)
def test_it_rejects_a_view_that_is_not_on_the_map(browser, place):
    response = browser.get(BINS, place)
    assert response.status_code == 422
    assert "map" in response.content.decode()


@pytest.mark.parametrize("text", ["", "0", "0-0", "0-37-0", "7-0-0", "0-0-0-0", "-1-0-0", "a-b-c", "0-²-0", "1" * 5000])
def test_it_rejects_a_cell_that_is_not_on_the_map(text):
    with pytest.raises(InvalidInput, match="not on the map"):
        Square.cell(text)


def test_the_page_offers_the_list_where_there_is_no_script(browser):
    page = browser.get(reverse("playlists:map")).content.decode()
    assert "The map needs JavaScript" in page
    assert f'href="{reverse("playlists:browse")}"' in page
    assert "<style" not in page
    assert " style=" not in page
    assert all(f'data-show="{emotion}"' in page for emotion in EMOTIONS)


@pytest.mark.parametrize("name", ["playlists:map", "playlists:map_bins"])
def test_strangers_see_no_map(client, name):
    assert client.get(reverse(name)).url == f"/accounts/login/?next={reverse(name)}"


def test_what_was_counted_is_kept_until_other_tags_are_in_force(tmp_path, django_assert_max_num_queries):
    import_tracks(path=write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 121)]))
    square = Square(0, 0, 0, SIDE)
    first = bins(square)
    with django_assert_max_num_queries(2):
        assert bins(square) == first
    activate_clustering(clustering=cluster_catalogue(method="kmeans"))
    assert bins(square) != first
    make_track("happy", valence=0.1, arousal=0.1)
    counted = bins(square)
    assert (0, 0, EMOTIONS.index("happy"), 1) in entries(counted)
    import_tracks(path=write_muse(tmp_path / "more.csv", muse_row(1, valence_tags=0.3, arousal_tags=0.3)))
    assert bins(square) != counted


@pytest.mark.django_db(transaction=True)
def test_while_it_is_counted_anew_everybody_gets_the_former_numbers_at_once(monkeypatch):
    cache.clear()
    Clustering.objects.create(method="kmeans", centroids={}, state=Clustering.State.ACTIVE)
    make_track("sad", valence=3, arousal=3)
    square = Square(0, 0, 0, SIDE)
    before = bins(square)
    may_count, counts = threading.Event(), []

    def count(square, count=catalogue_map._count):
        counts.append(threading.current_thread())
        assert may_count.wait(30)
        return count(square)

    monkeypatch.setattr(catalogue_map, "_count", count)
    make_track("sad", valence=3, arousal=3)
    for _ in range(5):
        assert bins(square) == before
    may_count.set()
    wait_until("the new numbers", lambda: bins(square) == [12, 12, EMOTIONS.index("sad"), 2])
    assert len(counts) == 1
    assert counts[0] is not threading.main_thread()


def test_the_totals_of_the_emotions_are_the_maps():
    make_track("sad")
    assert totals() is None
    Clustering.objects.create(method="kmeans", centroids={}, state=Clustering.State.ACTIVE)
    for emotion in ("sad", "happy"):
        make_track(emotion, valence=9, arousal=0)
    make_track("sad", valence=0.1)
    Track.objects.filter(valence=0.1).update(emotion="")
    assert totals() == dict.fromkeys(EMOTIONS, 0) | {"sad": 2, "happy": 1, "": 1}
    assert page_of(Filters()).total == 4
    assert page_of(Filters(emotion="sad"), "last").total == 2
    assert page_of(Filters(emotion="angry")).total == 0
