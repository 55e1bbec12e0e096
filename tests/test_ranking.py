"""Ranking: what a person is given for a mood, from arrays alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playlists.ranking import ARTIST_CAP, Candidates, Taste, rank


def make_candidates(n: int, *, artists: int = 1000, spotify: bool = True) -> Candidates:
    return Candidates(
        ids=tuple(range(1, n + 1)),
        distance=np.linspace(0.05, 2, n),
        artists=tuple(f"artist {i % artists}" for i in range(n)),
        spotify_ids=tuple(f"id{i:020d}" if spotify else "" for i in range(n)),
    )


def ids(candidates, picks):
    return [candidates.ids[pick.index] for pick in picks]


def test_the_same_seed_gives_the_same_picks_and_another_seed_others():
    pool = make_candidates(300)
    first = rank(pool, Taste(), emotion="sad", k=15, seed=1)
    assert first == rank(pool, Taste(), emotion="sad", k=15, seed=1)
    assert ids(pool, first) != ids(pool, rank(pool, Taste(), emotion="sad", k=15, seed=2))


def test_near_tracks_come_before_far_ones():
    pool = make_candidates(300)
    near = [np.mean(ids(pool, rank(pool, Taste(), emotion="sad", k=15, seed=seed))) for seed in range(20)]
    assert np.mean(near) < 100  # of ids 1..300, in order of distance


def test_a_disliked_track_never_comes_back():
    pool = make_candidates(20)
    picks = rank(pool, Taste(tracks={1: -1, 2: -1}), emotion="sad", k=20, seed=0)
    assert set(ids(pool, picks)) == set(range(3, 21))


def test_a_liked_artist_moves_up_and_the_reason_says_so():
    pool = make_candidates(300)
    liked = pool.artists[120]
    picks = rank(pool, Taste(artists={liked: 3}), emotion="sad", k=15, seed=0)
    plain = rank(pool, Taste(), emotion="sad", k=300, seed=0)
    place = ids(pool, plain).index(121)
    better = ids(pool, rank(pool, Taste(artists={liked: 3}), emotion="sad", k=300, seed=0)).index(121)
    assert better < place
    reasons = [pick.reason for pick in picks if pool.artists[pick.index] == liked]
    assert all("you liked this artist" in reason for reason in reasons)


def test_recent_tracks_give_way():
    pool = make_candidates(100)
    first = ids(pool, rank(pool, Taste(), emotion="sad", k=15, seed=0))
    again = ids(pool, rank(pool, Taste(recent=frozenset(first)), emotion="sad", k=15, seed=0))
    assert len(set(first) & set(again)) <= 3


def test_the_artist_cap_holds_until_nothing_else_is_left():
    pool = make_candidates(40, artists=4)
    picks = rank(pool, Taste(), emotion="sad", k=8, seed=3)
    assert max(np.unique([pool.artists[p.index] for p in picks], return_counts=True)[1]) == ARTIST_CAP
    assert len(rank(pool, Taste(), emotion="sad", k=15, seed=3)) == 15


def test_no_spotify_id_comes_twice():
    pool = make_candidates(30)
    twins = Candidates(pool.ids, pool.distance, pool.artists, pool.spotify_ids[:15] * 2)
    assert len(rank(twins, Taste(), emotion="sad", k=30, seed=0)) == 15


def test_it_rejects_a_negative_k():
    with pytest.raises(ValueError, match="0 tracks or more"):
        rank(make_candidates(3), Taste(), emotion="sad", k=-1, seed=0)


@given(n=st.integers(0, 60), k=st.integers(0, 30), seed=st.integers(0, 2**31), artists=st.integers(1, 60))
def test_it_returns_k_different_tracks_wherever_there_are_that_many(n, k, seed, artists):
    pool = make_candidates(n, artists=artists)
    picks = rank(pool, Taste(), emotion="happy", k=k, seed=seed)
    assert len(set(ids(pool, picks))) == len(picks) == min(n, k)
    assert all(pick.reason.strip() for pick in picks)
