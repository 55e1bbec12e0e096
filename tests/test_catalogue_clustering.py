"""Clusterings of the catalogue: a preview touches no track, activating tags all, the earlier one can come back."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalogue.clustering import assign
from catalogue.methods import METHODS
from catalogue.models import Clustering, Track
from catalogue.services import (
    activate_clustering,
    active_clustering,
    cluster_catalogue,
    import_tracks,
    regions,
)
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from tests.catalogue_files import muse_row, write_muse

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A catalogue of 90 tracks that no clustering has tagged, and its file."""
    file = write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 91)])
    import_tracks(path=file)
    return file


def tags() -> list[Any]:
    return list(Track.objects.order_by("id").values_list("emotion", "distance"))


def turned(clustering: Clustering) -> Clustering:
    """A preview with the same centroids under other names."""
    names = EMOTIONS[1:] + EMOTIONS[:1]
    centroids = dict(zip(names, clustering.centroids.values(), strict=True))
    return Clustering.objects.create(
        method=clustering.method, centroids=centroids, parameters=clustering.parameters, quality=clustering.quality
    )


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("cluster_catalogue", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_preview_says_what_it_found_and_touches_no_track(catalogue):
    clustering = cluster_catalogue()
    assert clustering.state == "preview"
    assert clustering.activated_at is None
    assert set(clustering.quality["sizes"]) == set(clustering.centroids) == set(EMOTIONS)
    assert sum(clustering.quality["sizes"].values()) == 90
    assert clustering.parameters["points"] == 90
    assert -1 < clustering.quality["silhouette"] < 1
    assert tags() == [("", None)] * 90


@pytest.mark.parametrize("method", METHODS)
def test_activating_gives_every_track_its_nearest_centroid_and_the_distance(catalogue, method):
    clustering = cluster_catalogue(method=method, activate=True)
    assert active_clustering() == clustering
    assert clustering.activated_at
    places = np.array(Track.objects.order_by("id").values_list("valence", "arousal", "dominance"))
    labels, distances = assign(places, *regions(clustering))
    assert tags() == [(EMOTIONS[label], distance) for label, distance in zip(labels, distances, strict=True)]


def test_activating_another_retires_the_former_and_activating_that_again_brings_all_tags_back(catalogue):
    first = cluster_catalogue(activate=True)
    before = tags()
    second = turned(first)
    activate_clustering(clustering=second)
    assert {EMOTIONS[(EMOTIONS.index(emotion) + 1) % 7] for emotion, _ in before} == {emotion for emotion, _ in tags()}
    assert tags() != before
    assert list(Clustering.objects.order_by("id").values_list("state", flat=True)) == ["retired", "active"]
    activate_clustering(clustering=first)
    assert tags() == before
    assert list(Clustering.objects.order_by("id").values_list("state", flat=True)) == ["active", "retired"]


def test_one_method_takes_the_place_of_the_other_and_gives_it_back(catalogue):
    anchored = cluster_catalogue(activate=True)
    before = tags()
    cluster_catalogue(method="kmeans", activate=True)
    assert tags() != before
    activate_clustering(clustering=Clustering.objects.get(pk=anchored.pk))
    assert tags() == before


def test_without_mood_words_the_published_means_are_taken_and_the_row_says_so(catalogue):
    parameters = cluster_catalogue().parameters
    assert parameters["start"] == "published class means"
    assert len(parameters["whitening"]) == 3


def test_a_failing_activation_leaves_the_former_in_force(catalogue):
    first = cluster_catalogue(activate=True)
    before = tags()

    def fail(done: int, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        activate_clustering(clustering=turned(first), progress=fail)
    assert active_clustering() == first
    assert tags() == before
    activate_clustering(clustering=first)
    assert tags() == before


def test_a_clustering_that_was_deleted_cannot_be_activated(catalogue):
    first = cluster_catalogue(activate=True)
    second = turned(first)
    Clustering.objects.filter(pk=second.pk).delete()
    with pytest.raises(InvalidInput, match="deleted"):
        activate_clustering(clustering=second)
    assert active_clustering() == first


def test_tracks_that_cannot_be_played_are_tagged_and_not_clustered(catalogue):
    write_muse(catalogue, *[muse_row(n, spotify_id="") for n in range(91, 111)])
    import_tracks(path=catalogue)
    clustering = cluster_catalogue(activate=True)
    assert sum(clustering.quality["sizes"].values()) == 90
    assert not Track.objects.filter(emotion="").exists()


def test_tracks_of_ones_own_library_are_clustered(catalogue):
    Track.objects.update(origin="local", spotify_id="", audio="a.ogg")
    assert sum(cluster_catalogue().quality["sizes"].values()) == 90


def test_activating_asks_the_database_as_often_for_few_tracks_as_for_many(catalogue):
    asked = []
    for number in (90, 900):
        import_tracks(path=write_muse(catalogue, *[muse_row(n) for n in range(1, number + 1)]))
        clustering = cluster_catalogue()
        with CaptureQueriesContext(connection) as queries:
            activate_clustering(clustering=clustering)
        asked.append(len(queries))
    assert asked[0] == asked[1] < 20


def test_too_few_tracks_are_refused_in_words():
    with pytest.raises(InvalidInput, match=r"there are 0\. Import more tracks first"):
        cluster_catalogue(activate=True)
    assert not Clustering.objects.exists()


def test_an_unknown_method_is_refused_and_the_known_ones_named():
    with pytest.raises(InvalidInput, match=r"no method 'magic'.*Choose one of: anchored, kmeans"):
        cluster_catalogue(method="magic")


def test_the_command_prints_json_alone(catalogue):
    figures = json.loads(command("--json"))
    assert set(figures) == {"clustering", "method", "silhouette", "sizes", "centroids", "drift", "seconds"}
    assert figures["clustering"] == Clustering.objects.get().pk
    assert figures["method"] == "anchored"
    assert [len(figures["centroids"][emotion]) for emotion in EMOTIONS] == [3] * 7
    assert list(figures["sizes"]) == list(figures["drift"]) == list(figures["centroids"]) == list(EMOTIONS)
    assert active_clustering() is None


def test_the_command_activates_when_asked_and_says_it_in_words(catalogue):
    words = command("--activate")
    clustering = active_clustering()
    assert clustering
    assert words.startswith(f"clustering {clustering.pk}, active: silhouette {clustering.quality['silhouette']:.3f}")
    assert all(emotion in words for emotion in EMOTIONS)


@pytest.mark.parametrize(("arguments", "words"), [(["--method", "magic"], "no method 'magic'"), ([], "there are 0")])
def test_the_command_answers_bad_input_with_one_line(arguments, words):
    with pytest.raises(CommandError, match=words) as error:
        command(*arguments)
    assert "\n" not in str(error.value)
