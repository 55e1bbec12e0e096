"""Tracks by API, and imports and clusterings for those who run the site."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client
from rest_framework.serializers import Serializer

from catalogue.models import Clustering, ClusteringRun, Import, Track
from catalogue.serializers import TrackOutput
from emotune.emotions import EMOTIONS
from tests.admin_site import CLUSTERING_RIGHTS
from tests.api_site import bearing, check_problem, fresh_limits, token_of
from tests.factories import make_track, make_user

__all__ = ["fresh_limits"]
pytestmark = pytest.mark.django_db
CENTROIDS = {name: [5.0, 5.0, 5.0] for name in EMOTIONS}


@pytest.fixture
def get(client):
    reads = bearing(token_of(make_user(), "read"))
    return lambda address, **more: client.get(f"/api/v1/{address}", headers={**reads, **more})


@pytest.fixture
def root():
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def admin(root):
    return bearing(token_of(root, "admin"))


def ids(page) -> list[int]:
    return [row["id"] for row in page.json()["results"]]


def test_tracks_of_an_emotion_come_the_nearest_first(get):
    far, near = make_track("sad", distance=2.0), make_track("sad", distance=0.5)
    make_track("happy")
    assert ids(get("tracks?emotion=sad")) == [near.pk, far.pk]
    shown = get("tracks?emotion=sad").json()["results"][0]
    assert (shown["emotion"], shown["distance"], shown["mbid"]) == ("sad", 0.5, None)


@pytest.mark.parametrize("more", [{}, {"spotify_id": "1" * 22, "audio": "a.ogg", "lastfm_url": "", "distance": None}])
def test_a_track_is_written_as_its_fields_in_the_contract_say(more):
    track = make_track("sad", **more)
    shape = TrackOutput(track)
    assert shape.data == Serializer.to_representation(shape, track)


def test_tracks_at_one_distance_are_each_on_one_page(get):
    made = [make_track("sad", distance=1.0).pk for _ in range(7)]
    seen, address = [], "tracks?emotion=sad&limit=2"
    while address:
        page = get(address)
        seen += ids(page)
        address = (page.json()["next"] or "").partition("/api/v1/")[2]
    assert seen == made


def test_tracks_are_found_by_artist_genre_and_words(get):
    one = make_track(artist="Björk", title="Jóga", genre="art pop")
    two = make_track(artist="björk tribute", title="Hunter", genre="trip-hop")
    assert ids(get("tracks?artist=Björk")) == [one.pk]
    assert ids(get("tracks?genre=pop")) == [one.pk]
    assert ids(get("tracks?search=BJÖRK")) == [one.pk, two.pk]
    assert ids(get("tracks?search=hunter tribute")) == [two.pk]
    assert ids(get("tracks?search=%25")) == []
    assert ids(get("tracks?search=\\")) == []


def test_a_track_is_found_by_its_id_and_by_spotifys(get):
    track = make_track()
    by_id = get(f"tracks/{track.pk}")
    assert by_id.json() == get(f"tracks/spotify/{track.spotify_id}").json()
    assert get(f"tracks/{track.pk}", **{"If-None-Match": by_id["ETag"]}).status_code == 304
    Track.objects.update(title="Renamed")
    assert get(f"tracks/{track.pk}", **{"If-None-Match": by_id["ETag"]}).json()["title"] == "Renamed"
    check_problem(get("tracks/spotify/0000000000000000000000"), 404)
    check_problem(get("tracks/spotify/short"), 404)
    check_problem(get("tracks/999999999999999999999999"), 404)


@pytest.mark.parametrize("query", ["emotion=glad", "emotion=", "limit=101", "limit=x", "search=%00", "artist=", "sad"])
def test_filters_that_cannot_be_are_422(get, query):
    check_problem(get(f"tracks?{query}"), 422)


@pytest.mark.parametrize("rows", [5, 40])
def test_a_page_takes_a_fixed_number_of_queries(get, rows, django_assert_num_queries):
    for _ in range(rows):
        make_track("sad")
    get("tracks?emotion=sad")
    with django_assert_num_queries(2):  # the token, and the page
        assert get("tracks?emotion=sad&limit=30").status_code == 200


def test_audio_can_be_heard_by_token_and_in_parts(get, settings, tmp_path):
    settings.AUDIO_ROOT = tmp_path
    (tmp_path / "one.wav").write_bytes(b"0123456789")
    track = make_track(audio="one.wav")
    assert get(f"tracks/{track.pk}").json()["has_audio"] is True
    whole = get(f"tracks/{track.pk}/audio")
    assert (whole.status_code, b"".join(whole.streaming_content)) == (200, b"0123456789")
    part = get(f"tracks/{track.pk}/audio", Range="bytes=2-4")
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"234")
    beyond = get(f"tracks/{track.pk}/audio", Range="bytes=99-")
    check_problem(beyond, 416)
    assert beyond["Content-Range"] == "bytes */10"
    check_problem(get(f"tracks/{make_track().pk}/audio"), 404)


def test_audio_is_not_sent_again_nor_when_it_is_another(get, settings, tmp_path):
    settings.AUDIO_ROOT = tmp_path
    (tmp_path / "one.wav").write_bytes(b"0123456789")
    address = f"tracks/{make_track(audio='one.wav').pk}/audio"
    whole = get(f"{address}?t=1")  # as a player asks that wants to get past its cache
    assert (whole.status_code, b"".join(whole.streaming_content)) == (200, b"0123456789")
    kept = get(address, **{"If-None-Match": whole["ETag"]})
    assert (kept.status_code, kept["ETag"]) == (304, whole["ETag"])
    assert "If-Match" in check_problem(get(address, **{"If-Match": '"other"'}), 412)["detail"]


def test_an_import_is_taken_followed_and_cancelled(client, admin):
    file = SimpleUploadedFile("muse.csv", b"lastfm_url,track\n", "text/csv")
    made = client.post("/api/v1/imports", {"file": file}, headers=admin)
    assert made.status_code == 202, made.content
    assert made["Retry-After"] == "1"
    assert (made.json()["state"], made.json()["name"]) == ("queued", "muse.csv")
    assert client.get(made["Location"], headers=admin).json()["progress"] == {"done": 0, "total": None, "note": ""}
    assert len(client.get("/api/v1/imports", headers=admin).json()["results"]) == 1
    ended = client.post(made["Location"] + "/cancel", headers=admin)
    assert (ended.status_code, ended.json()["state"]) == (202, "cancelled")
    assert LogEntry.objects.filter(change_message="Asked to stop.").count() == 1
    assert not Import.objects.get().file
    check_problem(client.get(made["Location"] + "/rejects", headers=admin), 404)
    check_problem(client.post("/api/v1/imports", {"file": SimpleUploadedFile("e", b"")}, headers=admin), 422)
    check_problem(client.post("/api/v1/imports", {}, headers=admin), 422)


def test_a_form_is_not_read_before_it_is_known_whether_the_person_may_send_it(root, monkeypatch):
    written = []
    new_file = TemporaryFileUploadHandler.new_file

    def write(handler, *file, **more):
        written.append(file)
        return new_file(handler, *file, **more)

    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", write)
    for user, named, status in ((make_user(), True, 403), (root, False, 403), (root, True, 202)):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(user)
        browser.get("/account/consent/")
        secret = browser.cookies["csrftoken"].value
        form = {"csrfmiddlewaretoken": secret} if not named else {}
        file = SimpleUploadedFile("muse.csv", b"lastfm_url,track\n", "text/csv")
        headers = {"X-CSRFToken": secret} if named else {}
        answer = browser.post("/api/v1/imports", {**form, "file": file}, headers=headers)
        assert answer.status_code == status, answer.content
        assert len(written) == (status == 202)


def test_a_clustering_is_asked_for_and_put_in_force_by_runs(client, admin):
    def send(**body):
        return client.post("/api/v1/clustering-runs", body, "application/json", headers=admin)

    made = send(method="kmeans")
    assert made.status_code == 202, made.content
    assert made.json()["activates"] is False
    assert client.get(made["Location"], headers=admin).json()["method"] == "kmeans"
    clustering = Clustering.objects.create(method="kmeans", centroids=CENTROIDS)
    one, two = send(activate=clustering.pk), send(activate=clustering.pk)
    assert one.json()["id"] == two.json()["id"]
    assert one.json()["clustering"] == clustering.pk
    assert client.post(one["Location"] + "/cancel", headers=admin).json()["state"] == "cancelled"
    check_problem(send(activate=clustering.pk + 1), 404)
    for body in ({}, {"method": "magic"}, {"method": "kmeans", "activate": clustering.pk}):
        check_problem(send(**body), 422)
    shown = client.get(f"/api/v1/clusterings/{clustering.pk}", headers=admin).json()
    assert shown["centroids"] == CENTROIDS
    assert client.get("/api/v1/clusterings", headers=admin).json()["results"] == [shown]
    make_track("sad")
    preview = client.get(f"/api/v1/clusterings/{clustering.pk}/preview", headers=admin).json()
    assert preview["total"] == 1


@pytest.mark.parametrize("address", ["imports", "clusterings", "clustering-runs"])
def test_only_those_who_run_the_site_see_its_jobs(client, address, root):
    check_problem(client.get(f"/api/v1/{address}", headers=bearing(token_of(make_user(), "read"))), 403)
    check_problem(client.get(f"/api/v1/{address}", headers=bearing(token_of(root, "read"))), 403)
    check_problem(client.get(f"/api/v1/{address}"), 401)
    assert client.get(f"/api/v1/{address}", headers=bearing(token_of(root, "admin"))).status_code == 200
    root.is_staff = False
    root.save()
    check_problem(client.get(f"/api/v1/{address}", headers=bearing(token_of(root, "read"))), 403)


def test_staff_may_do_what_they_were_given_the_right_to(client):
    """As in the admin: whoever may look at clusterings may not put one in force for that."""
    helper = make_user(is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_clustering"))
    headers = bearing(token_of(helper, "admin"))
    assert client.get("/api/v1/clusterings", headers=headers).status_code == 200
    found = check_problem(client.get("/api/v1/imports", headers=headers), 403)
    assert "right" in found["detail"]
    runs = "/api/v1/clustering-runs"
    check_problem(client.post(runs, {"method": "kmeans"}, "application/json", headers=headers), 403)
    helper.user_permissions.add(Permission.objects.get(codename="add_clustering"))
    clustering = Clustering.objects.create(method="kmeans", centroids=CENTROIDS)
    check_problem(client.post(runs, {"activate": clustering.pk}, "application/json", headers=headers), 403)
    assert not ClusteringRun.objects.exists()


@pytest.mark.parametrize(("right", "may"), CLUSTERING_RIGHTS)
def test_each_right_opens_by_api_what_it_opens_in_the_admin(client, right, may):
    clustering = Clustering.objects.create(method="kmeans", centroids=CENTROIDS)
    making = ClusteringRun.objects.create(method="kmeans", task="t")
    activation = ClusteringRun.objects.create(method="kmeans", task="t", activates=True)
    helper = make_user(is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename=right))
    headers = bearing(token_of(helper, "admin"))

    def send(address, **body):
        return client.post(f"/api/v1/{address}", body, "application/json", headers=headers).status_code

    places = ("clusterings", f"clusterings/{clustering.pk}", "clustering-runs", f"clustering-runs/{making.pk}")
    looks = {client.get(f"/api/v1/{place}", headers=headers).status_code for place in places}
    statuses = {
        "make": send("clustering-runs", method="kmeans"),
        "activate": send("clustering-runs", activate=clustering.pk),
        "cancel making": send(f"clustering-runs/{making.pk}/cancel"),
        "cancel activation": send(f"clustering-runs/{activation.pk}/cancel"),
    }
    assert looks == ({200} if "look" in may else {403})
    assert statuses == {name: 202 if name in may else 403 for name in statuses}
