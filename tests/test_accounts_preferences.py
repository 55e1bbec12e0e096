"""How a person wants to listen: what they start with, what they set, and what cannot be set."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from accounts.models import Preferences, User
from accounts.services import set_preferences
from emotune.errors import InvalidInput
from playlists.models import Playlist
from tests.factories import make_capture, make_track, make_user

pytestmark = pytest.mark.django_db
PAGE = "/account/preferences/"


@pytest.fixture
def ada(client):
    user = make_user()
    client.force_login(user)
    return user


def test_everybody_starts_with_the_defaults_and_without_a_row(ada):
    assert (ada.preferences.playback, ada.preferences.tracks) == ("spotify", 15)
    assert not Preferences.objects.exists()


def test_what_is_not_given_stays(ada):
    set_preferences(user=ada, playback="own")
    set_preferences(user=ada, tracks=30)
    assert (ada.preferences.playback, ada.preferences.tracks) == ("own", 30)
    fresh = User.objects.get(pk=ada.pk).preferences
    assert (fresh.playback, fresh.tracks) == ("own", 30)


@pytest.mark.parametrize("change", [{"playback": "radio"}, {"playback": ""}, {"tracks": 4}, {"tracks": 51}])
def test_the_service_and_the_database_reject_what_cannot_be(ada, change):
    with pytest.raises(InvalidInput):
        set_preferences(user=ada, **change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Preferences.objects.create(user=ada, **change)


def test_the_page_sets_them(client, ada):
    response = client.post(PAGE, {"playback": "own_only", "tracks": "20"}, follow=True)
    assert "20 tracks in a playlist" in response.content.decode()
    assert User.objects.get(pk=ada.pk).preferences.playback == "own_only"
    assert 'value="own_only" id="id_playback_2" required checked' in client.get(PAGE).content.decode().replace("\n", "")


@pytest.mark.parametrize("fields", [{}, {"playback": "x", "tracks": "15"}, {"playback": "own", "tracks": "5000"}])
def test_the_page_rejects_what_cannot_be(client, ada, fields):
    assert client.post(PAGE, fields).status_code == 422
    assert not Preferences.objects.exists()


def test_a_playlist_has_as_many_tracks_as_the_person_wants(client, ada):
    for _ in range(12):
        make_track("sad")
    set_preferences(user=ada, tracks=7)
    capture = make_capture(ada, chosen="sad")
    client.get(f"/captures/{capture.pk}/playlist/")
    assert Playlist.objects.get(capture=capture).entries.count() == 7


def test_the_api_and_the_command_give_as_many_too(client, ada):
    for _ in range(20):
        make_track("sad")
    set_preferences(user=ada, tracks=7)
    capture, another = make_capture(ada, chosen="sad"), make_capture(ada, chosen="sad")
    assert len(client.get(f"/api/v1/captures/{capture.pk}/playlist").json()["tracks"]) == 7
    made = client.post("/api/v1/playlists", {"capture": str(another.pk)}, content_type="application/json")
    assert len(made.json()["tracks"]) == 7
    assert len(client.get("/api/v1/recommendations?emotion=sad").json()["tracks"]) == 7
    assert len(client.get("/api/v1/recommendations?emotion=sad&k=9").json()["tracks"]) == 9
    for arguments, tracks in (((), 15), (("--user", ada.email), 7), (("--user", ada.email, "-k", "3"), 3)):
        call_command("recommend", "--emotion", "sad", "--json", *arguments, stdout=(words := StringIO()))
        assert len(json.loads(words.getvalue())["tracks"]) == tracks


@pytest.mark.parametrize(
    ("playback", "both", "there_alone"),
    [("spotify", "spotify", "spotify"), ("own", "audio", "spotify"), ("own_only", "audio", "neither")],
)
def test_tracks_play_where_the_person_wants(client, ada, playback, both, there_alone):
    set_preferences(user=ada, playback=playback)
    make_track("sad", title="In both places", audio="demo/a.ogg")
    make_track("sad", title="There alone")
    make_track("sad", title="Here alone", spotify_id="", audio="demo/b.ogg")
    capture = make_capture(ada, chosen="sad")
    page = client.get(f"/captures/{capture.pk}/playlist/").content.decode()
    found = {title: player_of(page, title) for title in ("In both places", "There alone", "Here alone")}
    assert found == {"In both places": both, "There alone": there_alone, "Here alone": "audio"}


def player_of(page: str, title: str) -> str:
    item = next(item for item in page.split("<li ") if f'data-title="{title}"' in item)
    return "spotify" if "data-spotify" in item else "audio" if "<audio" in item and "data-audio" in item else "neither"


def test_who_is_not_logged_in_is_asked_to(client):
    assert client.get(PAGE).url.startswith("/accounts/login/")
