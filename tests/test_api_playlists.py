"""Playlists, listens, ratings and scrobblers by API."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.serializers import DictField, IntegerField

from catalogue.models import Track
from emotune.api.problems import MOST_ERRORS
from playlists import listening
from playlists.models import HistoryImport, Listen, NeverAgain, NeverArtist, Rating, Skip
from playlists.serializers import ListenInput
from playlists.services import build_journey_from
from tests.api_site import ask, bearing, check_problem, fresh_limits, token_of
from tests.factories import make_capture, make_track, make_user

__all__ = ["ask", "fresh_limits"]
pytestmark = pytest.mark.django_db
THEN = "2026-01-02T03:04:05Z"


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def scrobble(client, user):
    headers = bearing(token_of(user, "listen"), "Token")

    def scrobble(kind, *listens, **more):
        body = {"listen_type": kind, "payload": list(listens), **more}
        return client.post("/api/v1/listenbrainz/1/submit-listens", body, "application/json", headers=headers)

    return scrobble


def heard(artist="Artist", title="Title", at=1_700_000_000, **info):
    metadata = {"artist_name": artist, "track_name": title, "release_name": "Album", "additional_info": info}
    return {"listened_at": at, "track_metadata": metadata}


def test_recommendations_are_for_a_mood(ask):
    make_track("sad")
    found = ask("get", "recommendations?emotion=sad&k=3").json()
    assert [row["track"]["emotion"] for row in found["tracks"]] == ["sad"]
    for wrong in ("", "?emotion=glad", "?emotion=sad&k=0", "?emotion=sad&k=101", "?emotion=sad&seed=-1"):
        check_problem(ask("get", f"recommendations{wrong}"), 422)


def test_a_playlist_is_made_listed_shared_and_unshared(ask, client, user):
    track, capture = make_track("sad"), make_capture(user)
    made = ask("post", "playlists", {"capture": str(capture.id)})
    assert made.status_code == 201
    assert [row["track"]["id"] for row in made.json()["tracks"]] == [track.pk]
    playlist = made.json()["id"]
    assert made["Location"] == f"/api/v1/playlists/{playlist}"
    assert [row["id"] for row in ask("get", f"playlists?capture={capture.id}").json()["results"]] == [playlist]
    assert ask("get", "journeys").json()["results"] == []
    link = ask("put", f"playlists/{playlist}/share", {}).json()["url"]
    assert client.get(link).status_code == 200
    assert ask("delete", f"playlists/{playlist}/share").status_code == 204
    assert client.get(link).status_code == 404


def test_a_shared_playlist_tells_the_mood_where_its_owner_says_so_and_nowhere_else(ask, client, user):
    make_track("sad", title="Blue", seeds=["melancholy"])
    playlist = ask("post", "playlists", {"capture": str(make_capture(user).id)}).json()["id"]
    address = f"/api/v1/shared/{ask('put', f'playlists/{playlist}/share', {}).json()['url'].split('/')[-2]}"
    seen = client.get(address)
    (row,) = seen.json()["tracks"]
    assert (row["rank"], row["track"]["title"]) == (1, "Blue")
    assert not {"emotion", "distance", "valence", "arousal", "dominance", "moods"} & row["track"].keys()
    assert "sad" not in seen.content.decode()
    ask("put", f"playlists/{playlist}/share", {"shows_mood": True})
    shown = client.get(address).json()
    assert (shown["emotion"], shown["tracks"][0]["track"]["emotion"]) == ("sad", "sad")
    assert shown["tracks"][0]["track"]["moods"] == ["melancholy"]


def test_a_journey_begins_at_a_capture_or_anywhere(ask, user):
    make_track("sad")
    make_track("happy")
    capture = make_capture(user)
    for start in ({"capture": str(capture.id)}, {"emotion": "sad"}):
        made = ask("post", "journeys", {**start, "wanted": "happy", "tracks": 3})
        assert (made.status_code, made.json()["wanted"]) == (201, "happy")
    assert len(ask("get", "journeys").json()["results"]) == 2
    both = {"capture": str(capture.id), "emotion": "sad", "wanted": "happy"}
    for wrong in (both, {"wanted": "happy"}, {"emotion": "sad", "wanted": "sad"}):
        check_problem(ask("post", "journeys", wrong), 422)


def test_a_listen_is_noted_once_per_moment_and_deleted(ask):
    track = make_track()
    made = ask("post", "listens", {"spotify_id": track.spotify_id, "listened_at": THEN})
    again = ask("post", "listens", {"track": track.pk, "listened_at": THEN})
    assert (made.status_code, made.json()) == (201, again.json())
    assert ask("get", f"listens/{made.json()['id']}").json() == made.json()
    assert ask("delete", f"listens/{made.json()['id']}").status_code == 204
    check_problem(ask("delete", f"listens/{made.json()['id']}"), 404)
    wrong: tuple[dict[str, object], ...] = (
        {},
        {"track": 0},
        {"track": track.pk + 1},
        {"spotify_id": "0" * 22},
        {"track": True, "spotify_id": "x"},
    )
    for body in (*wrong, {"track": track.pk, "listened_at": "1999-01-01T00:00:00Z"}, {"track": 2**70}):
        check_problem(ask("post", "listens", body), 422)


def test_listens_come_in_bulk_all_or_none(ask):
    one, two = make_track(), make_track()
    rows = [{"track": one.pk, "listened_at": THEN}, {"spotify_id": two.spotify_id, "listened_at": THEN}]
    assert ask("post", "listens/bulk", {"listens": rows}).json() == {"received": 2, "changed": 2}
    assert ask("post", "listens/bulk", {"listens": rows}).json() == {"received": 2, "changed": 0}
    check_problem(ask("post", "listens/bulk", {"listens": [{"track": one.pk}, {"track": two.pk + 1}]}), 422)
    check_problem(ask("post", "listens/bulk", {"listens": [{"track": one.pk}] * 1001}), 422)
    found = check_problem(ask("post", "listens/bulk", {"listens": [rows[0], {"trakc": 1}]}), 422)
    assert found["errors"][0]["pointer"] == "/listens/1/trakc"
    assert Listen.objects.count() == 2


def test_errors_say_which_of_many_listens_is_wrong_and_what_of_it(ask):
    good, other = {"track": make_track().pk}, make_playlist_of_another()
    wrong = [
        good,
        {"spotify_id": "0" * 22},
        {"track": 2**40, "listened_at": "1999-01-01T00:00:00Z"},
        {**good, "playlist": other},
        {**good, "playlist": None, "listened_at": "2999-01-01T00:00:00Z"},
    ]
    found = check_problem(ask("post", "listens/bulk", {"listens": wrong}), 422)["errors"]
    assert [error["pointer"] for error in found] == [
        "/listens/1/spotify_id",
        "/listens/2/track",
        "/listens/2/listened_at",
        "/listens/3/playlist",
        "/listens/4/listened_at",
    ]
    assert "no such track" in found[0]["detail"]
    for place, pointers in ((1, ["/spotify_id"]), (2, ["/track", "/listened_at"]), (4, ["/listened_at"])):
        found = check_problem(ask("post", "listens", wrong[place]), 422)["errors"]
        assert [error["pointer"] for error in found] == pointers
    assert not Listen.objects.exists()


def make_playlist_of_another() -> int:
    make_track("happy")
    return build_journey_from(user=make_user(), emotion="sad", wanted="happy").pk


def test_whose_account_is_deleted_meanwhile_is_told_so(ask, user, monkeypatch):
    def late(*what):
        user.delete()
        return count(*what)

    count = listening._check_number
    monkeypatch.setattr(listening, "_check_number", late)
    found = check_problem(ask("put", f"tracks/{make_track().pk}/rating", {"value": 1}), 410)
    assert "account was deleted" in found["detail"]


@pytest.mark.parametrize(
    ("address", "body", "name", "item"),
    [
        ("listens/bulk", {"listens": [{}] * 1001}, "listens", ListenInput),
        ("ratings", {"tracks": ["x"] * 1001, "value": 1}, "tracks", IntegerField),
        ("listenbrainz/1/submit-listens", {"listen_type": "import", "payload": [7] * 1001}, "payload", DictField),
    ],
)
def test_a_list_that_is_too_long_is_refused_before_its_items_are_looked_at(ask, monkeypatch, address, body, name, item):
    seen = []
    monkeypatch.setattr(item, "run_validation", lambda _, data: seen.append(data))
    found = check_problem(ask("post", address, body), 422)
    assert found["errors"] == [{"detail": "Ensure this field has no more than 1000 elements.", "pointer": f"/{name}"}]
    assert not seen


def test_of_many_items_that_are_wrong_a_hundred_are_named_and_no_more_looked_at(ask, monkeypatch):
    seen = []
    validate = ListenInput.run_validation

    def look_at(item, data):
        seen.append(data)
        return validate(item, data)

    monkeypatch.setattr(ListenInput, "run_validation", look_at)
    listens = [{"track": 1}, *({f"name{n}": 1 for n in range(110)} for _ in range(999))]
    answer = ask("post", "listens/bulk", {"listens": listens})
    found = check_problem(answer, 422)
    assert [error["pointer"].split("/")[2] for error in found["errors"]] == ["1"] * MOST_ERRORS
    assert len(seen) == 1 + MOST_ERRORS
    found = check_problem(ask("post", "listens/bulk", {"listens": [{}] * 1000}), 422)
    assert [error["pointer"] for error in found["errors"]] == [f"/listens/{n}" for n in range(MOST_ERRORS)]
    assert "at least 99 more errors" in found["detail"]


def test_a_body_in_chunks_is_not_taken_for_an_empty_one(client, user):
    """Django would read nothing of it, and an artist or a track would be kept out for ever instead of for a while."""
    address, headers = f"/api/v1/tracks/{make_track().pk}/never-again", bearing(token_of(user, "listen"))
    until = {"until": "2126-01-02T03:04:05Z"}
    chunked = {"headers": {**headers, "Transfer-Encoding": "chunked"}, "CONTENT_LENGTH": ""}
    found = check_problem(client.put(address, until, "application/json", **chunked), 411)
    assert "Content-Length" in found["detail"]
    assert client.get(found["type"]).json()["status"] == 411
    assert not NeverAgain.objects.exists()
    assert client.put(address, until, "application/json", headers=headers).json()["until"] == until["until"]


def test_listens_are_searched_and_all_deleted_on_one_word(ask):
    track = make_track("sad", title="Needle")
    ask("post", "listens", {"track": track.pk, "listened_at": THEN})
    ask("post", "listens", {"track": make_track("happy").pk})
    for query in ("search=needle", "emotion=sad", "until=2026-01-02"):
        assert [row["track"]["title"] for row in ask("get", f"listens?{query}").json()["results"]] == ["Needle"]
    check_problem(ask("get", "listens?since=2026-02-01&until=2026-01-01"), 422)
    check_problem(ask("get", "listens?since=yesterday"), 422)
    check_problem(ask("delete", "listens"), 422)
    assert ask("delete", "listens?everything=yes").json() == {"deleted": 2}


def test_a_number_that_no_database_has_is_nothing_that_is_there(ask):
    far = 10**20
    for method, address in (
        ("get", f"tracks/{far}/rating"),
        ("put", f"tracks/{far}/rating"),
        ("get", f"listens/{far}"),
        ("delete", f"listens/{far}"),
        ("get", f"playlists/{far}"),
    ):
        check_problem(ask(method, address, *([{"value": 1}] if method == "put" else [])), 404)


def test_ratings_skips_and_what_is_never_wanted_again(ask, user):
    track, other = make_track(), make_track()
    assert ask("put", f"tracks/{track.pk}/rating", {"value": 1}).json()["value"] == 1
    assert ask("get", f"tracks/{track.pk}/rating").json()["value"] == 1
    assert ask("post", "ratings", {"tracks": [track.pk, other.pk], "value": -1}).json()["changed"] == 2
    assert len(ask("get", "ratings?value=-1").json()["results"]) == 2
    assert ask("delete", f"tracks/{track.pk}/rating").status_code == 204
    check_problem(ask("get", f"tracks/{track.pk}/rating"), 404)
    for wrong in (0, 2, "x", None):
        check_problem(ask("put", f"tracks/{track.pk}/rating", {"value": wrong}), 422)
    assert Rating.objects.count() == 1
    assert ask("post", "skips", {"track": track.pk, "seconds": 7.5}).status_code == 204
    check_problem(ask("post", "skips", {"track": track.pk, "seconds": -1}), 422)
    assert Skip.objects.get().seconds == 7
    assert ask("put", f"tracks/{track.pk}/never-again", {}).json()["until"] is None
    assert len(ask("get", "never-again").json()["results"]) == 1
    check_problem(ask("put", f"tracks/{track.pk}/never-again", {"until": THEN}), 422)
    assert ask("delete", f"tracks/{track.pk}/never-again").status_code == 204
    assert ask("put", "never-again/artists", {"artist": track.artist}).json()["artist"] == track.artist
    check_problem(ask("put", "never-again/artists", {"artist": "Nobody"}), 422)
    (kept,) = ask("get", "never-again/artists").json()["results"]
    Track.objects.filter(pk=track.pk).update(artist="Spelled otherwise")
    assert ask("put", "never-again/artists", {"artist": kept["artist"]}).json()["artist"] == track.artist
    assert len(ask("get", "never-again/artists").json()["results"]) == 1
    assert ask("delete", f"never-again/artists?artist={track.artist}").status_code == 204
    check_problem(ask("delete", f"never-again/artists?artist={track.artist}"), 404)
    assert not NeverAgain.objects.exists()
    assert not NeverArtist.objects.exists()


def test_a_history_is_imported_followed_cancelled_and_removed(client, user):
    headers = bearing(token_of(user, "read", "listen"))
    file = SimpleUploadedFile("listens.jsonl", json.dumps(heard()).encode())
    made = client.post("/api/v1/history-imports", {"file": file, "kind": "listenbrainz"}, headers=headers)
    assert made.status_code == 202, made.content
    assert (made.json()["state"], made["Retry-After"]) == ("queued", "1")
    check_problem(client.delete(made["Location"], headers=headers), 422)
    assert client.post(made["Location"] + "/cancel", headers=headers).json()["state"] == "cancelled"
    assert len(client.get("/api/v1/history-imports", headers=headers).json()["results"]) == 1
    assert client.delete(made["Location"], headers=headers).json() == {"deleted": 0}
    assert not HistoryImport.objects.exists()


def test_what_an_import_could_not_use_is_told(client, user):
    HistoryImport.objects.create(
        user=user,
        name="listens.zip",
        state="done",
        rejects=[["line 7", "the time is missing"]],
        missing=[["Nina", "Not There", 12], ["Ada", "", 1]],
    )
    told = client.get("/api/v1/history-imports", headers=bearing(token_of(user, "read"))).json()["results"][0]
    assert told["rejects"] == [{"place": "line 7", "reason": "the time is missing"}]
    assert told["missing"] == [
        {"artist": "Nina", "title": "Not There", "listens": 12},
        {"artist": "Ada", "title": "", "listens": 1},
    ]


def test_a_scrobbler_submits_in_listenbrainzs_words(scrobble):
    by_name = make_track(artist="The Beatles", title="Help!")
    by_spotify = make_track()
    answer = scrobble("single", heard("the beatles", "help"))
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"status": "ok", "received": 1, "recognised": 1, "new": 1}
    spotify = heard("X", "Y", spotify_id=f"https://open.spotify.com/track/{by_spotify.spotify_id}")
    many = scrobble("import", spotify, heard("Nobody", "Nothing"), heard("Beatles", "Help!"), extra="is let through")
    assert many.json() == {"status": "ok", "received": 3, "recognised": 2, "new": 1}
    assert set(Listen.objects.values_list("track_id", flat=True)) == {by_name.pk, by_spotify.pk}


def test_a_scrobbler_may_name_who_is_featured_and_write_other_letters_than_ascii(scrobble):
    make_track(artist="Eminem", title="Love")
    make_track(artist="\u00d3lafur Arnalds", title="Near Light")
    listens = heard("Eminem feat. Rihanna", "Love"), heard("\u00d3lafur Arnalds", "Near Light")
    assert scrobble("import", *listens).json()["recognised"] == 2


def test_a_scrobbler_may_send_the_parameters_that_it_has_for_listenbrainz(client, user):
    make_track(artist="Artist", title="Title")
    headers, body = bearing(token_of(user, "listen"), "Token"), {"listen_type": "single", "payload": [heard()]}
    address = "/api/v1/listenbrainz/1"
    sent = client.post(f"{address}/submit-listens?return_msid=true", body, "application/json", headers=headers)
    assert sent.json()["new"] == 1
    assert client.get(f"{address}/validate-token?token=mine", headers=headers).json()["valid"] is True


def test_what_plays_now_is_taken_and_not_noted(scrobble):
    make_track(artist="Artist", title="Title")
    playing = {"track_metadata": {"artist_name": "Artist", "track_name": "Title"}}
    assert scrobble("playing_now", playing).json()["status"] == "ok"
    assert not Listen.objects.exists()


@pytest.mark.parametrize(
    ("kind", "listens"),
    [
        ("single", []),
        ("single", [heard(), heard()]),
        ("loud", [heard()]),
        ("single", [{}]),
        ("single", ["x"]),
        ("single", [heard(at=0)]),
        ("single", [heard(at="x")]),
        ("single", [heard(title="")]),
        ("single", [heard(title="a\0b")]),
        ("import", [heard(), {"track_metadata": 7}]),
        ("import", [heard()] * 1001),
    ],
)
def test_a_submission_that_cannot_be_read_says_so_in_both_ways(scrobble, kind, listens):
    make_track(artist="Artist", title="Title")
    found = check_problem(scrobble(kind, *listens), 422)
    assert (found["code"], found["error"]) == (422, found["detail"])
    assert not Listen.objects.exists()


def test_a_token_is_told_to_be_valid_as_listenbrainz_does(client, user):
    address = "/api/v1/listenbrainz/1/validate-token"
    good = client.get(address, headers=bearing(token_of(user, "listen"), "Token"))
    assert (good.json()["valid"], good.json()["user_name"]) == (True, user.email)
    assert check_problem(client.get(address, headers=bearing("emo_no", "Token")), 401)["code"] == 401
