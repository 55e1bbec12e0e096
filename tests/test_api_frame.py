"""What every answer of the API has in common: problem details, limits, both ways to log in, addresses."""

import io
import math
from contextlib import nullcontext
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.core.cache import caches
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from rest_framework.exceptions import ParseError

from emotune import limits
from emotune.api.limits import address_of
from emotune.api.parsers import MAX_DEPTH, StrictJsonParser
from emotune.api.problems import MOST_ERRORS
from tests.api_site import RATES, bearing, check_problem, fresh_limits, routes, token_of
from tests.factories import make_capture, make_track, make_user

__all__ = ["fresh_limits"]
pytestmark = pytest.mark.django_db


# Where scrobblers and players of audio add parameters of their own.
LENIENT = {"api-listenbrainz-submit", "api-listenbrainz-validate", "api-track-audio"}
OPERATIONS = [
    pytest.param(route, method, id=f"{method} {route.name}")
    for route in routes()
    if route.name not in LENIENT
    for method in route.methods
]
# Parts of addresses that are no number; nothing need be there.
SOMETHING = dict.fromkeys(("capture_id", "export_id", "history_import_id", "import_id", "run_id"), uuid4()) | {
    "kind": "gone",
    "share_token": "none",
    "spotify_id": "0" * 22,
}


@pytest.fixture
def user():
    return make_user()


@pytest.mark.parametrize("address", ["/api", "/api/", "/api/v2/tracks", "/api/v1/nothing/", "/api/v1/captures/no-uuid"])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_unknown_address_is_a_problem_by_every_method(client, address, method):
    check_problem(getattr(client, method)(address), 404)


def test_an_address_means_the_same_with_a_slash_at_its_end(client):
    assert client.get("/api/v1/emotions/").json() == client.get("/api/v1/emotions").json()
    assert len(client.get("/api/v1/emotions").json()["emotions"]) == 7


def test_nobody_is_asked_to_log_in(client):
    found = check_problem(client.get("/api/v1/captures"), 401)
    assert "credentials" in found["detail"]
    assert client.get("/api/v1/captures")["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_token_is_told_so(client):
    check_problem(client.get("/api/v1/captures", headers=bearing("emo_nonsense")), 401)


def test_where_nobody_need_log_in_a_token_that_is_over_does_no_harm(client):
    assert client.get("/api/v1/emotions", headers=bearing("emo_nonsense")).status_code == 200
    check_problem(client.get("/api/v1/nothing", headers=bearing("emo_nonsense")), 404)


def test_a_token_does_what_its_scope_allows_and_no_more(client, user):
    reads = bearing(token_of(user, "read"))
    assert client.get("/api/v1/captures", headers=reads).status_code == 200
    answer = client.post("/api/v1/captures", {"emotion": "sad"}, "application/json", headers=reads)
    assert "scope capture" in check_problem(answer, 403)["detail"]
    takes = bearing(token_of(user, "capture"), "Token")
    check_problem(client.get("/api/v1/captures", headers=takes), 403)
    answer = client.post("/api/v1/captures", {"emotion": "sad"}, "application/json", headers=takes)
    assert answer.status_code == 201
    assert answer.json()["mood"] == "sad"
    assert client.get(answer["Location"], headers=reads).json() == answer.json()


def test_a_login_needs_the_csrf_token(user):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    check_problem(browser.post("/api/v1/captures", {"emotion": "sad"}, "application/json"), 403)
    browser.get("/account/consent/")
    secret = browser.cookies["csrftoken"].value
    named = browser.post("/api/v1/captures", {"emotion": "sad"}, "application/json", headers={"X-CSRFToken": secret})
    assert named.status_code == 201


def test_a_method_that_an_address_has_not_is_405_and_says_which_it_has(client, user):
    client.force_login(user)
    answer = client.put("/api/v1/emotions")
    check_problem(answer, 405)
    assert "GET" in answer["Allow"]
    check_problem(client.options("/api/v1/captures"), 405)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b'{"emotion": NaN}', "no number of JSON"),
        (b'{"emotion": "sad", "emotion": "happy"}', "twice"),
        (b'{"emotion": "\\ud800"}', "not JSON"),
        (b'{"\\udfff": 1}', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 200_000, "too deeply"),
        (b"9" * 5000, "not JSON"),
    ],
)
def test_a_body_that_is_no_json_is_400(client, user, body, words):
    client.force_login(user)
    assert words in check_problem(client.post("/api/v1/captures", body, "application/json"), 400)["detail"]


def test_no_depth_of_json_is_read_and_breaks_further_in(client, user, settings):
    settings.API_TOKEN_LIMIT = settings.API_ADDRESS_LIMIT = 10_000
    client.force_login(user)
    statuses = {}
    # what Python cannot read begins at a thousand, less by what is on the stack
    for depth in (2, MAX_DEPTH, MAX_DEPTH + 1, *range(850, 900)):
        body = f'{{"emotion": {"[" * (depth - 1)}1{"]" * (depth - 1)}}}'
        statuses[depth] = client.post("/api/v1/captures", body, "application/json").status_code
    assert statuses == {depth: 422 if depth <= MAX_DEPTH else 400 for depth in statuses}


@pytest.mark.parametrize(("before", "after"), [("[", "]"), ('{"a": ', "}"), ('[0, {"a": ', "}]")])
def test_each_depth_of_json_is_read_or_refused(before, after):
    for depth in range(1, 1001):
        body = io.BytesIO(f"{before * depth}1{after * depth}".encode())
        with nullcontext() if depth * len(after) <= MAX_DEPTH else pytest.raises(ParseError, match="too deeply"):
            StrictJsonParser().parse(body)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"sad"', b"7", b"{}", b'{"emotion": []}', b'{"emotion": "glad"}'])
def test_json_that_is_not_what_is_asked_for_is_422(client, user, body):
    client.force_login(user)
    found = check_problem(client.post("/api/v1/captures", body, "application/json"), 422)
    assert found["errors"]


def test_an_error_names_the_field_and_a_name_that_is_not_known(client, user):
    client.force_login(user)
    answer = client.post("/api/v1/captures", {"emotion": "sad", "emotoin": "sad"}, "application/json")
    assert check_problem(answer, 422)["errors"][0]["pointer"] == "/emotoin"
    found = check_problem(client.get("/api/v1/captures?limit=0&offset=3"), 422)
    assert [error["parameter"] for error in found["errors"]] == ["offset"]
    assert check_problem(client.get("/api/v1/captures?limit=1&limit=2"), 422)["errors"][0]["parameter"] == "limit"


def test_a_pointer_is_written_as_its_rfc_has_it(client, user):
    client.force_login(user)
    answer = client.post("/api/v1/captures", {"a/b~c": 1}, "application/json")
    assert [error["pointer"] for error in check_problem(answer, 422)["errors"]] == ["/a~1b~0c"]


@pytest.mark.parametrize(("route", "method"), OPERATIONS)
def test_a_parameter_that_an_operation_does_not_know_is_422(client, route, method):
    client.force_login(make_user(is_staff=True, is_superuser=True))
    address = reverse(route.name, kwargs={part: SOMETHING.get(part, 1) for part in route.parts})
    found = check_problem(getattr(client, method)(f"{address}?nonsense=1"), 422)
    assert [error["parameter"] for error in found["errors"]] == ["nonsense"]
    if method == "get":
        assert client.head(f"{address}?nonsense=1").status_code == 422


def test_many_names_that_are_not_known_and_long_ones_give_a_short_answer(client, user):
    client.force_login(user)
    many = client.post("/api/v1/captures", {f"name{n}": 1 for n in range(10_000)}, "application/json")
    found = check_problem(many, 422)
    assert len(found["errors"]) == MOST_ERRORS
    assert f"at least {MOST_ERRORS - 1} more errors" in found["detail"]
    assert len(many.content) < 20_000
    for body in ({"n" * 100_000: 1}, {"emotion": "n" * 100_000}, {"emotion": {"n": ["n" * 100_000]}}):
        long = client.post("/api/v1/captures", body, "application/json")
        assert len(check_problem(long, 422)["errors"]) == 1
        assert len(long.content) < 2000


def test_other_content_types_are_415(client, user):
    client.force_login(user)
    check_problem(client.post("/api/v1/captures", b"emotion=sad", "application/x-www-form-urlencoded"), 415)
    check_problem(client.post("/api/v1/captures", b"emotion=sad", "\x7f/\x01"), 415)


def test_a_body_too_large_is_413(client, user, settings):
    client.force_login(user)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    check_problem(client.post("/api/v1/captures", b'"' + b"a" * 1000 + b'"', "application/json"), 413)


def test_a_wrong_host_and_an_error_of_ours_have_the_same_shape(client, user, monkeypatch):
    check_problem(client.get("/api/v1/emotions", headers={"Host": "elsewhere.example"}), 400)
    client.force_login(user)
    monkeypatch.setattr("detection.services.settle_overdue", lambda **_: 1 / 0)
    client.raise_request_exception = False
    check_problem(client.get("/api/v1/captures"), 500)


def test_a_database_that_does_not_answer_is_503(client, user, monkeypatch):
    def away(**_):
        raise OperationalError("connection refused")

    client.force_login(user)
    monkeypatch.setattr("detection.services.settle_overdue", away)
    assert "database" in check_problem(client.get("/api/v1/captures"), 503)["detail"]


def test_the_type_of_a_problem_leads_to_words(client):
    found = check_problem(client.get("/api/v1/nothing"), 404)
    words = client.get(found["type"])
    assert words.json()["title"] == found["title"]
    check_problem(client.get("/api/v1/problems/no-such-problem"), 404)


# docs/api.md: emotions, tracks, the map, the model's card, kinds of problems and the contract; audio has its file's.
TAGGED = {
    "api-emotions",
    "api-map",
    "api-model",
    "api-problem",
    "api-schema",
    "api-track",
    "api-track-at-spotify",
    "api-tracks",
}


@pytest.mark.parametrize("name", sorted(TAGGED))
def test_what_does_not_change_is_not_sent_again(client, user, model, name):
    track = make_track()
    parts = {"api-problem": "not-found", "api-track": track.pk, "api-track-at-spotify": track.spotify_id}
    address, login = reverse(name, args=[parts[name]] if name in parts else None), bearing(token_of(user, "read"))
    first = client.get(address, headers=login)
    assert (first.status_code, bool(first.content)) == (200, True)
    again = client.get(address, headers={**login, "If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    other = client.get(address, headers={**login, "If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("name", sorted(TAGGED))
def test_what_is_no_longer_what_a_request_goes_by_is_412_in_words_of_its_own(client, user, model, name):
    track = make_track()
    parts = {"api-problem": "changed", "api-track": track.pk, "api-track-at-spotify": track.spotify_id}
    address, login = reverse(name, args=[parts[name]] if name in parts else None), bearing(token_of(user, "read"))
    found = check_problem(client.get(address, headers={**login, "If-Match": '"other"'}), 412)
    assert (found["type"], "If-Match" in found["detail"]) == ("/api/v1/problems/changed", True)
    etag = client.get(address, headers=login)["ETag"]
    assert client.get(address, headers={**login, "If-Match": etag}).status_code == 200


def test_what_the_documents_name_has_a_tag_and_nothing_else():
    assert {route.name for route in routes() if hasattr(getattr(route.view, "get", None), "has_etag")} == TAGGED


def test_a_token_and_an_address_have_limits_and_say_how_much_is_left(client, user, settings, monkeypatch):
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: 1_000_000.0))
    settings.API_TOKEN_LIMIT, settings.API_ADDRESS_LIMIT = 3, 5
    mine, other = bearing(token_of(user, "read")), bearing(token_of(user, "read"))
    seen = [client.get("/api/v1/captures", headers=mine) for _ in range(4)]
    assert [answer.status_code for answer in seen] == [200, 200, 200, 429]
    assert [answer["X-RateLimit-Remaining"] for answer in seen] == ["2", "1", "0", "0"]
    assert seen[0]["X-RateLimit-Limit"] == "3"
    check_problem(seen[3], 429)
    assert 1 <= int(seen[3]["Retry-After"]) <= 60
    fifth = client.get("/api/v1/captures", headers=other)
    assert (fifth.status_code, fifth["X-RateLimit-Remaining"]) == (200, "0"), fifth.content
    check_problem(client.get("/api/v1/captures", headers=other), 429)
    found = check_problem(client.get("/api/v1/nothing"), 429)
    assert "this address" in found["detail"]
    assert client.get("/api/v1/emotions", REMOTE_ADDR="192.0.2.7").status_code == 200


def test_a_person_who_is_logged_in_has_one_limit_in_all_browsers(user, settings, monkeypatch):
    assert (settings.API_TOKEN_LIMIT, settings.API_ADDRESS_LIMIT) == (600, 1200)
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: 1_000_000.0))
    settings.API_TOKEN_LIMIT = 3
    browsers = [Client(REMOTE_ADDR=f"192.0.2.{number}") for number in range(2)]
    for browser in browsers:
        browser.force_login(user)
    seen = [browsers[n % 2].get("/api/v1/captures") for n in range(4)]
    assert [answer.status_code for answer in seen] == [200, 200, 200, 429]
    assert [answer["X-RateLimit-Remaining"] for answer in seen] == ["2", "1", "0", "0"]
    assert "3 requests within a minute" in check_problem(seen[3], 429)["detail"]
    browsers[0].force_login(make_user())
    assert browsers[0].get("/api/v1/captures").status_code == 200
    assert Client().get("/api/v1/captures", headers=bearing(token_of(user, "read"))).status_code == 200


def test_a_window_later_everything_is_there_again(client, settings, monkeypatch):
    settings.API_ADDRESS_LIMIT = 1
    now = [1_000_000.0]
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: now[0]))
    assert [client.get("/api/v1/emotions").status_code for _ in range(2)] == [200, 429]
    now[0] += 60
    assert client.get("/api/v1/emotions").status_code == 200


@pytest.mark.parametrize(
    ("remote", "passed_on", "proxies", "address"),
    [
        ("192.0.2.1", "", 0, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", 0, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.3, 203.0.113.9", 1, "203.0.113.9"),
        ("192.0.2.1", "", 1, "192.0.2.1"),
        ("2001:db8:1:2:3::4", "", 0, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "", 0, "192.0.2.1"),
        ("", "nonsense", 1, "unknown"),
    ],
)
def test_the_address_is_the_last_that_a_trusted_proxy_names(rf, settings, remote, passed_on, proxies, address):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    request = rf.get("/api/v1/emotions", REMOTE_ADDR=remote, headers={"X-Forwarded-For": passed_on})
    assert address_of(request) == address


def test_while_the_cache_is_away_limits_count_by_process(client, monkeypatch, settings):
    settings.API_ADDRESS_LIMIT = 2
    monkeypatch.setattr(caches["default"], "_away_until", math.inf)
    answers = [client.get("/api/v1/emotions") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert all(name in answer for answer in answers for name in RATES)


def test_scripts_of_other_sites_may_only_where_the_setting_says(client, settings):
    origin = {"Origin": "https://player.example.org"}
    assert "Access-Control-Allow-Origin" not in client.get("/api/v1/emotions", headers=origin)
    settings.CORS_ALLOWED_ORIGINS = ["https://player.example.org"]
    answer = client.get("/api/v1/emotions", headers=origin)
    assert answer["Access-Control-Allow-Origin"] == "https://player.example.org"
    assert "Access-Control-Allow-Credentials" not in answer
    lost = client.get("/api/v1/nowhere", headers=origin)
    assert (lost.status_code, lost["Access-Control-Allow-Origin"]) == (404, "https://player.example.org")
    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}
    before = client.options("/api/v1/captures", headers=asked)
    assert before.status_code == 200
    assert "idempotency-key" in before["Access-Control-Allow-Headers"]
    assert all(name in before for name in RATES)
    assert "Access-Control-Allow-Origin" not in client.get("/", headers=origin)
    settings.API_ADDRESS_LIMIT = 1
    refused = client.get("/api/v1/emotions", headers=origin)
    assert (refused.status_code, refused["Access-Control-Allow-Origin"]) == (429, "https://player.example.org")


def test_pages_of_a_list_are_walked_both_ways(client, user):
    client.force_login(user)
    made = [str(make_capture(user).id) for _ in range(7)][::-1]
    make_capture(make_user())
    pages, address = [], "/api/v1/captures?limit=3"
    while address:
        page = client.get(address).json()
        pages.append([row["id"] for row in page["results"]])
        last, address = page, page["next"]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [row for page in pages for row in page] == made
    back = client.get(last["previous"]).json()
    assert [row["id"] for row in back["results"]] == pages[1]
    first = client.get(back["previous"]).json()
    assert [row["id"] for row in first["results"]] == pages[0]
    assert first["previous"] is None


@pytest.mark.parametrize("cursor", ["x", "W10.x", "a" * 301, "%00", "eyJ9.eyJ9", "é"])
def test_a_cursor_that_is_none_is_422(client, user, cursor):
    client.force_login(user)
    assert check_problem(client.get(f"/api/v1/captures?cursor={cursor}"), 422)["errors"][0]["parameter"] == "cursor"
