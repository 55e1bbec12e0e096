"""What pages show that is neither a person's list nor a job, by API: the map, a shared playlist, a journey's end."""

import pytest

from playlists.models import Playlist
from tests.api_site import ask, bearing, check_problem, fresh_limits, token_of
from tests.factories import make_capture, make_track, make_user

__all__ = ["ask", "fresh_limits"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return make_user()


def test_the_map_counts_tracks_by_cell_and_a_cell_lists_them(ask):
    here, other = make_track("sad", valence=2.6, arousal=3.1), make_track("happy", valence=7.9, arousal=5.5)
    found = ask("get", "map").json()
    assert {(cell["area"], cell["emotion"], cell["tracks"]) for cell in found["cells"]} == {
        ("0-10-12", "sad", 1),
        ("0-31-22", "happy", 1),
    }
    assert found["per_unit"] == 4
    for track, area in ((here, "0-10-12"), (other, "0-31-22"), (other, "3-252-176")):
        assert [row["id"] for row in ask("get", f"tracks?area={area}").json()["results"]] == [track.pk]
    near = ask("get", "map?zoom=3&x=240&y=170").json()["cells"]
    assert [cell["area"] for cell in near] == ["3-252-176"]
    for wrong in ("map?zoom=7", "map?x=1", "map?zoom=1&x=9999", "map?x=-1", "tracks?area=0-99-99", "tracks?area=%00"):
        check_problem(ask("get", wrong), 422)


def test_a_track_is_found_by_its_title_alone(ask):
    found, _ = make_track(title="Slow Rain", artist="A"), make_track(title="B", artist="Slow Rain")
    assert [row["id"] for row in ask("get", "tracks?title=rain%20slow").json()["results"]] == [found.pk]


def test_a_shared_playlist_is_seen_by_whoever_has_its_link(ask, client, user):
    track = make_track("sad")
    playlist = ask("post", "playlists", {"capture": str(make_capture(user).id)}).json()["id"]
    assert ask("put", f"tracks/{track.pk}/rating", {"value": 1}).status_code == 200
    for shows_mood, mood in ((False, None), (True, "sad")):
        link = ask("put", f"playlists/{playlist}/share", {"shows_mood": shows_mood}).json()["url"]
        token = link.rstrip("/").rpartition("/")[2]
        seen = client.get(f"/api/v1/shared/{token}")
        assert (seen.status_code, seen.json()["emotion"], seen.json()["wanted"]) == (200, mood, None)
        assert [row["track"]["id"] for row in seen.json()["tracks"]] == [track.pk]
        assert set(seen.json()["tracks"][0]) == {"rank", "track"}
    ask("delete", f"playlists/{playlist}/share")
    for gone in (token, "nothing", "%00", "a" * 300):
        check_problem(client.get(f"/api/v1/shared/{gone}"), 404)
    assert client.get("/shared/%00/").status_code == 404


def test_a_journey_is_deleted_and_the_playlist_of_a_capture_is_not(ask, user):
    make_track("sad")
    make_track("happy")
    journey = ask("post", "journeys", {"emotion": "sad", "wanted": "happy", "tracks": 3}).json()["id"]
    kept = ask("post", "playlists", {"capture": str(make_capture(user).id)}).json()["id"]
    assert ask("delete", f"playlists/{journey}").status_code == 204
    assert ask("delete", f"playlists/{journey}").status_code == 404
    assert "Delete the capture" in check_problem(ask("delete", f"playlists/{kept}"), 422)["detail"]
    assert list(Playlist.objects.values_list("id", flat=True)) == [kept]


def test_a_cursor_is_good_for_the_list_that_it_came_from_and_for_no_other(ask, user):
    for emotion in ("sad", "happy"):
        for distance in (0.1, 0.2, 0.3):
            make_track(emotion, distance=distance)
    for _ in range(3):
        make_capture(user)

    def cursor(address):
        return ask("get", f"{address}limit=1").json()["next"].partition("cursor=")[2].partition("&")[0]

    sad, captures = cursor("tracks?emotion=sad&"), cursor("captures?")
    assert len(ask("get", f"tracks?emotion=sad&limit=2&cursor={sad}").json()["results"]) == 2
    assert len(ask("get", f"captures/?cursor={captures}").json()["results"]) == 2
    for other in (f"tracks?emotion=happy&cursor={sad}", f"me/exports?cursor={captures}", f"captures?cursor={sad}"):
        assert "not from this list" in check_problem(ask("get", other), 422)["detail"]


def test_errors_of_the_frame_say_what_to_do(ask, client):
    assert "Authorization: Bearer" in check_problem(client.get("/api/v1/me"), 401)["detail"]
    assert "GET" in check_problem(ask("delete", "emotions"), 405)["detail"]
    wrong = client.post("/api/v1/listens", "a", "text/plain", headers=bearing(token_of(make_user(), "listen")))
    assert "application/json" in check_problem(wrong, 415)["detail"]
