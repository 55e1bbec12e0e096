"""What belongs to one person does not exist for another one, at every address and by every method that there is."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import reverse

from accounts.models import ApiToken, Export, User
from accounts.tokens import create_token
from catalogue.models import Clustering, ClusteringRun, Import, Track
from emotune.api.schema import contract_of
from playlists import listening
from playlists.listening import record_listen
from playlists.models import HistoryImport, NeverAgain, NeverArtist, Rating
from playlists.services import build_journey_from
from tests.api_site import Route, bearing, check_problem, fresh_limits, routes, token_of
from tests.factories import make_capture, make_track, make_user

__all__ = ["fresh_limits"]
pytestmark = pytest.mark.django_db

# How to make what a part of an address names, for its owner. A route with a part that is not here fails its test.
OWNED: dict[str, Callable[[User], Any]] = {
    "capture_id": lambda owner: make_capture(owner).pk,
    "export_id": lambda owner: Export.objects.create(user=owner, created_by=owner, state="done").pk,
    "history_import_id": lambda owner: HistoryImport.objects.create(user=owner, name="mine", state="done").pk,
    "listen_id": lambda owner: record_listen(user=owner, track=make_track(), source="api").pk,
    "playlist_id": lambda owner: build_journey_from(user=owner, emotion="sad", wanted="happy").pk,
    "token_id": lambda owner: create_token(user=owner, name="theirs", scopes=["read"])[0].pk,
}
# What is the site's: an ordinary person is refused whether it is there or not.
SITES: dict[str, Callable[[User], Any]] = {
    "clustering_id": lambda owner: Clustering.objects.create(method="kmeans", centroids={}, created_by=owner).pk,
    "import_id": lambda owner: Import.objects.create(name="file", created_by=owner, state="done").pk,
    "run_id": lambda owner: ClusteringRun.objects.create(method="kmeans", created_by=owner, state="done").pk,
}
# What is everybody's: a track is, and what a person says of it is not (see `say`).
SHARED = {"kind", "share_token", "spotify_id", "track_id"}
# Lists that are no person's: everybody's, and those that ordinary people are refused.
PUBLIC_LISTS = {"api-tracks"}
SITES_LISTS = {"api-clustering-runs", "api-clusterings", "api-imports"}
BODIES: dict[str, Any] = {"correct_capture": {"chosen": "sad"}, "share_playlist": {"shows_mood": True}}

ROUTES = [route for route in routes() if route.parts]
CASES = [
    pytest.param(route, method, id=f"{method} {route.name}")
    for route in ROUTES
    if not set(route.parts) <= SHARED
    for method in route.methods
]


def ask(client: Any, route: Route, method: str, parts: dict[str, Any], secret: str) -> Any:
    body = BODIES.get(getattr(route.view, method).contract.name, {})
    more = {} if method in ("get", "delete") else {"data": body, "content_type": "application/json"}
    return getattr(client, method)(reverse(route.name, kwargs=parts), headers=bearing(secret), **more)


def test_every_part_of_an_address_is_somebodys():
    assert {part for route in ROUTES for part in route.parts} == {*OWNED, *SITES, *SHARED}
    assert len(CASES) > 15


@pytest.mark.parametrize(("route", "method"), CASES)
def test_a_stranger_finds_nothing_and_changes_nothing(client, route, method):
    owner, stranger = make_user(), make_user()
    track = make_track("happy")
    parts = {part: ({**OWNED, **SITES}[part](owner)) for part in route.parts if part not in SHARED}
    answer = ask(client, route, method, parts, token_of(stranger, "read", "listen", "capture"))
    check_problem(answer, 403 if set(parts) & set(SITES) else 404)
    found = ask(client, route, "get" if "get" in route.methods else method, parts, token_of(owner, "read", "listen"))
    if set(parts) <= set(OWNED) and "get" in route.methods and "file" not in route.name:
        assert found.status_code == 200, found.content
    assert track.pk


@pytest.mark.parametrize(("route", "method"), CASES)
def test_what_is_not_there_looks_the_same(client, route, method):
    """A stranger cannot tell another person's row from none."""
    owner, stranger = make_user(), make_user(is_staff=True, is_superuser=True)
    made = {**OWNED, **SITES}
    parts = {part: made[part](owner) for part in route.parts}
    there = ask(client, route, method, parts, token_of(stranger, "read", "listen", "capture"))
    for model in (ApiToken, Export, HistoryImport):
        model.objects.filter(user=owner).delete()
    owner.delete()
    gone = ask(client, route, method, parts, token_of(stranger, "read", "listen", "capture"))
    if set(parts) <= set(OWNED):
        assert (there.status_code, there.content) == (gone.status_code, gone.content)
    assert gone.status_code in (403, 404)


def test_another_persons_things_cannot_be_named_in_a_body(client):
    owner, stranger = make_user(), make_user()
    secret, track = token_of(stranger, "read", "listen", "capture"), make_track()
    playlist, capture = OWNED["playlist_id"](owner), str(OWNED["capture_id"](owner))
    cases = [
        ("api-playlists", {"capture": capture}, 404),
        ("api-journeys", {"capture": capture, "wanted": "happy"}, 404),
        ("api-listens", {"track": track.pk, "playlist": playlist}, 404),
        ("api-listens-bulk", {"listens": [{"track": track.pk, "playlist": playlist}]}, 422),
        ("api-skips", {"track": track.pk, "playlist": playlist}, 404),
    ]
    for name, body, status in cases:
        check_problem(client.post(reverse(name), body, "application/json", headers=bearing(secret)), status)


def say(owner: User, track: Track) -> None:
    """Rate a track, and have it and its artist kept out."""
    listening.rate(user=owner, track=track, value=1)
    listening.never_again(user=owner, track=track)
    listening.never_artist(user=owner, artist=track.artist)


def lists_pages(route: Route) -> bool:
    """Whether the contract says that a GET answers a page of a list."""
    contract = contract_of(route.view, "get")
    shape: Any = contract.answers.get(200) if contract else None
    return hasattr(shape, "_declared_fields") and {"results", "next", "previous"} == set(shape().fields)


LISTS = [route for route in routes() if lists_pages(route)]


def results_of(client: Any, name: str, secret: str) -> list[dict[str, Any]]:
    answer = client.get(reverse(name), headers=bearing(secret))
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_lists_have_ones_own_rows_alone(client):
    owner, stranger = make_user(), make_user()
    for make in OWNED.values():
        make(owner)
    say(owner, make_track())
    theirs, mine = token_of(owner, "read"), token_of(stranger, "read", "listen", "capture")
    names = {route.name for route in LISTS} - PUBLIC_LISTS - SITES_LISTS - {"api-tokens"}
    assert not any(route.parts for route in LISTS)
    assert {"api-captures", "api-ratings", "api-never-again", "api-never-again-artists"} <= names
    for name in sorted(names):
        assert results_of(client, name, theirs), name
        assert results_of(client, name, mine) == [], name
    # the token that asks is one's own, too
    assert [row["name"] for row in results_of(client, "api-tokens", mine)] == ["a program"]
    for name in SITES_LISTS:
        check_problem(client.get(reverse(name), headers=bearing(mine)), 403)


def test_a_stranger_cannot_see_or_take_back_what_a_person_says_of_a_track(client):
    owner, stranger, track = make_user(), make_user(), make_track()
    say(owner, track)
    hers = {model: model.objects.values().get() for model in (Rating, NeverAgain, NeverArtist)}
    headers = bearing(token_of(stranger, "read", "listen", "capture"))
    rating, never = (reverse(f"api-track-{what}", args=[track.pk]) for what in ("rating", "never-again"))
    artists = f"{reverse('api-never-again-artists')}?artist={quote(track.artist)}"
    check_problem(client.get(rating, headers=headers), 404)
    assert client.delete(rating, headers=headers).status_code == 204
    assert client.delete(never, headers=headers).status_code == 204
    check_problem(client.delete(artists, headers=headers), 404)
    assert {model: model.objects.values().get() for model in hers} == hers


def test_two_people_who_say_something_of_one_track_see_their_own_words(client):
    people, track = {1: make_user(), -1: make_user()}, make_track()
    rating = reverse("api-track-rating", args=[track.pk])
    until = {1: None, -1: "2999-01-01T00:00:00Z"}
    tokens = {value: token_of(person, "read", "listen") for value, person in people.items()}
    for value, secret in tokens.items():
        for path, body in [
            (rating, {"value": value}),
            (reverse("api-track-never-again", args=[track.pk]), {"until": until[value]}),
            (reverse("api-never-again-artists"), {"artist": track.artist, "until": until[value]}),
        ]:
            assert client.put(path, body, "application/json", headers=bearing(secret)).status_code == 200
    for value, secret in tokens.items():
        assert client.get(rating, headers=bearing(secret)).json()["value"] == value
        assert [row["value"] for row in results_of(client, "api-ratings", secret)] == [value]
        for name in ("api-never-again", "api-never-again-artists"):
            assert [row["until"] for row in results_of(client, name, secret)] == [until[value]], name
    assert client.delete(rating, headers=bearing(tokens[1])).status_code == 204
    assert client.get(rating, headers=bearing(tokens[-1])).json()["value"] == -1
