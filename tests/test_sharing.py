"""Sharing a playlist by a link: made on purpose, seen by anybody who has it, taken back at once."""

import re

import pytest
from django.urls import reverse

from playlists.models import Share
from playlists.services import build_journey, build_playlist
from playlists.sharing import revoke, share
from tests.factories import make_capture, make_track, make_user

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/history/"}


@pytest.fixture
def person():
    return make_user(email="ada@example.org")


@pytest.fixture
def playlist(person):
    for _ in range(3):
        make_track("sad")
    return build_playlist(capture=make_capture(person))


@pytest.fixture
def browser(client, person):
    client.force_login(person)
    return client


def shared_page(client, link):
    return client.get(reverse("playlists:shared", args=[link.token]))


def test_a_playlist_has_no_link_until_its_owner_makes_one(browser, playlist):
    page = browser.get(reverse("playlists:for_capture", args=[playlist.capture_id])).content.decode()
    assert "Make a link" in page
    assert not Share.objects.exists()


def test_the_owner_makes_a_link_and_takes_it_back(browser, playlist):
    address = reverse("playlists:share", args=[playlist.id])
    page = browser.post(address, headers=HTMX).content.decode()
    link = Share.objects.get(playlist=playlist)
    assert f"http://testserver/shared/{link.token}/" in page
    page = browser.post(address, {"revoke": "1"}, headers=HTMX).content.decode()
    assert "Make a link" in page
    assert shared_page(browser, link).status_code == 404


def test_a_link_is_made_without_javascript_too(browser, playlist):
    back = reverse("playlists:for_capture", args=[playlist.capture_id])
    assert browser.post(reverse("playlists:share", args=[playlist.id]), {"next": back}).url == back
    assert Share.objects.get(playlist=playlist).token in browser.get(back).content.decode()


def test_a_stranger_sees_the_tracks_and_nothing_of_the_person(client, playlist):
    response = shared_page(client, share(playlist=playlist))
    page = response.content.decode()
    assert page.count('<li class="track"') == 3
    assert response["X-Robots-Tag"] == "noindex"
    main = page.partition("<main")[2].partition("</main>")[0]
    for secret in ("ada", "sad", str(playlist.capture_id), "mood", 'data-emotion="'):
        assert secret not in main, secret
    assert "data-listens" not in page
    assert "<form" not in main


def test_the_mood_is_shown_where_its_owner_said_so(client, playlist):
    page = shared_page(client, share(playlist=playlist, shows_mood=True)).content.decode()
    assert "for feeling sad" in page
    assert "ada@example.org" not in page
    assert "track-reason" not in page  # it would tell of the owner's taste


def test_a_mood_that_was_put_right_is_told_by_no_link_until_it_is_said_again(client, playlist):
    link = share(playlist=playlist, shows_mood=True)
    for chosen, status in (("happy", 404), ("sad", 200)):
        playlist.capture.chosen = chosen
        playlist.capture.save()
        assert shared_page(client, link).status_code == status
        assert client.get(f"/api/v1/shared/{link.token}").status_code == status


@pytest.mark.parametrize(("shows_mood", "status"), [(True, 404), (False, 200)])
def test_a_journey_begins_at_no_mood_that_was_put_right_where_its_link_tells_of_it(client, person, shows_mood, status):
    for valence in range(2, 9):
        make_track("sad" if valence < 5 else "happy", valence=valence)
    capture = make_capture(person)
    link = share(playlist=build_journey(capture=capture, wanted="happy"), shows_mood=shows_mood)
    for chosen, expected in (("sad", 200), ("angry", status), ("sad", 200)):
        capture.chosen = chosen
        capture.save()
        assert shared_page(client, link).status_code == expected
        assert client.get(f"/api/v1/shared/{link.token}").status_code == expected


def test_another_person_sees_their_own_ratings(client, playlist):
    client.force_login(make_user())
    page = shared_page(client, share(playlist=playlist)).content.decode()
    assert page.count('class="rating"') == 3
    assert 'data-playlist=""' in page


def test_only_the_owner_shares(client, playlist):
    client.force_login(make_user())
    assert client.post(reverse("playlists:share", args=[playlist.id])).status_code == 404
    assert not Share.objects.exists()


def test_a_link_cannot_be_guessed_and_stays_until_it_is_taken_back(playlist):
    first = share(playlist=playlist)
    assert len(first.token) >= 22  # 128 bits
    assert share(playlist=playlist, shows_mood=True).token == first.token
    revoke(playlist=playlist)
    assert share(playlist=playlist).token != first.token


def test_deleting_the_capture_ends_the_link(client, playlist):
    link = share(playlist=playlist)
    playlist.capture.delete()
    assert shared_page(client, link).status_code == 404


def test_a_wrong_link_finds_nothing(client):
    assert client.get(reverse("playlists:shared", args=["guess"])).status_code == 404


def test_the_fields_of_the_form_have_labels(browser, playlist):
    page = browser.post(reverse("playlists:share", args=[playlist.id]), headers=HTMX).content.decode()
    for name in re.findall(r'<input id="([\w-]+)"', page):
        assert f'for="{name}"' in page
