"""Company: what many people's acts have in common, fitted by the clock and laid over the catalogue's columns."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from django.conf import settings

from catalogue.models import Clustering
from emotune.emotions import ANCHORS, EMOTIONS
from playlists import company_work, loading
from playlists.columns import NOWHERE
from playlists.company import ENOUGH_ACTS, Acts
from playlists.company import fit as fit_to_all
from playlists.models import CompanyFit, Listen, Rating, Skip
from playlists.profiles import SKIPPED, taste_of
from playlists.tasks import FIT_LIMIT_S, fit_company
from playlists.taste import believe
from tests.factories import make_track, make_user

ENOUGH_PEOPLE = 50
fit = partial(fit_to_all, enough=ENOUGH_PEOPLE)


def two_circles(people=ENOUGH_PEOPLE, each=20):
    """Half of the people like artists 0 to 9, the others 10 to 19."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(people), each)
    return Acts(person, rng.integers(0, 10, people * each) + 10 * (person % 2), np.ones(people * each))


def test_artists_whom_the_same_people_like_lie_the_same_way():
    found = fit(two_circles())
    assert found
    assert found.people == ENOUGH_PEOPLE
    assert found.artists.tolist() == list(range(20))
    assert (found.vectors**2).sum(axis=1).mean() == pytest.approx(1, rel=1e-3)
    length = found.vectors / np.linalg.norm(found.vectors, axis=1, keepdims=True)
    alike = length @ length.T
    others = alike[~np.eye(20, dtype=bool)].reshape(20, 19)
    assert others[:10, :9].mean() > 0.2 > -0.2 > alike[:10, 10:].mean()


def test_the_same_acts_give_the_same_vectors():
    one, other = fit(two_circles()), fit(two_circles())
    assert one
    assert other
    assert np.array_equal(one.vectors, other.vectors)


def test_too_few_people_and_people_who_did_too_little_have_no_company():
    assert fit(two_circles(people=ENOUGH_PEOPLE - 1)) is None
    assert fit(two_circles(each=ENOUGH_ACTS - 1)) is None
    with pytest.raises(ValueError, match="not numbers"):
        fit(Acts(np.array([1]), np.array([1]), np.array([np.nan])))


@pytest.fixture
def circles(db, monkeypatch):
    """Two circles of people in the database, with tracks of two by each of their twelve artists."""
    monkeypatch.setattr(company_work, "ENOUGH_PEOPLE", ENOUGH_PEOPLE)
    Clustering.objects.create(
        method="kmeans",
        centroids=dict(zip(EMOTIONS, map(list, ANCHORS), strict=True)),
        state=Clustering.State.ACTIVE,
    )
    tracks = [make_track("sad", artist=f"Artist {n % 12}") for n in range(24)]
    rng = np.random.default_rng(1)
    for n in range(ENOUGH_PEOPLE):
        user = make_user()
        theirs = [track for track in tracks[:12] if tracks.index(track) % 2 == n % 2]
        liked = rng.permutation(len(theirs))[:5].tolist()
        Rating.objects.bulk_create(Rating(user=user, track=theirs[i], value=1) for i in liked)
        Listen.objects.create(user=user, track=theirs[liked[0]], source="audio")
    return tracks


def test_the_task_keeps_one_fit_and_the_catalogue_learns_of_it(circles, django_assert_num_queries):
    assert loading.columns().company.shape[1] == 0
    fit_company()
    fit_company()
    assert CompanyFit.objects.get().people == ENOUGH_PEOPLE
    columns = loading.columns()
    with django_assert_num_queries(1):
        assert loading.columns() is columns
    codes = columns.artist[columns.rows_of([track.id for track in circles[:12]])[0]]
    vectors = columns.company[codes]
    assert (vectors[0] @ vectors[2:12:2].T).mean() > 0 > (vectors[0] @ vectors[1:12:2].T).mean()


def test_a_newcomer_is_given_what_their_company_likes_before_what_others_like(circles):
    fit_company()
    user = make_user()
    Rating.objects.bulk_create(Rating(user=user, track=circles[i], value=1) for i in (0, 2, 4))
    columns = loading.columns()
    rows, _ = columns.rows_of([track.id for track in circles[12:]])
    belief = believe(taste_of(user, columns).evidence, columns.features(rows, NOWHERE), np.random.default_rng(0))
    assert min(belief.company[6::2]) > max(belief.company[7::2])


def test_without_enough_people_the_fit_is_withdrawn(circles):
    fit_company()
    Rating.objects.all().delete()
    fit_company()
    assert not CompanyFit.objects.exists()
    assert loading.columns().company.shape[1] == 0


def test_people_are_counted_before_an_act_or_the_catalogue_is_read(circles, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(company_work, "ENOUGH_PEOPLE", ENOUGH_PEOPLE + 1)
    with django_assert_max_num_queries(5) as asked:
        fit_company()
    assert not [query["sql"] for query in asked if "track" in query["sql"]]


def test_acts_are_read_in_the_memory_of_their_numbers(db):
    """That is 24 bytes an act, as many again while they are joined, and some for the block at hand."""
    user, track = make_user(), make_track("sad")
    Skip.objects.bulk_create([Skip(user=user, track=track) for _ in range(25_000)], batch_size=5000)
    columns = loading.columns()
    tracemalloc.start()
    try:
        acts = company_work._acts(columns)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(acts.people), set(acts.values.tolist())) == (25_000, {SKIPPED})
    assert peak / 25_000 < 100


def test_it_has_minutes_and_goes_to_one_worker_alone():
    assert fit_company.soft_time_limit == FIT_LIMIT_S > settings.CELERY_TASK_TIME_LIMIT
    assert fit_company.time_limit == FIT_LIMIT_S + 60
    assert not fit_company.acks_late
