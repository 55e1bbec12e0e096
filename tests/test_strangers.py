"""Pages that are the same for all strangers are made once, and answered as whole as they were made."""

from types import SimpleNamespace

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from emotune import strangers
from emotune.strangers import MOST, StrangersMiddleware
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PAGES = ("/", "/about/", "/privacy/", "/model/")
OWN = {"X-Request-ID"}


@pytest.fixture
def renders(monkeypatch):
    """Count how often a page is really made."""
    made = []

    def note(request, template, *context):
        made.append(template)
        return render(request, template, *context)

    monkeypatch.setattr("emotune.pages.render", note)
    return made


def headers_of(response):
    return {name: value for name, value in response.items() if name not in OWN}


@pytest.mark.parametrize("path", PAGES)
def test_the_second_answer_is_the_first_with_a_name_of_its_own(client, path, django_assert_num_queries):
    first = client.get(path)
    with django_assert_num_queries(0):
        second = client.get(path)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert headers_of(second) == headers_of(first)
    assert second["X-Request-ID"] != first["X-Request-ID"]
    assert {"Content-Security-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy"} <= set(dict(second.items()))


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_given_no_cookie_and_no_token(client, path):
    response = client.get(path)
    assert not response.cookies
    assert b"csrf" not in response.content.lower()
    assert "Cookie" in response["Vary"]
    assert response["Cache-Control"] == "public, max-age=0, s-maxage=60"


def test_a_page_is_made_once(client, renders):
    for _ in range(3):
        client.get("/")
    assert renders == ["home.html"]


def test_a_page_is_made_anew_after_a_minute_and_not_before(client, renders, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(strangers, "time", SimpleNamespace(monotonic=lambda: now[0]))
    made = []
    for seconds in (0, 59, 61, 119, 122):
        now[0] = 1000.0 + seconds
        client.get("/")
        made.append(len(renders))
    assert made == [1, 1, 2, 2, 3]


def test_whoever_is_logged_in_never_gets_a_kept_page_nor_leaves_one(client, renders):
    client.force_login(make_user())
    own = client.get("/")
    assert "Log in" not in own.content.decode()
    assert own["Cache-Control"] == "private, no-cache"
    client.cookies.clear()
    assert "/accounts/login/" in client.get("/").content.decode()
    client.force_login(make_user())
    assert "/history/" in client.get("/").content.decode()
    assert len(renders) == 3


def test_a_message_reaches_a_stranger_on_a_page_of_their_own(client):
    client.get("/")
    client.force_login(make_user())
    client.post("/accounts/logout/")
    assert settings.SESSION_COOKIE_NAME not in {name for name, cookie in client.cookies.items() if cookie.value}
    assert "You are logged out" in client.get("/").content.decode()
    assert "You are logged out" not in client.get("/").content.decode()


def test_hosts_and_schemes_are_kept_apart(client, settings, renders):
    settings.ALLOWED_HOSTS = ["one.example.org", "two.example.org"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for host in ("one.example.org", "two.example.org"):
        for scheme in ("http", "https"):
            for _ in range(2):
                client.get("/", headers={"host": host, "x-forwarded-proto": scheme})
    assert len(renders) == 4


def test_a_host_that_is_not_allowed_is_refused_after_one_that_is(client):
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"host": "evil.example.org"}).status_code == 400
    assert client.get("/", headers={"host": "evil.example.org"}).status_code == 400


@pytest.mark.parametrize("more", [{"query_params": {"a": "1"}}, {"headers": {"HX-Request": "true"}}])
def test_what_says_more_than_its_path_is_made_anew(client, renders, more):
    for _ in range(2):
        client.get("/", **more)
    assert len(renders) == 2


def test_a_page_that_a_browser_has_is_not_sent_again(client):
    tag = client.get("/")["ETag"]
    again = client.get("/", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert client.get("/", headers={"If-None-Match": '"another"'}).status_code == 200


def test_what_is_missing_or_has_a_form_is_not_kept(client):
    tokens = [client.get("/accounts/login/").content for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert "Cache-Control" not in client.get("/nowhere/") or "public" not in client.get("/nowhere/")["Cache-Control"]
    assert client.post("/").status_code == 405


def test_kept_pages_are_counted_by_their_view(client):
    for _ in range(2):
        client.get("/about/")
    assert 'emotune_requests_total{method="GET",status="200",view="about"}' in client.get("/metrics").content.decode()
    assert client.get("/about/").resolver_match.view_name == "about"


def test_made_up_hosts_do_not_fill_the_memory(rf, settings):
    settings.ALLOWED_HOSTS = [".example.org"]

    def answer(request):
        response = HttpResponse("a page")
        setattr(response, "same_for_strangers", True)  # noqa: B010
        return response

    middleware = StrangersMiddleware(answer)
    for number in range(MOST + 20):
        middleware(rf.get("/", headers={"host": f"h{number}.example.org"}))
    assert 0 < len(middleware.kept) <= MOST
