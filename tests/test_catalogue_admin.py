"""The catalogue in the admin: tracks are looked at, clusterings made, compared, put in force and rolled back."""

import re
from contextlib import contextmanager

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalogue.models import Clustering, ClusteringRun, Track
from catalogue.services import activate_clustering, active_clustering, cluster_catalogue, import_tracks, preview_of
from catalogue.staging import bulk_write
from catalogue.tagging import put_in_force
from catalogue.work import run_clustering
from emotune.emotions import EMOTIONS
from emotune.jobs import JobState
from playlists.listening import bulk_rate, record_listen
from playlists.loading import columns
from tests.admin_site import CLUSTERING_RIGHTS
from tests.catalogue_files import muse_row, write_muse
from tests.factories import make_track, make_user

pytestmark = pytest.mark.django_db

TRACKS = "admin:catalogue_track_changelist"
CLUSTERINGS = "admin:catalogue_clustering_changelist"


@pytest.fixture
def admin(db):
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def admin_client(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def clusterings(tmp_path):
    """Two clusterings: the first in force, the second a preview by the other method."""
    import_tracks(path=write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 121)]))
    return active_clustering(), cluster_catalogue(method="kmeans")


def page_of(client, clustering):
    return client.get(reverse("admin:catalogue_clustering_change", args=[clustering.pk]))


def activate(client, clustering):
    return client.post(reverse("admin:catalogue_clustering_activate", args=[clustering.pk]))


def carried_out(client, clustering):
    """Press the button, and do what the worker does; return the job."""
    assert activate(client, clustering).status_code == 302
    run = ClusteringRun.objects.all()[0]
    run_clustering(str(run.pk))
    run.refresh_from_db()
    return run


def test_tracks_are_searched_by_title_artist_and_genre_and_filtered_by_emotion_and_origin(admin_client):
    make_track("sad", title="Blue", artist="Mitchell", genre="folk")
    make_track("happy", title="Sun", origin="demo")
    for query, found in [
        ({"q": "blue"}, {"Blue"}),
        ({"q": "mitchell"}, {"Blue"}),
        ({"q": "folk"}, {"Blue"}),
        ({"emotion": "happy"}, {"Sun"}),
        ({"origin__exact": "demo"}, {"Sun"}),
        ({}, {"Blue", "Sun"}),
    ]:
        page = admin_client.get(reverse(TRACKS), query)
        assert {track.title for track in page.context["cl"].queryset} == found


def test_a_track_is_shown_and_not_changed_by_hand_but_for_its_audio(admin_client, clusterings, settings, tmp_path):
    settings.AUDIO_ROOT = tmp_path
    (tmp_path / "mine.mp3").write_bytes(b"sound")
    track = make_track("sad", title="<b>Bold</b>")
    address = reverse("admin:catalogue_track_change", args=[track.pk])
    page = admin_client.get(address).content.decode()
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert "<b>Bold" not in page
    assert 'name="emotion"' not in page
    before = columns()
    for wrong in ("gone.mp3", "../mine.mp3"):
        answer = admin_client.post(address, {"audio": wrong})
        assert "There is no such audio file below" in answer.content.decode()
    assert admin_client.post(address, {"emotion": "fear", "audio": "mine.mp3"}).status_code == 302
    track.refresh_from_db()
    assert (track.emotion, track.audio) == ("sad", "mine.mp3")
    assert columns() is not before
    assert admin_client.get(reverse("admin:catalogue_track_add")).status_code == 403


def test_audio_that_is_saved_leaves_what_was_written_since_the_track_was_read(clusterings, rf):
    read = Track.objects.all()[0]
    Track.objects.filter(pk=read.pk).update(emotion="fear", distance=9, title="New")
    read.audio = "mine.mp3"
    site.get_model_admin(Track).save_model(rf.post("/"), read, None, True)
    read.refresh_from_db()
    assert (read.audio, read.emotion, read.distance, read.title) == ("mine.mp3", "fear", 9, "New")
    Track.objects.filter(pk=read.pk).delete()
    with pytest.raises(Http404, match="deleted meanwhile"):
        site.get_model_admin(Track).save_model(rf.post("/"), read, None, True)


def test_before_tracks_are_deleted_what_goes_along_is_counted_and_nobody_is_named(admin_client):
    def fill(track, people):
        for _ in range(people):
            person = make_user()
            record_listen(user=person, track=track, source="audio")
            bulk_rate(user=person, track_ids=[track.pk], value=1)

    tracks = [make_track(title=f"<b>{n}") for n in range(2)]
    asked = []
    for people in (1, 5):
        for track in tracks:
            fill(track, people)
        with CaptureQueriesContext(connection) as one:
            page = admin_client.get(reverse("admin:catalogue_track_delete", args=[tracks[0].pk])).content.decode()
        action = {"action": "delete_selected", "_selected_action": [track.pk for track in tracks]}
        with CaptureQueriesContext(connection) as both:
            all_of_them = admin_client.post(reverse(TRACKS), action).content.decode()
        asked.append((len(one), len(both)))
    assert asked[0] == asked[1]
    for words, counts in (
        (page, ("Tracks: 1", "Listens: 6", "Ratings: 6")),
        (all_of_them, ("Tracks: 2", "Listens: 12")),
    ):
        assert all(f"<li>{count}</li>" in words for count in counts)
        assert "&lt;b&gt;0" in words
        assert "<b>0" not in words
        assert "Playlist" not in words
        assert "@example.org" not in words.split('id="content"')[1]


def test_of_many_tracks_that_are_to_be_deleted_some_are_named(admin_client, monkeypatch):
    monkeypatch.setattr("emotune.deletions.NAMED", 3)
    tracks = [make_track() for _ in range(5)]
    action = {"action": "delete_selected", "_selected_action": [track.pk for track in tracks]}
    words = admin_client.post(reverse(TRACKS), action).content.decode()
    assert sum(track.title in words for track in tracks) == 3
    assert "<li>and 2 more</li>" in words


def test_who_may_not_delete_tracks_is_refused(client):
    viewer = make_user(is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_track"))
    client.force_login(viewer)
    track = make_track()
    assert client.post(reverse("admin:catalogue_track_delete", args=[track.pk]), {"post": "yes"}).status_code == 403
    assert Track.objects.exists()


def test_tracks_that_are_deleted_leave_the_columns_that_processes_keep(admin_client, clusterings):
    first, second, third = Track.objects.order_by("id")[:3]
    assert {first.pk, second.pk, third.pk} <= set(columns().ids.tolist())
    address = reverse("admin:catalogue_track_delete", args=[first.pk])
    assert admin_client.post(address, {"post": "yes"}).status_code == 302
    left = set(columns().ids.tolist())
    assert first.pk not in left
    assert second.pk in left
    action = {"action": "delete_selected", "_selected_action": [second.pk, third.pk], "post": "yes"}
    assert admin_client.post(reverse(TRACKS), action).status_code == 302
    assert not {second.pk, third.pk} & set(columns().ids.tolist())
    assert len(columns()) == Track.objects.count() == 117


def test_the_list_of_tracks_asks_as_often_for_many_as_for_few(admin_client, django_assert_num_queries):
    make_track()
    admin_client.get(reverse(TRACKS))
    with django_assert_num_queries(5):
        admin_client.get(reverse(TRACKS))
    for _ in range(20):
        make_track()
    with django_assert_num_queries(5):
        admin_client.get(reverse(TRACKS))


def test_clusterings_are_listed_with_their_figures(admin_client, clusterings):
    page = admin_client.get(reverse(CLUSTERINGS)).content.decode()
    first, _ = clusterings
    assert f"{first.quality['silhouette']:.3f}" in page
    emotion, size = min(first.quality["sizes"].items(), key=lambda item: item[1])
    assert f"{emotion}, {size / 120:.1%}" in page
    assert "never" in page
    assert page.count(first.method) >= 1


def test_a_clustering_is_made_by_a_worker_and_touches_no_tag(admin, admin_client, clusterings):
    before = list(Track.objects.values_list("emotion", flat=True))
    address = reverse("admin:catalogue_clustering_add")
    form = {"method": "kmeans", "ticket": str(admin_client.get(address).context["ticket"])}
    followed = [admin_client.post(address, form, follow=True) for _ in range(2)]
    run = ClusteringRun.objects.get()
    assert all(b"Waiting for a worker" in page.content for page in followed)
    run_clustering(str(run.pk))
    run_clustering(str(run.pk))
    run.refresh_from_db()
    assert run.state == JobState.DONE
    assert Clustering.objects.count() == 3
    made = Clustering.objects.get(runs=run)
    assert (made.state, made.created_by) == ("preview", admin)
    assert list(Track.objects.values_list("emotion", flat=True)) == before
    assert page_of(admin_client, made).status_code == 200


def test_a_method_that_there_is_not_is_refused_in_words(admin_client):
    page = admin_client.post(reverse("admin:catalogue_clustering_add"), {"method": "magic"})
    assert page.status_code == 422
    assert b"There is no method &#x27;magic&#x27;" in page.content


def test_clustering_too_few_tracks_fails_in_words(admin_client):
    page = admin_client.post(reverse("admin:catalogue_clustering_add"), {"method": "kmeans"}, follow=True)
    run_clustering(str(ClusteringRun.objects.get().pk))
    page = admin_client.get(page.redirect_chain[-1][0])
    assert b"Import more tracks first." in page.content


def test_the_preview_counts_every_track_that_would_change_and_names_examples(clusterings):
    _, second = clusterings
    old = dict(Track.objects.values_list("pk", "emotion"))
    preview = preview_of(clustering=second)
    assert preview.total == len(old) == sum(preview.sizes.values())
    examples = {(change.before, track.pk): change.after for change in preview.changes for track in change.examples}
    activate_clustering(clustering=second)
    new = dict(Track.objects.values_list("pk", "emotion"))
    moved = [(old[pk], new[pk]) for pk in old if old[pk] != new[pk]]
    assert preview.changed == len(moved) > 0
    for change in preview.changes:
        assert change.tracks == moved.count((change.before, change.after)) > 0
        assert 1 <= len(change.examples) <= 3
    assert examples == {(old[pk], pk): new[pk] for _, pk in examples}
    for name, counts in preview.table.items():
        assert sum(counts) == list(old.values()).count(name)
    assert preview_of(clustering=second).changed == 0


def test_the_preview_counts_tracks_without_a_tag_apart(clusterings):
    _, second = clusterings
    Track.objects.filter(pk__in=Track.objects.values("pk")[:5]).update(emotion="")
    preview = preview_of(clustering=second)
    assert sum(preview.table[""]) == 5
    assert preview.total == 120


def test_the_page_of_a_clustering_shows_measures_changes_and_plots(admin_client, clusterings):
    first, second = clusterings
    page = page_of(admin_client, second)
    words = page.content.decode()
    assert f"{preview_of(clustering=second).changed} of 120 tracks would get another tag" in words
    assert f"{second.quality['silhouette']:.3f}" in words
    assert all(f'<th scope="row">{emotion}</th>' in words for emotion in EMOTIONS)
    assert "Put in force" in words
    assert "Put in force" not in page_of(admin_client, first).content.decode()
    for plot in ("space", "silhouette"):
        picture = admin_client.get(reverse("admin:catalogue_clustering_plot", args=[second.pk, plot]))
        assert picture["Content-Type"] == "image/svg+xml"
        assert picture.content.startswith(b"<svg")
    assert admin_client.get(reverse("admin:catalogue_clustering_plot", args=[second.pk, "x"])).status_code == 404


def test_looking_again_at_a_preview_compares_no_track(clusterings, django_assert_max_num_queries):
    _, second = clusterings
    first = preview_of(clustering=second)
    second.refresh_from_db()
    with django_assert_max_num_queries(3):
        assert preview_of(clustering=second).table == first.table


def test_after_rolling_back_a_preview_knows_the_tracks_that_were_changed_meanwhile(clusterings, tmp_path):
    first, second = clusterings
    preview_of(clustering=second)
    activate_clustering(clustering=second)
    moved = [muse_row(n, valence_tags=8.5, arousal_tags=1.0, dominance_tags=8.0) for n in range(1, 61)]
    assert import_tracks(path=write_muse(tmp_path / "moved.csv", *moved)).updated == 60
    activate_clustering(clustering=first)
    before = list(Track.objects.order_by("pk").values_list("emotion", flat=True))
    preview = preview_of(clustering=Clustering.objects.get(pk=second.pk))
    activate_clustering(clustering=second)
    after = list(Track.objects.order_by("pk").values_list("emotion", flat=True))
    assert preview.sizes == {emotion: after.count(emotion) for emotion in EMOTIONS}
    assert preview.changed == sum(old != new for old, new in zip(before, after, strict=True))


def test_an_admin_puts_a_clustering_in_force_and_rolls_back(admin, admin_client, clusterings):
    first, second = clusterings
    before = list(Track.objects.order_by("pk").values_list("emotion", "distance"))
    run = carried_out(admin_client, second)
    assert run.state == JobState.DONE
    assert active_clustering() == second
    assert Clustering.objects.get(state="active").activated_by == admin
    listed = admin_client.get(reverse(CLUSTERINGS)).content.decode()
    assert re.search(rf"\d\d:\d\d by {admin}<", listed)
    assert b"Roll back to this clustering" in page_of(admin_client, first).content
    carried_out(admin_client, first)
    assert active_clustering() == first
    assert list(Track.objects.order_by("pk").values_list("emotion", "distance")) == before
    entries = LogEntry.objects.filter(user=admin, change_message__contains="Put in force")
    assert [entry.get_edited_object() for entry in entries] == [first, second]


def test_pressed_twice_it_is_put_in_force_once(admin_client, clusterings):
    _, second = clusterings
    assert activate(admin_client, second)["Location"] == activate(admin_client, second)["Location"]
    assert ClusteringRun.objects.count() == 1


def test_a_clustering_deleted_meanwhile_is_not_put_in_force(admin_client, clusterings):
    first, second = clusterings
    activate(admin_client, second)
    Clustering.objects.filter(pk=second.pk).delete()
    run_clustering(str(ClusteringRun.objects.get().pk))
    run = ClusteringRun.objects.get()
    assert (run.state, run.error) == (JobState.FAILED, "This clustering has been deleted. Choose another one.")
    assert active_clustering() == first
    assert activate(admin_client, second).status_code == 404


def test_the_clustering_in_force_cannot_be_deleted(admin_client, clusterings):
    first, second = clusterings
    for clustering, status in [(first, 403), (second, 302)]:
        address = reverse("admin:catalogue_clustering_delete", args=[clustering.pk])
        assert admin_client.post(address, {"post": "yes"}).status_code == status
    assert list(Clustering.objects.all()) == [first]


@pytest.mark.parametrize("alone", [True, False])
def test_a_clustering_that_comes_into_force_meanwhile_is_kept(admin_client, clusterings, monkeypatch, alone):
    first, second = clusterings

    @contextmanager
    def after_an_activation():
        with bulk_write():  # which had to wait for it
            put_in_force(second)
            yield

    monkeypatch.setattr("catalogue.admin.bulk_write", after_an_activation)
    if alone:
        answer = admin_client.post(reverse("admin:catalogue_clustering_delete", args=[second.pk]), {"post": "yes"})
        assert answer.status_code == 403
    else:
        selected = {"action": "delete_selected", "_selected_action": [second.pk], "post": "yes"}
        page = admin_client.post(reverse(CLUSTERINGS), selected, follow=True).content
        assert b"The clustering in force was kept" in page
        assert active_clustering() == second
    assert set(Clustering.objects.all()) == {first, second}


def test_who_may_only_look_is_offered_no_activation(client, clusterings):
    _, second = clusterings
    viewer = make_user(is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_clustering"))
    client.force_login(viewer)
    page = page_of(client, second)
    assert page.status_code == 200
    assert b"Put in force" not in page.content
    assert activate(client, second).status_code == 403
    assert client.get(reverse("admin:catalogue_clustering_add")).status_code == 403
    assert not ClusteringRun.objects.exists()


@pytest.mark.parametrize(("right", "may"), CLUSTERING_RIGHTS)
def test_each_right_opens_in_the_admin_what_it_opens_by_api(client, clusterings, right, may):
    _, second = clusterings
    making = ClusteringRun.objects.create(method="kmeans", task="t")
    activation = ClusteringRun.objects.create(method="kmeans", task="t", activates=True, clustering=clusterings[0])
    helper = make_user(is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename=right))
    client.force_login(helper)

    def cancel(run):
        return client.post(reverse("admin:catalogue_clusteringrun_cancel", args=[run.pk]))

    looks = {
        page_of(client, second).status_code,
        client.get(reverse(CLUSTERINGS)).status_code,
        client.get(reverse("admin:catalogue_clusteringrun_changelist")).status_code,
        client.get(reverse("admin:catalogue_clusteringrun_change", args=[making.pk])).status_code,
        client.get(reverse("admin:catalogue_clusteringrun_progress", args=[making.pk])).status_code,
    }
    statuses = {
        "make": client.post(reverse("admin:catalogue_clustering_add"), {"method": "kmeans"}).status_code,
        "activate": activate(client, second).status_code,
        "cancel making": cancel(making).status_code,
        "cancel activation": cancel(activation).status_code,
    }
    assert looks == ({200} if "look" in may else {403})
    assert statuses == {name: 302 if name in may else 403 for name in statuses}


def test_a_run_that_may_not_be_cancelled_offers_no_button(client, clusterings):
    helper = make_user(is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["view_clustering", "add_clustering"]))
    client.force_login(helper)
    for activates in (False, True):
        run = ClusteringRun.objects.create(method="kmeans", task="t", activates=activates, clustering=clusterings[0])
        page = client.get(reverse("admin:catalogue_clusteringrun_change", args=[run.pk])).content
        assert (b"Cancel" in page) is not activates


def test_who_is_not_staff_sees_nothing(client, clusterings):
    client.force_login(make_user())
    assert client.get(reverse(TRACKS)).status_code == 302
    assert page_of(client, clusterings[1]).status_code == 302
    activate(client, clusterings[1])
    assert not ClusteringRun.objects.exists()
