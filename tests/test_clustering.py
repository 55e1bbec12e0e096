"""K-Means from the anchors: the published method's figures on real rows, known answers on made ones."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from catalogue.clustering import (
    SEED,
    SILHOUETTE_POINTS,
    TOLERANCE,
    TooFewPoints,
    assign,
    fit_kmeans,
    measure_silhouette,
)
from catalogue.muse import MuseTrack, read_muse
from emotune.emotions import ANCHORS, EMOTIONS
from emotune.errors import InvalidInput

VALUES = np.array(ANCHORS)


def clouds(points: int, spread: float = 0.1, seed: int = 3) -> np.ndarray:
    """Points (7 * points, 3) around the anchors, emotion by emotion."""
    return np.repeat(VALUES, points, axis=0) + np.random.default_rng(seed).normal(0, spread, (7 * points, 3))


def test_points_around_the_anchors_get_the_anchors_emotion():
    vad = clouds(30)
    fit = fit_kmeans(vad)
    assert fit.labels.tolist() == np.repeat(range(7), 30).tolist()
    assert fit.sizes.tolist() == [30] * 7
    np.testing.assert_allclose(fit.centroids, vad.reshape(7, 30, 3).mean(axis=1))
    np.testing.assert_allclose(fit.drift, np.linalg.norm(fit.centroids - VALUES, axis=1))
    np.testing.assert_allclose(fit.distances, np.linalg.norm(vad - np.repeat(fit.centroids, 30, axis=0), axis=1))
    assert fit.drift.max() < 0.1
    assert fit.silhouette > 0.8


def test_the_order_of_the_points_does_not_matter_and_the_same_points_give_the_same_fit():
    vad = clouds(20, spread=1.5)
    turned = fit_kmeans(vad[::-1].copy())
    np.testing.assert_allclose(fit_kmeans(vad).centroids, turned.centroids)
    assert np.array_equal(fit_kmeans(vad).labels, turned.labels[::-1])
    assert np.array_equal(fit_kmeans(vad).centroids, fit_kmeans(vad).centroids)


def test_every_emotion_has_a_cluster_even_where_no_point_is_near_its_anchor():
    fit = fit_kmeans(np.random.default_rng(1).normal((8, 5, 7), 0.2, (200, 3)))
    assert fit.sizes.min() > 0
    assert fit.sizes.sum() == 200


@pytest.mark.parametrize("spread", [0.3, 1.0, 2.0])
def test_it_finds_what_the_published_program_finds(spread):
    vad = clouds(300, spread)
    model = KMeans(7, init=VALUES, n_init=1, tol=TOLERANCE, random_state=SEED, algorithm="lloyd").fit(vad)
    fit = fit_kmeans(vad)
    np.testing.assert_allclose(fit.centroids, model.cluster_centers_, atol=1e-12)
    assert np.array_equal(fit.labels, model.labels_)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_it_refuses_values_that_are_not_finite(bad):
    vad = clouds(3)
    vad[4, 1] = bad
    with pytest.raises(InvalidInput, match="finite"):
        fit_kmeans(vad)


@pytest.mark.parametrize("vad", [np.empty((0, 3)), VALUES, np.repeat(VALUES, 50, axis=0)])
def test_it_refuses_too_few_different_points(vad):
    with pytest.raises(TooFewPoints, match=f"there are {len(np.unique(vad, axis=0))}"):
        fit_kmeans(vad)


def test_eight_different_points_are_enough():
    vad = np.vstack([VALUES, VALUES[:1] + 0.1])
    assert fit_kmeans(vad).sizes.sum() == 8


def test_assign_takes_the_nearest_centroid_and_the_first_of_two_as_near():
    labels, distances = assign(np.array([[0.0, 0, 0], [2, 0, 0], [9, 0, 0]]), np.array([[1.0, 0, 0], [3, 0, 0]]))
    assert labels.tolist() == [0, 0, 1]
    assert distances.tolist() == [1, 1, 6]


def test_assigning_nothing_gives_nothing():
    labels, distances = assign(np.empty((0, 3)), VALUES)
    assert labels.shape == distances.shape == (0,)


def test_whitening_makes_one_direction_count_more_than_another():
    centroids, point = np.array([[0.0, 0, 0], [3, 4, 0]]), np.array([[0.0, 4, 0]])
    assert assign(point, centroids)[0].tolist() == [1]
    labels, distances = assign(point, centroids, np.diag([1.0, 0.25, 1.0]))
    assert (labels.tolist(), distances.tolist()) == ([0], [1.0])


def test_the_silhouette_of_many_points_is_that_of_a_sample():
    vad = clouds(1500, spread=1.0)
    labels = assign(vad, VALUES)[0]
    assert len(vad) > 2 * SILHOUETTE_POINTS
    few = vad[::4], labels[::4]
    assert measure_silhouette(vad, labels) == pytest.approx(measure_silhouette(*few), abs=0.02)


def test_a_sample_that_would_miss_the_small_clusters_still_has_a_silhouette():
    vad = np.vstack([np.full((3 * SILHOUETTE_POINTS, 3), 8.0), VALUES])
    assert fit_kmeans(vad).silhouette > 0.9


def test_the_real_sample_gives_the_published_methods_figures(data):
    rows = [row for row in read_muse(data / "muse" / "muse_sample_1000.csv") if isinstance(row, MuseTrack)]
    fit = fit_kmeans(np.array([(row.valence, row.arousal, row.dominance) for row in rows]))
    assert fit.silhouette == pytest.approx(0.278, abs=0.0005)
    assert fit.sizes.tolist() == [90, 150, 55, 207, 131, 139, 228]
    # The cluster that begins at disgust ends at calm and pleasant music: the tags drift.
    np.testing.assert_allclose(fit.centroids[EMOTIONS.index("disgust")], [6.59, 3.28, 6.34], atol=0.005)
