"""Metrics against lists whose figures are known."""

import numpy as np
import pytest

from playlists.metrics import coverage, dcg_at, intra_list_diversity, ndcg_at, novelty, precision_at, regret_at


def grades(*values):
    return np.array(values, np.int64)


def test_precision_counts_what_is_liked_and_empty_places_as_not():
    assert precision_at(grades(2, 0, 1, 0, 1), 4) == 0.5
    assert precision_at(grades(1), 4) == 0.25


def test_gain_is_discounted_by_place():
    assert dcg_at(grades(2), 10) == pytest.approx(3)
    assert dcg_at(grades(0, 0, 1), 10) == pytest.approx(0.5)
    assert dcg_at(grades(0, 0, 1), 2) == 0


def test_ndcg_is_one_for_the_best_list_and_less_for_a_turned_one():
    everything = grades(0, 1, 2, 0, 0)
    assert ndcg_at(grades(2, 1, 0), everything, 3) == pytest.approx(1)
    assert ndcg_at(grades(1, 2, 0), everything, 3) == pytest.approx((1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3)))
    assert ndcg_at(grades(0, 0), grades(0, 0), 2) == 0


def test_regret_is_what_the_best_list_has_more():
    everything = grades(2, 0, 1)
    assert regret_at(grades(2, 1), everything, 2) == 0
    assert regret_at(grades(0, 0), everything, 2) == pytest.approx(dcg_at(grades(2, 1), 2))


def test_coverage_counts_a_track_once():
    assert coverage([[1, 2], [2, 3]], 10) == 0.3
    with pytest.raises(ValueError, match="empty"):
        coverage([], 0)


def test_what_few_know_is_newer():
    popularity = np.array([999.0, 0, 0])
    assert novelty([1], popularity) > novelty([0], popularity)
    assert novelty([1, 2], np.zeros(4)) == pytest.approx(2)
    assert novelty([], popularity) == 0


def test_diversity_is_the_mean_distance_of_two():
    assert intra_list_diversity(np.array([[0.0, 0, 0], [3, 4, 0]])) == pytest.approx(5)
    assert intra_list_diversity(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])) == pytest.approx(4 / 3)
    assert intra_list_diversity(np.zeros((1, 3))) == 0


@pytest.mark.parametrize("figure", [precision_at, dcg_at])
def test_it_rejects_a_count_of_no_places(figure):
    with pytest.raises(ValueError, match="1 place"):
        figure(grades(1), 0)
