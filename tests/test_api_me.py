"""One's own account by API: profile, consent, preferences, tokens, copies of everything, and the end of it."""

import pytest
from django.test import Client
from django.utils.module_loading import import_string

from accounts.models import CONSENT_VERSION, ApiToken, Export, User
from tests.accounts_site import PASSWORD, log_in, make_person
from tests.api_site import bearing, check_problem, fresh_limits, token_of
from tests.factories import make_user

__all__ = ["fresh_limits"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def ask(client, user):
    headers = bearing(token_of(user, "read", "listen", "capture"))

    def ask(method, address, body=None):
        more = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/me{address}", headers=headers, **more)

    return ask


@pytest.fixture
def browser() -> Client:
    """A browser in which somebody has logged in and has just entered their password once more."""
    make_person("ada@example.org")
    browser = logged_in()
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


def logged_in() -> Client:
    browser = Client()
    log_in(browser, "ada@example.org")
    return browser


def test_the_profile_says_what_the_login_may_do(ask, user):
    me = ask("get", "").json()
    assert (me["email"], me["scopes"], me["allows_camera"]) == (user.email, ["read", "listen", "capture"], False)


def test_a_login_may_do_an_admins_work_only_where_that_runs_the_site(client, user):
    client.force_login(user)
    assert client.get("/api/v1/me").json()["scopes"] == ["read", "listen", "capture"]
    user.is_staff = True
    user.save()
    assert client.get("/api/v1/me").json()["scopes"] == ["read", "listen", "capture", "admin"]


def test_preferences_are_changed_one_by_one(ask):
    assert ask("get", "/preferences").json() == {"playback": "spotify", "tracks": 15}
    assert ask("patch", "/preferences", {"tracks": 20}).json() == {"playback": "spotify", "tracks": 20}
    assert ask("patch", "/preferences", {"playback": "own"}).json() == {"playback": "own", "tracks": 20}
    for wrong in ({"tracks": 4}, {"tracks": 51}, {"playback": "loud"}, {"colour": "red"}):
        check_problem(ask("patch", "/preferences", wrong), 422)


def test_a_person_agrees_and_a_program_can_only_withdraw(ask, client, user):
    body = {"version": CONSENT_VERSION}
    assert "in person" in check_problem(ask("put", "/consent", body), 403)["detail"]
    client.force_login(user)
    assert client.put("/api/v1/me/consent", body, "application/json").json()["given"] is True
    check_problem(client.put("/api/v1/me/consent", {"version": "1999-01"}, "application/json"), 422)
    assert ask("get", "/consent").json()["version"] == CONSENT_VERSION
    assert ask("delete", "/consent").json() == {"given": False, "version": None, "given_at": None}
    assert not user.allows_camera


def test_a_token_is_made_by_a_person_who_has_just_shown_their_password(browser, client, ask):
    body = {"name": "player", "scopes": ["read"]}
    made = browser.post("/api/v1/me/tokens", body, "application/json")
    assert made.status_code == 201, made.content
    assert client.get("/api/v1/me", headers=bearing(made.json()["secret"])).status_code == 200
    assert "secret" not in browser.get(made["Location"]).json()
    check_problem(ask("post", "/tokens", body), 403)
    refused = logged_in().post("/api/v1/me/tokens", body, "application/json")
    assert "reauthenticate" in check_problem(refused, 403)["detail"]
    check_problem(browser.post("/api/v1/me/tokens", {**body, "scopes": ["admin"]}, "application/json"), 403)
    for wrong in ({}, {**body, "scopes": []}, {**body, "scopes": ["all"]}, {**body, "expires_at": "2001-01-01T00:00Z"}):
        check_problem(browser.post("/api/v1/me/tokens", wrong, "application/json"), 422)


def test_a_token_revokes_itself_and_no_other(ask, user):
    other = ApiToken.objects.get(pk=ApiToken.objects.get(user=user).pk)
    token_of(user, "read")
    second = ApiToken.objects.filter(user=user).exclude(pk=other.pk).get()
    check_problem(ask("delete", f"/tokens/{second.pk}"), 403)
    assert ask("delete", f"/tokens/{other.pk}").status_code == 204
    check_problem(ask("get", ""), 401)


def test_a_token_revokes_itself_whatever_it_was_lent_for(client, user):
    secret = token_of(user, "listen")
    mine = ApiToken.objects.get(user=user)
    bearer = bearing(secret)
    assert client.get(f"/api/v1/me/tokens/{mine.pk}", headers=bearer).status_code == 403
    assert client.delete(f"/api/v1/me/tokens/{mine.pk}", headers=bearer).status_code == 204
    assert client.get("/api/v1/me", headers=bearer).status_code == 401


def test_a_token_revokes_itself_without_knowing_its_id(client, user):
    secret, other = token_of(user, "listen"), token_of(user, "listen")
    client.force_login(user)
    check_problem(client.delete("/api/v1/me/tokens/current"), 422)
    client.logout()
    assert client.delete("/api/v1/me/tokens/current", headers=bearing(secret)).status_code == 204
    check_problem(client.delete("/api/v1/me/tokens/current", headers=bearing(secret)), 401)
    assert client.delete("/api/v1/me/tokens/current", headers=bearing(other)).status_code == 204


def test_a_person_revokes_all_their_tokens_and_a_program_does_not(ask, client, user):
    token_of(user, "read")
    theirs = token_of(make_user(), "read")
    assert "in person" in check_problem(ask("delete", "/tokens"), 403)["detail"]
    client.force_login(user)
    assert client.delete("/api/v1/me/tokens").json() == {"revoked": 2}
    assert client.delete("/api/v1/me/tokens").json() == {"revoked": 0}
    client.logout()
    check_problem(ask("get", ""), 401)
    assert client.get("/api/v1/me", headers=bearing(theirs)).status_code == 200


@pytest.mark.parametrize(
    ("method", "address", "body", "last"),
    [
        ("post", "/tokens", {"name": "player", "scopes": ["read"]}, "accounts.tokens._check"),
        ("delete", "/tokens", {}, "accounts.services.wait_for_turn"),
        ("delete", "", {"confirm": "delete"}, "accounts.api._check_person"),
    ],
)
def test_whose_account_is_deleted_meanwhile_is_told_so(browser, monkeypatch, method, address, body, last):
    done = import_string(last)

    def late(*what):
        User.objects.get().delete()
        return done(*what)

    monkeypatch.setattr(last, late)
    found = check_problem(getattr(browser, method)(f"/api/v1/me{address}", body, "application/json"), 410)
    assert "account was deleted" in found["detail"]


def test_a_copy_is_asked_for_followed_and_deleted(ask):
    made = ask("post", "/exports", {})
    assert (made.status_code, made.json()["state"], made.json()["download"]) == (202, "queued", None)
    address = made["Location"].removeprefix("/api/v1/me")
    assert ask("get", address).json()["id"] == made.json()["id"]
    check_problem(ask("get", address + "/file"), 404)
    assert ask("post", address + "/cancel").json()["state"] == "cancelled"
    assert len(ask("get", "/exports").json()["results"]) == 1
    assert ask("delete", address).status_code == 204
    assert not Export.objects.exists()


def test_an_account_is_deleted_by_a_person_who_has_just_shown_their_password(browser, ask):
    body = {"confirm": "delete"}
    check_problem(ask("delete", "", body), 403)
    check_problem(logged_in().delete("/api/v1/me", body, "application/json"), 403)
    check_problem(browser.delete("/api/v1/me", {"confirm": "yes"}, "application/json"), 422)
    assert browser.delete("/api/v1/me", body, "application/json").status_code == 204
    assert not User.objects.filter(email="ada@example.org").exists()
    check_problem(browser.get("/api/v1/me"), 401)
