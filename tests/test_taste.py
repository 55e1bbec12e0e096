"""Taste: a belief that follows from the evidence alone, and knows how little it knows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from playlists.taste import (
    ARTIST,
    BIAS,
    GENRE,
    TONE,
    TONE_BY_EMOTION,
    TRACK,
    Evidence,
    Features,
    believe,
    lean,
    no_evidence,
    uncertainty,
)


def tracks(*names, offsets=None, company=None):
    """Tracks given as (id, artist, genre); all sad, at the centre unless `offsets` says otherwise."""
    ids, artists, genres = (np.array(column) for column in zip(*names, strict=True))
    n = len(names)
    return Features(
        ids,
        np.zeros((n, 3)) if offsets is None else np.array(offsets),
        np.full(n, 4),
        artists,
        genres,
        np.zeros((n, 0)) if company is None else np.array(company, np.float64),
    )


def belief(evidence, asked, seed=0):
    return believe(evidence, asked, np.random.default_rng(seed))


def samples(evidence, asked, n=4000):
    return np.array([belief(evidence, asked, seed).sample for seed in range(n)])


ASKED = tracks((1, 0, 0), (2, 0, 1), (3, 1, 0), (4, 1, -1))
LIKED = Evidence.of(tracks((1, 0, 0)), [1.0], [0.3])


def test_without_evidence_nothing_is_expected_and_the_sample_is_the_prior():
    found = belief(no_evidence(), ASKED)
    assert found.mean == pytest.approx(0)
    assert samples(no_evidence(), ASKED).std(axis=0)[:3] == pytest.approx(
        np.sqrt(BIAS**2 + GENRE**2 + ARTIST**2 + TRACK**2), rel=0.05
    )


def test_one_rating_moves_what_shares_most_with_the_track_most():
    mean = belief(LIKED, ASKED).mean
    assert mean[0] > mean[1] > mean[3] > 0
    assert mean[0] > mean[2] > mean[3]
    variance = BIAS**2 + GENRE**2 + ARTIST**2 + TRACK**2
    assert mean[0] == pytest.approx(variance / (variance + 0.3))  # one observation of a Gaussian


def test_the_samples_have_the_posterior_mean_and_spread():
    drawn = samples(LIKED, ASKED)
    assert drawn.mean(axis=0) == pytest.approx(belief(LIKED, ASKED).mean, abs=0.04)
    prior = BIAS**2 + GENRE**2 + ARTIST**2 + TRACK**2
    assert drawn[:, 0].var() == pytest.approx(prior * 0.3 / (prior + 0.3), rel=0.08)


def test_an_unknown_genre_shares_nothing():
    evidence = Evidence.of(tracks((9, 9, -1)), [1.0], [0.3])
    assert belief(evidence, ASKED).genre == pytest.approx(0)


def test_the_tone_that_was_liked_is_expected_to_be_liked_on_that_side():
    evidence = Evidence.of(tracks((8, 2, -1), (9, 3, -1), offsets=[[1, 0, 0], [-1, 0, 0]]), [1.0, -1.0], [0.3, 0.3])
    asked = tracks((1, 0, -1), (2, 1, -1), offsets=[[0.5, 0, 0], [-0.5, 0, 0]])
    tone = belief(evidence, asked).tone
    assert tone[0] == pytest.approx(-tone[1])
    assert tone[0] > 0.1


def test_what_is_unknown_of_tone_and_genre_shrinks_by_what_was_seen():
    offsets = [[0.0, 0, 0], [1.0, 0, 0]]
    asked = tracks((1, 7, 0), (2, 8, -1), offsets=offsets)
    slope = TONE**2 + TONE_BY_EMOTION**2
    assert uncertainty(no_evidence(), asked) == pytest.approx([GENRE**2, slope])
    rated = Evidence.of(tracks((5, 5, 0)), [1.0], [0.3])
    whole = BIAS**2 + GENRE**2 + ARTIST**2 + TRACK**2 + 0.3
    assert uncertainty(rated, asked) == pytest.approx([GENRE**2 - GENRE**4 / whole, slope])
    far = Evidence.of(tracks((5, 5, -1), offsets=[[1.0, 0, 0]]), [1.0], [0.3])
    assert uncertainty(far, asked) == pytest.approx([GENRE**2, slope - slope**2 / (whole - GENRE**2 + slope)])
    assert len(uncertainty(rated, tracks((1, 0, 0)))) == 1


def test_more_ratings_leave_less_doubt():
    asked = tracks((50, 0, 0))
    few = Evidence.of(tracks((1, 0, 0)), [1.0], [0.3])
    many = Evidence.of(tracks(*[(i, 0, 0) for i in range(1, 21)]), [1.0] * 20, [0.3] * 20)
    assert samples(many, asked, 1000).std() < samples(few, asked, 1000).std()


def test_taking_a_rating_back_restores_exactly_what_was_before():
    before = belief(LIKED, ASKED)
    more = Evidence.of(tracks((1, 0, 0), (3, 1, 0)), [1.0, -1.0], [0.3, 0.3])
    assert not np.array_equal(belief(more, ASKED).mean, before.mean)
    after = belief(Evidence.of(tracks((1, 0, 0)), [1.0], [0.3]), ASKED)
    assert np.array_equal(after.mean, before.mean)
    assert np.array_equal(after.sample, before.sample)


def test_it_rejects_what_is_not_a_number():
    with pytest.raises(ValueError, match="not numbers"):
        belief(Evidence.of(tracks((1, 0, 0)), [np.nan], [0.3]), ASKED)


def test_company_of_what_was_liked_is_expected_to_be_liked():
    evidence = Evidence.of(tracks((8, 2, -1), (9, 3, -1), company=[[1, 0], [0, 1]]), [1.0, -1.0], [0.3, 0.3])
    asked = tracks((1, 4, -1), (2, 5, -1), (3, 6, -1), company=[[1, 0], [0, 1], [0, 0]])
    found = belief(evidence, asked).company
    assert found[0] > 0.1 > -0.1 > found[1]
    assert found[2] == 0
    assert lean(evidence).company @ [1, 0] == pytest.approx(found[0])


class Impulses:
    """A generator whose normal draws are 0, but for the one that is number `chosen` of all: it is 1."""

    def __init__(self, chosen):
        self.chosen, self.drawn = chosen, 0

    def normal(self, size=()):
        values = np.zeros(size)
        if 0 <= self.chosen - self.drawn < values.size:
            values.flat[self.chosen - self.drawn] = 1
        self.drawn += values.size
        return values


def exact_covariance(evidence, asked):
    """The covariance of `believe`'s samples: they are linear in independent draws, so that each is asked for alone."""
    covariance, number, drawn = np.zeros((len(asked), len(asked))), 0, 1
    while number < drawn:
        rng: Any = Impulses(number)
        found = believe(evidence, asked, rng)
        covariance += np.outer(found.sample - found.mean, found.sample - found.mean)
        number, drawn = number + 1, rng.drawn
    return covariance


def test_tracks_without_an_emotion_share_the_slopes_that_all_have_and_no_emotions():
    offsets = [[1.0, 0, 0], [0, 2.0, 0], [1.0, 1, 0], [0.5, 1, 2], [1.0, -1, 1], [2.0, 1, 1]]
    names = [(1, 0, 0), (2, 1, 1), (3, 2, 0), (4, 3, -1), (1, 0, 0), (5, 1, 2)]
    emotions = np.array([-1, 6, 4, -1, 6, 4])

    def of(rows):
        return replace(tracks(*names[rows], offsets=offsets[rows]), emotions=emotions[rows])

    asked = of(slice(3, 6))
    evidence = Evidence.of(of(slice(3)), [1.0, -1.0, 0.5], [0.3] * 3)
    prior = Evidence.of(of(slice(6)), [0.0] * 6, [0.0] * 6).covariance
    weights = prior[3:, :3] @ np.linalg.inv(prior[:3, :3] + 0.3 * np.eye(3))
    assert belief(evidence, asked).mean == pytest.approx(weights @ evidence.values)
    assert exact_covariance(evidence, asked) == pytest.approx(prior[3:, 3:] - weights @ prior[:3, 3:])
    assert exact_covariance(no_evidence(), asked) == pytest.approx(prior[3:, 3:])
    assert prior[3, 3] - prior[4, 4] == pytest.approx(TONE**2 * (5.25 - 3) - TONE_BY_EMOTION**2 * 3 - GENRE**2), (
        "the first of those asked for has neither an emotion nor a genre"
    )
