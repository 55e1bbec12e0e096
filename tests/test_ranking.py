"""Ranking: what a person is given for a mood, from arrays alone."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotune.emotions import BY_NAME, EMOTIONS
from playlists.ranking import ARTIST_CAP, TAUGHT, Candidates, Taste, lesson, rank, target_point
from playlists.taste import Evidence, Features, lean

SAD = EMOTIONS.index("sad")
CENTRE = np.array(BY_NAME["sad"].anchor)
CENTRES = {name: emotion.anchor for name, emotion in BY_NAME.items()}


def make_candidates(n: int, *, artists: int = 1000, genres: int = 7) -> Candidates:
    """Tracks 1..n, each further from the centre than the one before, in directions that take turns."""
    directions = np.random.default_rng(5).normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    offsets = directions * np.linspace(0.05, 2, n)[:, None]
    features = Features(
        ids=np.arange(1, n + 1),
        offsets=offsets,
        emotions=np.full(n, SAD),
        artists=np.arange(n) % artists,
        genres=np.arange(n) % genres,
        company=np.zeros((n, 0)),
    )
    names = tuple(f"genre {i}" for i in range(genres))
    return Candidates(
        CENTRE + offsets, features, names, np.arange(1, n + 1), np.zeros(n, np.bool_), np.zeros(n, np.int8)
    )


def ids(candidates, picks):
    return candidates.features.ids[[pick.index for pick in picks]].tolist()


def ranked(pool, taste=None, *, k=15, seed=0, target=CENTRE):
    return ids(pool, rank(pool, taste or Taste(), target=target, k=k, seed=seed))


def acts(pool, values):
    """Evidence from ratings of candidates, by their ids."""
    rows = [track_id - 1 for track_id in values]
    taken = Features(*(getattr(pool.features, field.name)[rows] for field in fields(Features)))
    return Evidence.of(taken, list(values.values()), [0.3] * len(rows))


def test_the_same_seed_gives_the_same_picks_and_another_seed_others():
    pool = make_candidates(300)
    first = rank(pool, Taste(), target=CENTRE, k=15, seed=1)
    assert first == rank(pool, Taste(), target=CENTRE, k=15, seed=1)
    assert ids(pool, first) != ranked(pool, seed=2)


def test_near_tracks_come_before_far_ones():
    pool = make_candidates(300)
    assert np.mean([np.mean(ranked(pool, seed=seed)) for seed in range(20)]) < 100  # of ids 1..300, by distance


def test_the_target_is_the_mean_of_the_centres_by_probability():
    mixed = target_point({"sad": 0.5, "happy": 1.5, "fear": 0.0}, CENTRES)
    assert mixed == pytest.approx(0.25 * np.array(CENTRES["sad"]) + 0.75 * np.array(CENTRES["happy"]))
    with pytest.raises(ValueError, match="probability over 0"):
        target_point({"sad": 0.0}, CENTRES)


def test_the_picks_follow_the_whole_mood_and_not_its_top_alone():
    pool = make_candidates(300)
    towards = np.array([1.0, 0.0, 0.0])
    for seed in range(5):
        plain = pool.vad[np.array(ranked(pool, seed=seed)) - 1].mean(axis=0)
        shaded = pool.vad[np.array(ranked(pool, seed=seed, target=CENTRE + towards)) - 1].mean(axis=0)
        assert shaded[0] > plain[0] + 0.3


def test_a_liked_artist_moves_up_and_the_reason_says_so():
    pool = make_candidates(300, artists=100)
    taste = Taste(evidence=acts(pool, {121: 1.0, 221: 1.0}), liked={20: 2})
    assert ranked(pool, k=300).index(21) > ranked(pool, taste, k=300).index(21)
    reasons = {ids(pool, [pick])[0]: pick.reason for pick in rank(pool, taste, target=CENTRE, k=300, seed=0)}
    assert reasons[21].endswith("you liked two by this artist")


def test_a_liked_track_itself_is_said_to_be_liked():
    pool = make_candidates(300, artists=100)
    taste = Taste(evidence=acts(pool, {121: 1.0, 221: 1.0}), liked={20: 2}, liked_tracks=frozenset({121, 221}))
    reasons = {ids(pool, [pick])[0]: pick.reason for pick in rank(pool, taste, target=CENTRE, k=300, seed=0)}
    assert [track_id for track_id, reason in reasons.items() if reason.endswith("; you liked it")] == [121, 221]
    assert reasons[21].endswith("you liked two by this artist")


def test_a_side_of_the_tone_that_was_liked_is_given_and_named():
    pool = make_candidates(300, genres=300)
    bright = [i + 1 for i in range(300) if pool.features.offsets[i, 0] > 0.8][:10]
    dark = [i + 1 for i in range(300) if pool.features.offsets[i, 0] < -0.8][:10]
    taste = Taste(evidence=acts(pool, dict.fromkeys(bright, 1.0) | dict.fromkeys(dark, -1.0)))
    picks = rank(pool, taste, target=CENTRE, k=15, seed=0)
    assert pool.features.offsets[[pick.index for pick in picks], 0].mean() > 0.2
    assert any("brighter, as you tend to like it" in pick.reason for pick in picks)


def test_the_side_of_the_tone_is_named_that_is_liked_and_not_the_one_that_differs_most():
    seen = Features(
        ids=np.arange(101, 105),
        offsets=np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]]),
        emotions=np.full(4, SAD),
        artists=np.full(4, -1),
        genres=np.full(4, -1),
        company=np.zeros((4, 0)),
    )
    bright, _, lively, _ = np.eye(4) - np.roll(np.eye(4), 1, axis=1)
    share = lean(Evidence(seen, bright, np.full(4, 0.3))).slopes[SAD, 0]
    evidence = Evidence(seen, (-0.48 * bright + 0.77 * lively) / share, np.full(4, 0.3))
    assert lean(evidence).slopes[SAD] == pytest.approx([-0.48, 0.77, 0])
    pool = make_candidates(1)
    offsets = np.array([[0.8, 0.75, 0.0]])
    pool = replace(pool, vad=CENTRE + offsets, features=replace(pool.features, offsets=offsets))
    (pick,) = rank(pool, Taste(evidence=evidence), target=CENTRE, k=1, seed=0)
    assert pick.reason.endswith("; livelier, as you tend to like it")


def test_a_long_genre_is_cut_in_a_reason_which_has_200_characters_at_most():
    pool = replace(make_candidates(300, genres=2), genres=("g" * 200, "h" * 200))
    liked = {track_id: 1.0 if track_id % 2 else -1.0 for track_id in range(240, 300)}
    mood = "your mood, as you put readings right before"
    picks = rank(pool, Taste(evidence=acts(pool, liked)), target=CENTRE, k=15, seed=0, mood=mood)
    named = [pick.reason for pick in picks if "you tend to like ggg" in pick.reason]
    assert named
    assert all(reason.endswith("ggg...") and len(reason) <= 200 for reason in named)


def test_what_was_played_lately_gives_way_to_what_was_not():
    pool = make_candidates(100)
    first = ranked(pool)
    again = ranked(pool, Taste(cooling=dict.fromkeys(first, 1.0)))
    assert len(set(first) & set(again)) <= 3
    assert set(ranked(make_candidates(15), Taste(cooling=dict.fromkeys(range(1, 16), 1.0)))) == set(range(1, 16))


def test_what_others_were_given_lately_gives_way():
    pool = make_candidates(100)
    shown = np.array([i < 15 for i in range(100)])
    assert len(set(ranked(replace(pool, shown=shown))) & set(range(1, 16))) < 8


@pytest.mark.parametrize("known", [0, TAUGHT])
def test_the_last_third_of_the_places_explores(known):
    pool = make_candidates(300, genres=300)
    seen = Features(*(getattr(pool.features, field.name)[:known] for field in fields(Features)))
    taste = Taste(Evidence.of(seen, [0.0] * known, [0.8] * known))
    reasons = [pick.reason for pick in rank(pool, taste, target=CENTRE, k=15, seed=0)]
    new = [place for place, reason in enumerate(reasons, start=1) if "something new" in reason]
    assert len(new) >= 3
    assert all(place > 10 for place in new)


def test_a_newcomer_is_asked_about_each_genre_once():
    pool = make_candidates(300, genres=40)
    asked = [pick.index for pick in rank(pool, Taste(), target=CENTRE, k=15, seed=0)][10:]
    assert len(set(pool.features.genres[asked].tolist())) == len(asked) == 5


def test_a_newcomer_is_asked_about_what_tells_most():
    pool = make_candidates(300, genres=5)
    genres = pool.features.genres
    seen = Features(*(getattr(pool.features, field.name)[:60] for field in fields(Features)))
    rated = replace(seen, genres=np.arange(60) % 4)  # nothing is known of the last genre
    taste = Taste(Evidence.of(replace(rated, offsets=np.zeros((60, 3))), [-0.2] * 60, [0.8] * 60))
    worth = lesson(taste.evidence, replace(pool.features, offsets=np.zeros((300, 3))), np.full(300, -0.5))
    assert worth[genres == 4].min() > worth[genres != 4].max()


def test_the_artist_cap_holds_until_nothing_else_is_left():
    pool = make_candidates(40, artists=4)
    picks = ranked(pool, k=8, seed=3)
    assert max(np.unique([pool.features.artists[i - 1] for i in picks], return_counts=True)[1]) == ARTIST_CAP
    assert len(ranked(pool, k=15, seed=3)) == 15


@pytest.mark.parametrize("artists", [1, 1000])
@pytest.mark.parametrize("known", [0, TAUGHT])
def test_what_fills_up_comes_behind_all_that_can_be_played_even_by_one_artist(artists, known):
    pool = make_candidates(60, artists=artists)
    pool = replace(pool, use=np.repeat(np.array([2, 1, 0], np.int8), [44, 6, 10]))  # the nearest fill up
    seen = Features(*(getattr(pool.features, field.name)[:known] for field in fields(Features)))
    taste = Taste(Evidence.of(seen, [0.0] * known, [0.8] * known))
    picks = rank(pool, taste, target=CENTRE, k=20, seed=0)
    assert pool.use[[pick.index for pick in picks]].tolist() == [0] * 10 + [1] * 6 + [2] * 4
    shorter = rank(pool, taste, target=CENTRE, k=12, seed=0)
    assert pool.use[[pick.index for pick in shorter]].tolist() == [0] * 10 + [1] * 2


def test_what_fills_up_spares_no_question_about_a_genre():
    pool = make_candidates(300)
    genres = np.arange(300) // 5 % 20  # neighbours, which would teach as much, have the same
    pool = replace(pool, features=replace(pool.features, genres=genres), genres=tuple(map(str, range(20))))
    use = np.zeros(300, np.int8)
    use[200:] = 2  # those of each genre that would teach most
    asked = [pick.index for pick in rank(replace(pool, use=use), Taste(), target=CENTRE, k=15, seed=0)][10:]
    assert not use[asked].any()
    assert len(set(genres[asked].tolist())) == 5


def test_no_spotify_id_comes_twice():
    pool = make_candidates(30)
    twins = np.tile(np.arange(1, 16), 2)
    assert len(ranked(replace(pool, recordings=twins), k=30)) == 15
    assert len(ranked(replace(pool, recordings=np.zeros(30, np.int64)), k=30)) == 30


def test_it_rejects_a_negative_k():
    with pytest.raises(ValueError, match="0 tracks or more"):
        rank(make_candidates(3), Taste(), target=CENTRE, k=-1, seed=0)


@settings(max_examples=300)
@given(
    n=st.integers(0, 60),
    k=st.integers(0, 30),
    seed=st.integers(0, 2**31),
    artists=st.integers(1, 60),
    liked=st.sets(st.integers(1, 60), max_size=8),
)
def test_it_returns_k_different_tracks_wherever_there_are_that_many(n, k, seed, artists, liked):
    pool = make_candidates(n, artists=artists)
    taste = Taste(evidence=acts(pool, {track_id: 1.0 for track_id in sorted(liked) if track_id <= n}))
    picks = rank(pool, taste, target=CENTRE, k=k, seed=seed)
    assert len(set(ids(pool, picks))) == len(picks) == min(n, k)
    assert picks == rank(pool, taste, target=CENTRE, k=k, seed=seed)
    assert all(pick.reason.strip() for pick in picks)


def test_company_that_is_liked_moves_artists_up_that_nobody_rated():
    pool = make_candidates(300, genres=300)
    vectors = np.zeros((300, 2))
    vectors[200:220, 0] = vectors[100, 0] = 1.4
    pool = replace(pool, features=replace(pool.features, company=vectors))
    taste = Taste(evidence=acts(pool, dict.fromkeys(range(202, 212), 1.0)))
    assert ranked(pool, k=300).index(101) > ranked(pool, taste, k=300).index(101)
    reasons = {ids(pool, [pick])[0]: pick.reason for pick in rank(pool, taste, target=CENTRE, k=300, seed=0)}
    assert reasons[101].endswith("people who like what you like play this artist")


def test_an_artist_who_was_heard_to_the_end_is_named_without_a_rating():
    pool = make_candidates(300, artists=100, genres=300)
    taste = Taste(evidence=acts(pool, {121: 1.0, 221: 1.0}))
    reasons = {ids(pool, [pick])[0]: pick.reason for pick in rank(pool, taste, target=CENTRE, k=300, seed=0)}
    assert reasons[21].endswith("you let this artist play to the end")
