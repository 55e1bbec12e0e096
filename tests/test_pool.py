"""Candidates: which tracks of an emotion are weighed, from arrays alone; what a process keeps of the catalogue."""

from uuid import uuid4

import numpy as np
import pytest

from catalogue.models import Clustering, Track
from emotune.emotions import ANCHORS, BY_NAME, EMOTIONS
from playlists import loading
from playlists.columns import DEMO, LINKED, PLAYABLE, SPOTIFY, columns_of
from playlists.pool import BEST, DRAWN, along, draw
from playlists.ranking import Taste
from playlists.taste import Evidence
from tests.factories import make_track

SAD = EMOTIONS.index("sad")
CENTRE = np.array(BY_NAME["sad"].anchor)
NONE = Taste()


def make_columns(n=60, *, artists=1000, spotify=None, use=None, emotion="sad", spread=1.0):
    rng = np.random.default_rng(3)
    points = CENTRE + spread * rng.normal(size=(n, 3))
    rows = [
        (
            i + 1,
            *points[i].tolist(),
            emotion,
            f"Artist {i % artists}",
            f"genre {i % 5}",
            (spotify or {}).get(i + 1, f"id{i}"),
            (use or {}).get(i + 1, PLAYABLE),
            i,
        )
        for i in range(n)
    ]
    return columns_of([rows[: n // 2], rows[n // 2 :]], np.array(ANCHORS))


def ids(columns, taste=NONE, *, least=15, seed=0, target=CENTRE):
    return columns.ids[draw(columns, SAD, taste, target=target, least=least, seed=seed)].tolist()


def test_all_tracks_of_a_small_emotion_are_candidates():
    assert ids(make_columns(60)) == list(range(1, 61))
    assert ids(make_columns(60, emotion="happy")) == []
    assert ids(make_columns(60, emotion="")) == []


def test_of_many_tracks_the_best_and_some_at_random_are_candidates():
    columns = make_columns(5000)
    first, again, other = (set(ids(columns, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert BEST <= len(first & other) < BEST + DRAWN / 3
    assert BEST + DRAWN >= len(first) > DRAWN
    away = np.linalg.norm(columns.vad - CENTRE, axis=1)
    assert set(columns.ids[np.argsort(away)[:100]].tolist()) <= first & other


def test_the_best_are_near_the_target_and_follow_what_is_liked():
    columns = make_columns(5000, artists=500)
    rows, _ = columns.rows_of([77])
    fan = Taste(evidence=Evidence.of(columns.features(rows, CENTRE), [1.0], [0.1]))
    theirs = {i for i in range(1, 5001) if i % 500 == 77}

    def best(taste, target=CENTRE):
        return set(ids(columns, taste, seed=1, target=target)) & set(ids(columns, taste, seed=2, target=target))

    assert len(best(fan) & theirs) > len(best(NONE) & theirs)
    shaded = np.array(sorted(best(NONE, CENTRE + np.array([1.0, 0, 0])))) - 1
    assert columns.vad[shaded, 0].mean() > columns.vad[np.array(sorted(best(NONE))) - 1, 0].mean() + 0.5


def test_what_is_banned_is_no_candidate_not_even_under_another_id():
    columns = make_columns(20, spotify={3: "same", 19: "same", 4: "", 5: ""})
    assert set(ids(columns, Taste(banned=frozenset({1, 3, 4, 999})))) == {2, *range(5, 19), 20}
    assert ids(columns, Taste(banned=frozenset(range(1, 21)))) == []


def test_a_banned_artist_is_no_candidate():
    columns = make_columns(20, artists=4)
    code = int(columns.artist[columns.rows_of([2])[0][0]])
    assert ids(columns, Taste(banned_artists=frozenset({code}))) == [i for i in range(1, 21) if i % 4 != 2]


def test_the_demonstration_and_what_cannot_be_played_only_fill_up():
    use = dict.fromkeys(range(11, 14), DEMO) | dict.fromkeys(range(14, 19), LINKED)
    columns = make_columns(18, use=use)
    assert ids(columns, least=10) == list(range(1, 11))
    assert ids(columns, least=13) == list(range(1, 14))
    assert ids(columns, least=14) == list(range(1, 19))


def test_to_who_never_asks_spotify_what_it_alone_can_play_is_only_linked_to():
    use = dict.fromkeys(range(1, 21), SPOTIFY) | {24: DEMO, 25: LINKED}
    columns = make_columns(25, use=use)
    assert ids(columns, least=5) == [*range(1, 24)]
    own_only = Taste(own_only=True)
    assert ids(columns, own_only, least=3) == [21, 22, 23]
    assert ids(columns, own_only, least=4) == [21, 22, 23, 24]
    assert ids(columns, own_only, least=5) == list(range(1, 26))
    assert columns.uses(np.array([0, 20, 23, 24])).tolist() == [PLAYABLE, PLAYABLE, DEMO, LINKED]
    assert columns.uses(np.array([0, 20, 23, 24]), own_only=True).tolist() == [LINKED, PLAYABLE, DEMO, LINKED]


@pytest.mark.parametrize(("own", "demo", "weighed"), [(60, 0, "own"), (1, 60, "demo"), (1, 1, "all")])
def test_a_journey_of_who_never_asks_spotify_takes_what_it_alone_can_play_where_others_are_too_few(own, demo, weighed):
    uses = [PLAYABLE] * own + [DEMO] * demo + [SPOTIFY] * 100 + [LINKED] * 10
    columns = make_columns(len(uses), use=dict(enumerate(uses, start=1)), spread=0.1)
    points = np.linspace(CENTRE - 0.1, CENTRE + 0.1, 6)

    def counts(taste):
        return np.bincount(columns.use[along(columns, points, taste, seed=1)], minlength=4).tolist()

    assert counts(NONE) == [own, 0, 0, 100]
    expected = {"own": [own, 0, 0, 0], "demo": [own, demo, 0, 0], "all": [own, demo, 0, 100]}
    assert counts(Taste(own_only=True)) == expected[weighed]


@pytest.mark.parametrize("use", [DEMO, LINKED, SPOTIFY])
def test_of_many_tracks_that_only_fill_up_the_best_and_some_at_random_are_candidates(use):
    columns = make_columns(5000, artists=500, use=dict.fromkeys(range(1, 5001), use))
    target = CENTRE + np.array([2.0, 0, 0])
    rows, _ = columns.rows_of([78])  # of genre 2
    fan = Taste(evidence=Evidence.of(columns.features(rows, target), [1.0], [0.1]), own_only=True)
    plain = Taste(own_only=True)
    near = columns.ids[np.argsort(np.linalg.norm(columns.vad - target, axis=1))[:100]].tolist()
    first, again, other = (ids(columns, plain, seed=seed, target=target) for seed in (1, 1, 2))
    assert first == again != other
    assert set(near) <= set(first) & set(other)
    assert BEST + DRAWN >= len(first) > DRAWN

    def liked(taste):
        both = [ids(columns, taste, seed=seed, target=target) for seed in (1, 2)]
        return sum(i % 5 == 78 % 5 for i in set(both[0]) & set(both[1]))

    assert liked(fan) > liked(plain)


def test_two_of_one_recording_count_as_one():
    columns = make_columns(12, spotify=dict.fromkeys(range(1, 11), "same"), use={11: DEMO, 12: LINKED})
    assert ids(columns, least=1) == list(range(1, 11))
    assert ids(columns, least=2) == list(range(1, 12))


def test_rows_of_tracks_that_there_are_not_are_left_out():
    columns = make_columns(10)
    rows, there = columns.rows_of([5, 77, 2, -1])
    assert columns.ids[rows].tolist() == [5, 2]
    assert there.tolist() == [True, False, True, False]
    assert columns_of([], np.array(ANCHORS)).rows_of([1])[0].tolist() == []


def test_a_journey_has_candidates_along_its_whole_way():
    columns = make_columns(20_000, spread=2.0)
    points = np.linspace(CENTRE - 1, CENTRE + 1, 6)
    rows = along(columns, points, NONE, seed=1)
    away = np.linalg.norm(columns.vad[rows][:, None] - points, axis=2)
    assert (away.min(axis=1) <= 0.75).all()
    assert (away.min(axis=0) < 0.3).all()
    assert np.array_equal(rows, along(columns, points, NONE, seed=1))
    banned = frozenset(columns.ids[rows[:50]].tolist())
    assert not banned & set(columns.ids[along(columns, points, Taste(banned=banned), seed=1)].tolist())


@pytest.fixture
def active(db):
    return Clustering.objects.create(
        method="kmeans",
        centroids={emotion: list(anchor) for emotion, anchor in zip(EMOTIONS, ANCHORS, strict=True)},
        state=Clustering.State.ACTIVE,
    )


def test_the_catalogue_is_read_again_only_when_it_changed(active, django_assert_num_queries):
    make_track("sad")
    first = loading.columns()
    with django_assert_num_queries(1):
        assert loading.columns() is first
    track = make_track("sad")
    assert track.id in loading.columns().ids
    Clustering.objects.update(centroids={"sad": [1, 1, 1]}, revision=uuid4())
    assert loading.columns().centres[SAD].tolist() == [1, 1, 1]


@pytest.mark.django_db
def test_columns_say_what_a_track_is_good_for():
    tracks = {
        SPOTIFY: make_track("sad"),
        PLAYABLE: make_track("sad", audio="a.mp3"),
        LINKED: make_track("sad", spotify_id=""),
        DEMO: make_track("sad", spotify_id="", audio="a.mp3", origin=Track.Origin.DEMO),
    }
    columns = loading.columns()
    assert dict(zip(columns.ids.tolist(), columns.use.tolist(), strict=True)) == {
        track.id: use for use, track in tracks.items()
    }
    assert columns.centres == pytest.approx(np.array(ANCHORS))
