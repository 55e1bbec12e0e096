"""Taste: a belief that follows from the evidence alone, and knows how little it knows."""

import numpy as np
import pytest

from playlists.taste import ARTIST, BIAS, GENRE, TRACK, Evidence, Features, believe, no_evidence


def tracks(*names, offsets=None):
    """Tracks given as (id, artist, genre); all sad, at the centre unless `offsets` says otherwise."""
    ids, artists, genres = zip(*names, strict=True)
    return Features(
        ids, np.zeros((len(names), 3)) if offsets is None else np.array(offsets), ("sad",) * len(names), artists, genres
    )


def belief(evidence, asked, seed=0):
    return believe(evidence, asked, np.random.default_rng(seed))


def samples(evidence, asked, n=4000):
    return np.array([belief(evidence, asked, seed).sample for seed in range(n)])


ASKED = tracks((1, "a", "x"), (2, "a", "y"), (3, "b", "x"), (4, "b", ""))
LIKED = Evidence.of(tracks((1, "a", "x")), [1.0], [0.3])


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
    evidence = Evidence.of(tracks((9, "z", "")), [1.0], [0.3])
    assert belief(evidence, ASKED).genre == pytest.approx(0)


def test_the_tone_that_was_liked_is_expected_to_be_liked_on_that_side():
    evidence = Evidence.of(tracks((8, "c", ""), (9, "d", ""), offsets=[[1, 0, 0], [-1, 0, 0]]), [1.0, -1.0], [0.3, 0.3])
    asked = tracks((1, "a", ""), (2, "b", ""), offsets=[[0.5, 0, 0], [-0.5, 0, 0]])
    tone = belief(evidence, asked).tone
    assert tone[0] == pytest.approx(-tone[1])
    assert tone[0] > 0.1


def test_more_ratings_leave_less_doubt():
    asked = tracks((50, "a", "x"))
    few = Evidence.of(tracks((1, "a", "x")), [1.0], [0.3])
    many = Evidence.of(tracks(*[(i, "a", "x") for i in range(1, 21)]), [1.0] * 20, [0.3] * 20)
    assert samples(many, asked, 1000).std() < samples(few, asked, 1000).std()


def test_taking_a_rating_back_restores_exactly_what_was_before():
    before = belief(LIKED, ASKED)
    more = Evidence.of(tracks((1, "a", "x"), (3, "b", "x")), [1.0, -1.0], [0.3, 0.3])
    assert not np.array_equal(belief(more, ASKED).mean, before.mean)
    after = belief(Evidence.of(tracks((1, "a", "x")), [1.0], [0.3]), ASKED)
    assert np.array_equal(after.mean, before.mean)
    assert np.array_equal(after.sample, before.sample)


def test_it_rejects_what_is_not_a_number():
    with pytest.raises(ValueError, match="not numbers"):
        belief(Evidence.of(tracks((1, "a", "x")), [np.nan], [0.3]), ASKED)
