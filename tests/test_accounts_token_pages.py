"""The pages on API tokens: what they show, whom they ask for the password, and whose tokens they touch."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.utils import timezone

from accounts.models import ApiToken
from accounts.tokens import authenticate, create_token, revoke_token
from tests.accounts_site import PASSWORD, make_person, quick_passwords_and_fresh_limits  # noqa: F401
from tests.factories import make_user

pytestmark = pytest.mark.django_db
TOKENS = "/account/tokens/"
SECRET = re.compile(r"emo_[0-9A-Za-z]{42}")
FIELDS = {"name": "Scrobbler", "scopes": ["read", "listen"], "days": "90"}


@pytest.fixture
def ada(client):
    user = make_person()
    client.force_login(user)
    return user


@pytest.fixture
def sure(client, ada):
    """Somebody who has just shown that they know the password."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return ada


def make(client, **fields):
    return client.post(TOKENS, {**FIELDS, **fields})


def test_making_one_asks_for_the_password_and_goes_on_by_itself(client, ada):
    asked = make(client)
    assert unquote(asked.url) == f"/accounts/reauthenticate/?next={TOKENS}"
    assert not ApiToken.objects.exists()
    done = client.post(asked.url, {"password": PASSWORD, "next": TOKENS})
    assert done.status_code == 200
    assert "“Scrobbler” is made" in done.content.decode()
    assert ApiToken.objects.get().user == ada


def test_the_secret_is_shown_once_and_kept_by_no_cache(client, sure):
    response = make(client)
    shown = SECRET.search(response.content.decode())
    assert shown
    assert "no-store" in response["Cache-Control"]
    token = authenticate(shown[0])
    assert token
    assert token.expires_at
    assert token.scopes == ["read", "listen"]
    assert timedelta(days=89) < token.expires_at - timezone.now() < timedelta(days=91)
    again = client.get(TOKENS).content.decode()
    assert not SECRET.search(again)
    assert token.shown in again


def test_one_without_an_end_says_so(client, sure):
    make(client, days="")
    assert ApiToken.objects.get().expires_at is None
    assert "Works until you revoke it." in client.get(TOKENS).content.decode()


@pytest.mark.parametrize(
    "fields",
    [{"name": ""}, {"name": "x" * 101}, {"name": "a\x00b"}, {"scopes": []}, {"scopes": ["x"]}, {"days": "9999"}],
)
def test_it_rejects_what_cannot_be(client, sure, fields):
    response = make(client, **fields)
    assert response.status_code == 422
    assert not ApiToken.objects.exists()


def test_admin_is_offered_to_staff_alone(client, sure):
    assert 'value="admin"' not in client.get(TOKENS).content.decode()
    assert make(client, scopes=["admin"]).status_code == 422
    sure.is_staff = True
    sure.save()
    assert 'value="admin"' in client.get(TOKENS).content.decode()
    assert make(client, scopes=["admin"]).status_code == 200
    assert ApiToken.objects.get().allows("admin")


def test_a_service_that_refuses_is_quoted(client, sure, monkeypatch):
    monkeypatch.setattr("accounts.tokens.MAX_TOKENS", 1)
    make(client)
    response = make(client)
    assert response.status_code == 422
    assert "You have 1 tokens already" in response.content.decode()


def test_names_are_shown_as_text(client, ada):
    create_token(user=ada, name="<script>alert(1)</script>", scopes=["read"])
    for page in (TOKENS, "/account/"):
        text = client.get(page).content.decode()
        assert "<script>alert(1)" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_the_last_use_and_the_end_are_shown(client, ada):
    _, secret = create_token(user=ada, name="Old", scopes=["read"], expires_at=timezone.now() + timedelta(days=3))
    assert "Never used." in client.get(TOKENS).content.decode()
    authenticate(secret)
    assert "Last used" in client.get(TOKENS).content.decode()
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(days=3))
    assert "It is over since" in client.get(TOKENS).content.decode()


def test_revoking_takes_a_click_and_twice_is_once(client, ada):
    token, secret = create_token(user=ada, name="Old", scopes=["read"])
    address = f"{TOKENS}{token.pk}/revoke/"
    assert client.get(address).status_code == 405
    assert "is revoked" in client.post(address, follow=True).content.decode()
    assert authenticate(secret) is None
    assert "is revoked" not in client.post(address, follow=True).content.decode()


def test_a_strangers_token_is_not_there(client, ada):
    token, secret = create_token(user=make_user(), name="Hers", scopes=["read"])
    assert client.post(f"{TOKENS}{token.pk}/revoke/").status_code == 404
    assert authenticate(secret)
    assert "Hers" not in client.get(TOKENS).content.decode()
    assert client.post(f"{TOKENS}{token.pk + 1}/revoke/").status_code == 404


def test_who_is_not_logged_in_is_asked_to(client):
    token, _ = create_token(user=make_user(), name="Hers", scopes=["read"])
    assert client.get(TOKENS).url.startswith("/accounts/login/")
    assert client.post(TOKENS, FIELDS).url.startswith("/accounts/login/")
    assert client.post(f"{TOKENS}{token.pk}/revoke/").url.startswith("/accounts/login/")


def test_the_number_of_queries_does_not_grow(client, ada, django_assert_max_num_queries):
    for number in range(20):
        token, _ = create_token(user=ada, name=f"Token {number}", scopes=["read"])
        if number % 2:
            revoke_token(token=token)
    with django_assert_max_num_queries(6):
        client.get(TOKENS)
