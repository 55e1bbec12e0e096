"""Journeys: even steps from one mood to another, from arrays alone and as a service."""

import numpy as np
import pytest

from catalogue.models import Track
from emotune.emotions import ANCHORS, BY_NAME
from emotune.errors import InvalidInput
from playlists.journeys import SHORTEST_STEP, Stops, plan, unevenness, waypoints
from playlists.listening import never_again, rate
from playlists.models import Playlist
from playlists.services import build_journey, build_playlist
from tests.factories import make_capture, make_track, make_user


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def make_stops(vad, *, recordings=None, liking=None):
    n = len(vad)
    return Stops(
        np.asarray(vad, np.float64).reshape(-1, 3),
        np.arange(n),
        np.arange(1, n + 1) if recordings is None else np.array(recordings),
        np.zeros(n) if liking is None else np.asarray(liking, np.float64),
    )


def test_waypoints_are_even_and_reach_both_ends():
    start, end = np.array([2.0, 3, 4]), np.array([5.0, 3, 8])
    points = waypoints(start, end, 10)
    assert len(points) == 10
    assert points[[0, -1]] == pytest.approx(np.array([start, end]))
    assert np.linalg.norm(np.diff(points, axis=0), axis=1) == pytest.approx(5 / 9)


def test_near_moods_have_fewer_stops_and_the_same_one_two():
    start = np.array([2.0, 3, 4])
    assert len(waypoints(start, start + np.array([2.05 * SHORTEST_STEP, 0, 0]), 10)) == 3
    assert len(waypoints(start, start, 10)) == 2
    with pytest.raises(ValueError, match="2 stops"):
        waypoints(start, start, 1)


@pytest.mark.parametrize("journeys", [200, pytest.param(1000, marks=pytest.mark.short)])
def test_journeys_between_random_moods_are_even_and_arrive(journeys, rng):
    centres = np.array(ANCHORS)
    cloud = centres.mean(axis=0) + rng.normal(size=(60_000, 3)) * centres.std(axis=0) * 1.2
    for seed in range(journeys):
        start, end = (rng.dirichlet(np.ones(7)) @ centres for _ in range(2))
        line = waypoints(start, end, 10)
        stops = make_stops(cloud[_near(cloud, line)])
        journey = plan(start, end, stops, k=10, seed=seed)
        visited = stops.vad[journey.stops]
        assert len(set(journey.stops)) == len(journey.points)
        assert unevenness(journey.points, visited) <= 0.25
        assert np.linalg.norm(visited[[0, -1]] - [start, end], axis=1).max() <= 0.5


def _near(cloud, line):
    """The tracks in a box around the whole line: quick to find, and more than enough."""
    low, high = line.min(axis=0) - 0.3, line.max(axis=0) + 0.3
    return np.flatnonzero(((cloud > low) & (cloud < high)).all(axis=1))[:3000]


def test_the_same_seed_gives_the_same_journey(rng):
    stops = make_stops(rng.uniform(2, 6, (500, 3)))
    ends = np.array([3.0, 3, 3]), np.array([5.0, 5, 5])
    assert plan(*ends, stops, k=8, seed=1).stops == plan(*ends, stops, k=8, seed=1).stops


def test_it_is_the_same_under_other_numbers_of_recordings_as_each_process_has_its_own(rng):
    points = np.repeat(rng.uniform(2, 6, (100, 3)), 5, axis=0)  # five tracks that are as good for every step
    ends = np.array([3.0, 3, 3]), np.array([5.0, 5, 5])
    numbers = rng.permutation(500)
    one, other = (make_stops(points, recordings=1 + found) for found in (numbers, numbers[::-1]))
    for seed in range(20):
        assert plan(*ends, one, k=8, seed=seed).stops == plan(*ends, other, k=8, seed=seed).stops


def test_no_spotify_id_comes_twice():
    stops = make_stops(np.linspace([1, 1, 1], [4, 1, 1], 6), recordings=(1, 1, 2, 2, 3, 3))
    journey = plan(stops.vad[0], stops.vad[-1], stops, k=6, seed=0)
    ids = stops.recordings[journey.stops].tolist()
    assert len(ids) == len(set(ids))


def test_of_walks_as_good_it_takes_the_one_that_is_liked():
    line = np.linspace([1, 1, 1], [4, 1, 1], 4)
    stops = make_stops(np.concatenate([line, line + 1e-6]), liking=[0] * 4 + [1] * 4)
    journey = plan(line[0], line[-1], stops, k=4, seed=0)
    assert journey.stops == [4, 5, 6, 7]


def test_where_all_tracks_lie_at_one_point_no_stop_comes_twice():
    stops = make_stops(np.full((2, 3), 5.0))
    assert len(plan(np.full(3, 5.0), np.full(3, 5.02), stops, k=10, seed=1).stops) == 1


def test_nothing_near_gives_no_stops():
    assert plan(np.zeros(3), np.ones(3), make_stops([]), k=5, seed=0).stops == []


SAD, HAPPY = (np.array(BY_NAME[name].anchor) for name in ("sad", "happy"))


def make_track_at(vad, **fields):
    away = np.linalg.norm(np.array(ANCHORS) - vad, axis=1)
    v, a, d = vad.tolist()
    where = {"distance": float(away.min()), "valence": v, "arousal": a, "dominance": d}
    return make_track(list(BY_NAME)[away.argmin()], **where, **fields)


@pytest.fixture
def catalogue(db, rng):
    """Tracks all along the way from sad to happy, each by the nearer end's name, as K-Means would have it."""
    for share in np.linspace(0, 1, 120):
        make_track_at(SAD + share * (HAPPY - SAD) + rng.normal(0, 0.08, 3))


def points_of(playlist):
    rows = playlist.entries.values_list("track__valence", "track__arousal", "track__dominance")
    return np.array(list(rows))


def test_a_journey_leads_from_the_mood_to_the_wanted_one(catalogue):
    playlist = build_journey(capture=make_capture(make_user()), wanted="happy", k=10)
    points = points_of(playlist)
    assert len(points) == 10
    assert np.linalg.norm(points[0] - BY_NAME["sad"].anchor) < 0.5
    assert np.linalg.norm(points[-1] - BY_NAME["happy"].anchor) < 0.5
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert np.abs(steps / steps.mean() - 1).max() < 0.5
    reasons = [entry.reason for entry in playlist.entries.all()]
    assert reasons[0] == "starts where you are: sad"
    assert reasons[4] == "step 5 of 10 from sad to happy"
    assert reasons[-1] == "arrives: happy"


def test_a_journey_is_made_once_and_stands_beside_the_playlist(catalogue):
    capture = make_capture(make_user())
    journey = build_journey(capture=capture, wanted="happy")
    assert build_journey(capture=capture, wanted="happy") == journey
    assert build_playlist(capture=capture) != journey
    assert Playlist.objects.filter(capture=capture).count() == 2


def test_what_is_never_wanted_again_is_no_stop(catalogue):
    user = make_user()
    for track in Track.objects.all()[::2]:
        never_again(user=user, track=track)
    banned = set(user.never_again.values_list("track_id", flat=True))
    journey = build_journey(capture=make_capture(user), wanted="happy")
    assert journey.entries.count() > 5
    assert not banned & set(journey.entries.values_list("track_id", flat=True))


@pytest.mark.django_db
def test_of_tracks_that_fit_as_well_a_journey_takes_those_by_whom_a_person_likes():
    """At every other place, for one artist twice in a row costs more than liking is worth."""
    for n, point in enumerate(waypoints(SAD, HAPPY, 10)):
        for away, artist in enumerate(("Ada", "Bea")):
            make_track_at(point + away * 1e-5, artist=artist if n % 2 else f"{artist} {n}")
    people = {artist: make_user() for artist in ("Ada", "Bea")}
    for artist, user in people.items():
        for _ in range(5):
            rate(user=user, track=make_track("fear", artist=artist), value=1)
    for artist, user in people.items():
        journey = build_journey(capture=make_capture(user), wanted="happy")
        artists = list(journey.entries.values_list("track__artist", flat=True))
        assert (len(artists), artists[1::2]) == (10, [artist] * 5)


@pytest.mark.django_db
def test_an_empty_catalogue_gives_an_empty_journey():
    assert not build_journey(capture=make_capture(make_user()), wanted="happy").entries.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("wanted", "k"), [("sad", 10), ("joy", 10), ("happy", 1), ("happy", 31)])
def test_it_rejects_what_is_no_journey(wanted, k):
    with pytest.raises(InvalidInput):
        build_journey(capture=make_capture(make_user()), wanted=wanted, k=k)
