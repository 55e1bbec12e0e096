"""Passkeys that are refused: said in words about passkeys, and one still gets where one was going."""

import json
from urllib.parse import unquote

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.messages import get_messages
from fido2.utils import websafe_encode

from tests.accounts_site import (
    PASSWORD,
    is_logged_in,
    link_in,
    log_in,
    make_person,
    quick_passwords_and_fresh_limits,  # noqa: F401
    sign_up,
)

pytestmark = pytest.mark.django_db
LOGIN, AGAIN, ADD = (f"/accounts/2fa/webauthn/{name}/" for name in ("login", "reauthenticate", "add"))
REFUSED = "This passkey was not accepted"


@pytest.fixture(autouse=True)
def _no_keys_are_read(monkeypatch):
    """Rows of these tests name a passkey and hold none."""
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda _: [])


@pytest.fixture
def ada(client):
    user = make_person()
    log_in(client)
    Authenticator.objects.create(user=user, type="webauthn", data={"name": "My phone"})
    return user


def passkey_of(handle: str) -> str:
    """What a browser sends for a passkey that nobody here knows, of an account that it says the number of."""
    said = {"type": "webauthn.get", "challenge": "AA", "origin": "http://testserver", "crossOrigin": False}
    response = {
        "clientDataJSON": websafe_encode(json.dumps(said).encode()),
        "authenticatorData": websafe_encode(b"\0" * 32 + b"\5" + b"\0" * 4),
        "signature": websafe_encode(b"\0" * 70),
        "userHandle": websafe_encode(handle.encode()),
    }
    name = websafe_encode(b"\1" * 16)
    return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def words(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


@pytest.mark.parametrize(
    "credential", [passkey_of("zzz"), passkey_of("1"), '{"id": 1}'], ids=["nobody", "somebody", "nonsense"]
)
def test_at_the_login_it_is_said_and_the_login_still_knows_where_one_was_going(client, credential):
    client.get(LOGIN, HTTP_ACCEPT="application/json")
    answer = client.post(LOGIN, {"credential": credential, "next": "/account/"})
    assert unquote(answer.url) == "/accounts/login/?next=/account/"
    assert REFUSED in words(answer)
    assert not is_logged_in(client)


def test_a_foreign_next_is_dropped(client):
    answer = client.post(LOGIN, {"credential": "{}", "next": "https://example.com/"})
    assert answer.url == "/accounts/login/"


def test_after_the_password_it_is_said_on_the_page(client, ada):
    client.logout()
    assert log_in(client).url == "/accounts/2fa/authenticate/"
    page = client.post("/accounts/2fa/authenticate/", {"credential": passkey_of("1")})
    assert REFUSED in page.content.decode()
    assert not is_logged_in(client)


def test_a_wrong_recovery_code_is_called_so(client, ada):
    client.logout()
    log_in(client)
    page = client.post("/accounts/2fa/authenticate/", {"code": "00000000"})
    assert "This is none of your recovery codes, or it was used already." in page.content.decode()


def test_is_it_you_asks_again_and_leads_on_from_there(client, ada, monkeypatch):
    asked = client.post("/accounts/email/", {"action_add": "", "email": "new@example.org"})
    assert unquote(asked.url) == "/accounts/reauthenticate/?next=/accounts/email/"
    client.get(f"{AGAIN}?next=/accounts/email/")
    answer = client.post(AGAIN, {"credential": passkey_of("1"), "next": "/accounts/email/"})
    assert unquote(answer.url) == f"{AGAIN}?next=/accounts/email/"
    assert REFUSED in words(answer)
    page = client.get(answer.url).content.decode()
    assert 'name="next" value="/accounts/email/"' in page
    # the passkey is accepted at last
    key = Authenticator.objects.get()
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.complete_authentication", lambda *_: key)
    answer = client.post(AGAIN, {"credential": passkey_of("1"), "next": "/accounts/email/"})
    assert answer.url == "/accounts/email/"
    assert EmailAddress.objects.filter(email="new@example.org").exists(), "what was asked for is done"


def test_one_that_cannot_be_added_is_called_so(client, ada):
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.get(ADD)
    page = client.post(ADD, {"name": "x", "credential": passkey_of("1")})
    assert "The passkey was not added." in page.content.decode()


class TestChangeOfAddress:
    @pytest.fixture(params=["mandatory", "optional"], autouse=True)
    def _verification(self, request, settings):
        settings.ACCOUNT_EMAIL_VERIFICATION = request.param

    def test_who_waits_for_one_may_add_a_passkey(self, client):
        user = make_person()
        log_in(client)
        EmailAddress.objects.create(user=user, email="new@example.org")
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        page = client.get(ADD)
        assert page.status_code == 200
        assert 'name="credential"' in page.content.decode()

    def test_who_has_a_passkey_may_ask_for_one_and_keeps_it(self, client, ada, mailoutbox):
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        mailoutbox.clear()
        assert client.post("/accounts/email/", {"action_add": "", "email": "new@example.org"}).status_code == 302
        client.post(link_in(mailoutbox[0]))
        ada.refresh_from_db()
        assert ada.email == "new@example.org"
        assert Authenticator.objects.get().user == ada

    def test_nobody_adds_a_passkey_to_an_account_whose_own_address_waits(self, client, settings):
        settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
        sign_up(client, "victim@example.org", PASSWORD)
        assert client.get(ADD).url.startswith("/accounts/login/")
        log_in(client, "victim@example.org")
        assert not is_logged_in(client)
        assert client.get(ADD).url.startswith("/accounts/login/")
