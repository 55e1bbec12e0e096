"""The command evaluate_clustering: published figures beside ours, measures with known answers, plots that show all."""

import json
from io import StringIO
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_samples

from catalogue import clustering, evaluation
from catalogue.measures import adjusted_rand, both_silhouettes, davies_bouldin, silhouettes, wilson
from emotune.emotions import EMOTIONS
from tests.catalogue_files import muse_row, write_muse


def command(*arguments: Any) -> str:
    out = StringIO()
    call_command("evaluate_clustering", *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def labelled() -> tuple[Any, Any]:
    """Points of which many coincide, in five clusters, one of a single point."""
    random = np.random.default_rng(4)
    points = random.normal(5, 1, (300, 3)).round(1)
    points[:120] = points[random.integers(120, 130, 120)]
    labels = (points[:, 0] > 5).astype(np.intp) + 2 * (points[:, 1] > 5).astype(np.intp)
    points[-1], labels[-1] = 9, 4
    return points, labels


def test_the_silhouette_is_the_text_books(labelled):
    points, labels = labelled
    np.testing.assert_allclose(silhouettes(points, labels), silhouette_samples(points, labels), atol=1e-6)


def test_points_that_coincide_are_counted_once_each_without_being_compared_again(labelled):
    points, labels = labelled
    unique, first, back, counts = np.unique(points, axis=0, return_index=True, return_inverse=True, return_counts=True)
    assert counts.max() > 5
    weighted = silhouettes(unique, labels[first], counts)
    np.testing.assert_allclose(weighted[back.ravel()], silhouettes(points, labels), atol=1e-6)


def test_both_weightings_come_from_one_pass_to_the_last_bit(labelled):
    points, labels = labelled
    counts = np.random.default_rng(2).integers(1, 5, len(points))
    whole, unique = both_silhouettes(points, labels, counts)
    np.testing.assert_array_equal(whole, silhouettes(points, labels, counts))
    np.testing.assert_array_equal(unique, silhouettes(points, labels))


def test_one_cluster_has_no_silhouette():
    labels = np.zeros(3, dtype=np.intp)
    assert silhouettes(np.eye(3), labels).tolist() == [0, 0, 0]
    assert [values.tolist() for values in both_silhouettes(np.eye(3), labels, np.arange(3))] == [[0, 0, 0]] * 2


def test_davies_bouldin_and_adjusted_rand_are_the_text_books(labelled):
    points, labels = labelled
    assert davies_bouldin(points, labels) == pytest.approx(davies_bouldin_score(points, labels))
    other = np.random.default_rng(1).integers(0, 3, len(labels)) + labels
    assert adjusted_rand(labels, other) == pytest.approx(adjusted_rand_score(labels, other))
    assert adjusted_rand(labels, labels) == 1


def test_wilsons_interval_is_the_published_one():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I
    assert wilson(0, 0) == (0, 1)


def test_the_sample_gives_the_published_methods_figures_and_better_ones(data, tmp_path):
    file = data / "muse" / "muse_sample_1000.csv"
    figures = json.loads(command(file, "--json", "--plots", tmp_path))
    assert (figures["rows"], figures["rejected"], figures["playable"]) == (1000, 0, 1000)
    assert figures["published"]["accuracy"] == {"paper": 0.87, "log": 0.777, "ours": pytest.approx(0.68, abs=0.01)}
    assert figures["published"]["with"]["ours"] == pytest.approx(0.278, abs=0.0005)
    assert figures["nearest_anchor"]["agreement"] == pytest.approx(0.48, abs=0.005)
    kmeans, anchored = figures["methods"]["kmeans"], figures["methods"]["anchored"]
    assert kmeans["mood_words"]["agreement"] == pytest.approx(0.32, abs=0.005)
    assert kmeans["silhouette"] == pytest.approx(0.278, abs=0.0005)
    unseen = anchored["mood_words_unseen"]
    assert unseen["agreement"] >= 0.65
    assert unseen["interval"][0] > figures["nearest_anchor"]["interval"][1]
    assert set(unseen["by_emotion"]) == {"angry", "fear", "happy", "sad", "neutral"}
    assert min(unseen["by_emotion"].values()) >= 0.40
    assert min(anchored["sizes"].values()) >= 30
    assert list(anchored["drift"]) == list(EMOTIONS)
    assert anchored["stability"]["adjusted_rand"] > kmeans["stability"]["adjusted_rand"]
    _every_plot_shows_every_emotion(tmp_path)


def test_each_silhouette_is_measured_once_and_none_of_fits_to_a_part(tmp_path, monkeypatch):
    measured = []

    def note(module, name):
        measure = getattr(module, name)

        def noted(*arguments):
            measured.append(name)
            return measure(*arguments)

        monkeypatch.setattr(module, name, noted)

    note(clustering, "measure_silhouette")
    note(evaluation, "both_silhouettes")
    note(evaluation, "silhouettes")
    command(write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 91)]), "--json")
    each = ["measure_silhouette", "both_silhouettes"]
    assert measured == [*each, *each, "silhouettes"]  # of both methods, and of K-Means begun at random


def _every_plot_shows_every_emotion(folder):
    plots = sorted(folder.glob("*.svg"))
    assert [plot.stem for plot in plots] == [
        "anchored-silhouette",
        "anchored-space",
        "kmeans-silhouette",
        "kmeans-space",
    ]
    for plot in plots:
        words = " ".join(ET.parse(plot).getroot().itertext())
        assert all(emotion in words for emotion in EMOTIONS)


def test_it_says_it_in_words_of_a_file_without_mood_words(tmp_path):
    words = command(write_muse(tmp_path / "muse.csv", *[muse_row(n, seeds="[]") for n in range(1, 91)]))
    assert words.startswith("90 tracks with a Spotify id, of 90 rows")
    assert "anchored: silhouette" in words
    assert "mood words 0.000 (0.000 to 1.000, 0 tracks): none" in words


@pytest.mark.parametrize(
    ("rows", "words"), [(0, "there are 0"), (5, "there are 5"), (20, "at least 35 tracks with a Spotify id")]
)
def test_too_few_tracks_are_one_clear_line(tmp_path, rows, words):
    file = write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, rows + 1)])
    with pytest.raises(CommandError, match=words) as error:
        command(file)
    assert "\n" not in str(error.value)


def test_plots_that_cannot_be_written_are_one_clear_line(tmp_path):
    file = write_muse(tmp_path / "muse.csv", *[muse_row(n) for n in range(1, 91)])
    with pytest.raises(CommandError, match="plots cannot be written"):
        command(file, "--plots", file)
