"""The catalogue in the admin: tracks are looked at, clusterings compared and activated."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from catalogue.models import Clustering, Track
from catalogue.services import active_clustering, cluster_catalogue, import_tracks
from tests.catalogue_files import muse_row, write_muse
from tests.factories import make_track, make_user

pytestmark = pytest.mark.django_db

TRACKS = "admin:catalogue_track_changelist"
CLUSTERINGS = "admin:catalogue_clustering_changelist"


@pytest.fixture
def admin_client(client):
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def clusterings(tmp_path):
    """Two clusterings: the first in force, the second a preview."""
    import_tracks(path=write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 121)]))
    return active_clustering(), cluster_catalogue()


def activate(client, *clusterings):
    chosen = {"action": "activate", "_selected_action": [clustering.pk for clustering in clusterings]}
    return client.post(reverse(CLUSTERINGS), chosen, follow=True)


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


def test_a_track_is_shown_and_not_changed_by_hand(admin_client):
    track = make_track(title="<b>Bold</b>")
    address = reverse("admin:catalogue_track_change", args=[track.pk])
    page = admin_client.get(address).content.decode()
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert "<b>Bold" not in page
    assert 'name="emotion"' not in page
    assert admin_client.post(address, {"emotion": "fear"}).status_code == 403
    assert admin_client.get(reverse("admin:catalogue_track_add")).status_code == 403


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
    assert f"angry {first.quality['sizes']['angry']}, disgust" in page
    assert page.count(first.method) >= 2


def test_an_admin_activates_a_clustering_and_the_former_one_again(admin_client, clusterings):
    first, second = clusterings
    Track.objects.update(emotion="", distance=None)
    page = activate(admin_client, second)
    assert b"Every track is tagged" in page.content
    assert active_clustering() == second
    assert not Track.objects.filter(emotion="").exists()
    activate(admin_client, first)
    assert active_clustering() == first


def test_two_clusterings_cannot_be_activated_at_once(admin_client, clusterings):
    first, _ = clusterings
    assert b"Select one clustering" in activate(admin_client, *clusterings).content
    assert active_clustering() == first


def test_the_clustering_in_force_cannot_be_deleted(admin_client, clusterings):
    first, second = clusterings
    for clustering, status in [(first, 403), (second, 302)]:
        address = reverse("admin:catalogue_clustering_delete", args=[clustering.pk])
        assert admin_client.post(address, {"post": "yes"}).status_code == status
    assert list(Clustering.objects.all()) == [first]


def test_who_may_only_look_is_offered_no_activation(client, clusterings):
    first, second = clusterings
    viewer = make_user(is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_clustering"))
    client.force_login(viewer)
    activate(client, second)
    assert active_clustering() == first


def test_who_is_not_staff_sees_nothing(client, clusterings):
    client.force_login(make_user())
    assert client.get(reverse(TRACKS)).status_code == 302
    activate(client, clusterings[1])
    assert active_clustering() == clusterings[0]
