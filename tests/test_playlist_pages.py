"""Pages of playlists: tracks with players and ratings, what players say, the moods."""

import pytest
from django.urls import reverse

from catalogue.models import Track
from detection.models import Source, Status
from playlists.models import Listen, Playlist, Rating, Skip
from playlists.services import build_playlist
from tests.factories import make_capture, make_track, make_user

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/history/"}


@pytest.fixture
def person():
    return make_user()


@pytest.fixture
def browser(client, person):
    client.force_login(person)
    return client


def playlist_page(browser, capture, **headers):
    return browser.get(reverse("playlists:for_capture", args=[capture.id]), headers=headers)


def test_fifteen_tracks_with_rank_artist_reason_and_rating(browser, person):
    tracks = [make_track("sad") for _ in range(20)]
    page = playlist_page(browser, make_capture(person)).content.decode()
    assert page.count('<li class="track"') == 15
    assert "15 tracks for feeling sad" in page
    assert sum(track.title + "\n" in page or f"{track.title}<" in page for track in tracks) == 15
    assert page.count('class="track-reason"') == 15
    assert page.count('aria-pressed="false"') == 45  # like, dislike, never again


def test_the_fragment_is_the_page_without_its_frame(browser, person):
    make_track("sad")
    capture = make_capture(person)
    page, fragment = playlist_page(browser, capture), playlist_page(browser, capture, **HTMX)
    assert "<html" in page.content.decode()
    assert "<html" not in fragment.content.decode()
    assert 'class="track"' in fragment.content.decode()
    assert "HX-Request" in fragment["Vary"]
    assert Playlist.objects.count() == 1


def test_spotify_waits_for_a_click(browser, person):
    track = make_track("sad")
    page = playlist_page(browser, make_capture(person)).content.decode()
    assert "<iframe" not in page
    assert f'href="https://open.spotify.com/track/{track.spotify_id}"' in page
    assert f'data-spotify="https://open.spotify.com/embed/track/{track.spotify_id}"' in page
    assert "sets cookies of its own" in page


def test_local_audio_is_played_by_the_page_and_the_rest_is_linked(browser, person):
    local = make_track("sad", spotify_id="", audio="a.ogg", origin=Track.Origin.DEMO)
    make_track("sad", spotify_id="", lastfm_url="https://www.last.fm/music/x")
    page = playlist_page(browser, make_capture(person)).content.decode()
    named = f'aria-label="{local.title} by {local.artist}"'
    assert f'<audio controls preload="none" {named} src="{reverse("catalogue:audio", args=[local.id])}">' in page
    assert "demonstration" in page
    assert 'href="https://www.last.fm/music/x" target="_blank" rel="noopener noreferrer"' in page
    assert "cookies" not in page


def test_names_of_tracks_are_text(browser, person):
    make_track("sad", title="<script>alert(1)</script>", artist='" onclick="x')
    page = playlist_page(browser, make_capture(person)).content.decode()
    assert "<script>alert" not in page
    assert '" onclick="x' not in page


def test_an_empty_catalogue_is_explained(browser, person):
    assert "The catalogue has no tracks for this mood" in playlist_page(browser, make_capture(person)).content.decode()


def test_a_capture_without_a_mood_leads_back_to_the_capture(browser, person):
    capture = make_capture(person, source=Source.CAMERA, status=Status.NO_FACE, chosen="")
    address = reverse("detection:show", args=[capture.id])
    assert playlist_page(browser, capture).url == address
    assert playlist_page(browser, capture, **HTMX)["HX-Redirect"] == address


def test_another_persons_playlist_is_not_there(browser):
    assert playlist_page(browser, make_capture(make_user())).status_code == 404
    assert not Playlist.objects.exists()


# --- ratings --------------------------------------------------------------------------------------------------------


def test_a_rating_is_pressed_and_pressing_again_takes_it_back(browser, person):
    track = make_track("sad")
    address = reverse("playlists:rate", args=[track.id])
    page = browser.post(address, {"value": "1"}, headers=HTMX).content.decode()
    assert f'id="like-{track.id}" name="value" value="0" aria-pressed="true"' in page
    assert f'id="dislike-{track.id}" name="value" value="-1" aria-pressed="false"' in page
    assert Rating.objects.get(user=person, track=track).value == 1
    page = browser.post(address, {"value": "0"}, headers=HTMX).content.decode()
    assert 'aria-pressed="true"' not in page
    assert not Rating.objects.exists()


def test_a_rating_without_javascript_leads_back_to_the_track(browser, person):
    track = make_track("sad")
    back = reverse("playlists:for_capture", args=[make_capture(person).id]) + f"#track-{track.id}"
    assert browser.post(reverse("playlists:rate", args=[track.id]), {"value": "-1", "next": back}).url == back
    assert Rating.objects.get().value == -1


def test_a_rating_does_not_lead_to_another_site(browser):
    address = reverse("playlists:rate", args=[make_track("sad").id])
    response = browser.post(address, {"value": "1", "next": "https://elsewhere.example/"})
    assert response.url == reverse("playlists:history")


@pytest.mark.parametrize("value", ["2", "", "much"])
def test_it_rejects_other_ratings(browser, value):
    address = reverse("playlists:rate", args=[make_track("sad").id])
    assert browser.post(address, {"value": value}, headers=HTMX).status_code == 422
    assert not Rating.objects.exists()


def test_a_rating_belongs_to_the_one_who_gave_it(browser, person):
    track = make_track("sad")
    Rating.objects.create(user=make_user(), track=track, value=1)
    assert 'aria-pressed="true"' not in playlist_page(browser, make_capture(person)).content.decode()


# --- listens --------------------------------------------------------------------------------------------------------


def test_a_listen_is_noted_with_its_playlist(browser, person):
    track = make_track("sad")
    playlist = build_playlist(capture=make_capture(person))
    fields = {"source": "audio", "playlist": playlist.id}
    assert browser.post(reverse("playlists:listen", args=[track.id]), fields).status_code == 204
    listen = Listen.objects.get(user=person)
    assert (listen.track, listen.playlist, listen.source) == (track, playlist, "audio")


def test_a_hearing_that_is_told_again_is_noted_once(browser, person):
    address = reverse("playlists:listen", args=[make_track("sad").id])
    told = {"source": "audio", "hearing": f"{person.pk}-0.1"}
    for _ in range(2):
        assert browser.post(address, told).status_code == 204
    assert Listen.objects.count() == 1
    assert browser.post(address, {**told, "hearing": f"{person.pk}-0.2"}).status_code == 204
    assert Listen.objects.count() == 2
    third = {**told, "hearing": f"{person.pk}-0.3"}
    assert browser.post(address, {**third, "source": "radio"}).status_code == 422  # it was not noted
    assert browser.post(address, third).status_code == 204
    assert Listen.objects.count() == 3


def test_it_rejects_a_listen_from_elsewhere_or_in_another_persons_playlist(browser, person):
    address = reverse("playlists:listen", args=[make_track("sad").id])
    strange = build_playlist(capture=make_capture(make_user()))
    assert browser.post(address, {"source": "radio"}).status_code == 422
    assert browser.post(address, {"source": "audio", "playlist": strange.id}).status_code == 404
    assert browser.post(address, {"source": "audio", "playlist": "x"}).status_code == 422
    assert not Listen.objects.exists()


# --- skips ----------------------------------------------------------------------------------------------------------


def test_a_skip_is_noted_with_its_playlist_and_how_far_it_came(browser, person):
    track = make_track("sad")
    playlist = build_playlist(capture=make_capture(person))
    fields = {"seconds": "7.9", "playlist": playlist.id}
    assert browser.post(reverse("playlists:skip", args=[track.id]), fields).status_code == 204
    skip = Skip.objects.get(user=person)
    assert (skip.track, skip.playlist, skip.seconds) == (track, playlist, 7)
    assert browser.post(reverse("playlists:skip", args=[track.id])).status_code == 204
    assert Skip.objects.filter(seconds=None).count() == 1


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf", "1e9", "soon"])
def test_it_rejects_a_skip_that_cannot_be(browser, seconds):
    address = reverse("playlists:skip", args=[make_track("sad").id])
    assert browser.post(address, {"seconds": seconds}).status_code == 422
    assert not Skip.objects.exists()


# --- moods ----------------------------------------------------------------------------------------------------------


def test_the_moods_are_ones_own_latest_first(browser, person):
    make_capture(make_user(), chosen="disgust")
    make_capture(person, chosen="sad")
    make_capture(person, source=Source.CAMERA, emotion="happy", chosen="", confidence=0.87)
    make_capture(person, source=Source.CAMERA, status=Status.NO_FACE, chosen="")
    page = browser.get(reverse("playlists:moods")).content.decode()
    assert page.index("No face found") < page.index("Happy") < page.index("Sad")
    assert "87 % sure" in page
    assert "named by you" in page
    assert "Disgusted" not in page


def test_without_a_mood_the_page_says_where_to_begin(browser):
    page = browser.get(reverse("playlists:moods")).content.decode()
    assert "Nothing yet" in page
    assert reverse("detection:new") in page


def test_many_moods_have_pages(browser, person):
    for _ in range(21):
        make_capture(person)
    first = browser.get(reverse("playlists:moods")).content.decode()
    assert first.count('<li class="past"') == 20
    assert 'rel="next" href="?page=2"' in first
    last = browser.get(reverse("playlists:moods"), {"page": "2"}).content.decode()
    assert last.count('<li class="past"') == 1


# --- as many queries for twenty rows as for ten ---------------------------------------------------------------------


def queries_of(browser, address, django_assert_max_num_queries):
    with django_assert_max_num_queries(12) as counted:
        assert browser.get(address).status_code == 200
    return len(counted)


def test_the_moods_ask_as_much_for_twenty_as_for_ten(browser, person, django_assert_max_num_queries):
    address = reverse("playlists:moods")
    for _ in range(10):
        make_capture(person)
    ten = queries_of(browser, address, django_assert_max_num_queries)
    for _ in range(10):
        make_capture(person)
    assert queries_of(browser, address, django_assert_max_num_queries) == ten


def test_a_playlist_asks_as_much_for_fifteen_as_for_five(browser, person, django_assert_max_num_queries):
    counts = []
    for emotion, number in (("sad", 5), ("happy", 15)):
        capture = make_capture(person, chosen=emotion)
        for _ in range(number):
            make_track(emotion)
        build_playlist(capture=capture)
        address = reverse("playlists:for_capture", args=[capture.id])
        counts.append(queries_of(browser, address, django_assert_max_num_queries))
    assert counts[0] == counts[1]
