"""The devices that one is logged in from, and passkeys: their pages, and whose they are."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.retention import forget_ended_devices
from tests.accounts_site import (
    PASSWORD,
    is_logged_in,
    log_in,
    make_person,
    quick_passwords_and_fresh_limits,  # noqa: F401
)

pytestmark = pytest.mark.django_db
DEVICES, PASSKEYS = "/accounts/sessions/", "/accounts/2fa/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def ada(client):
    user = make_person()
    log_in(client)
    return user


def phone_of(user) -> Client:
    phone = Client(HTTP_USER_AGENT=FIREFOX)
    log_in(phone, user.email)
    return phone


def key_of(user, name="My phone") -> Authenticator:
    """A row as a passkey leaves it, as far as pages that do not use it look."""
    data = {"name": name, "credential": {"clientExtensionResults": {"credProps": {"rk": True}}}}
    return Authenticator.objects.create(user=user, type="webauthn", data=data)


class TestDevices:
    def test_each_login_is_listed_and_this_one_marked(self, client, ada):
        phone_of(ada)
        text = client.get(DEVICES).content.decode()
        assert "Firefox on Linux" in text
        assert text.count("this device") == 1
        assert "127.0.0.1" in text

    def test_signing_out_everywhere_else_ends_the_others_alone(self, client, ada):
        eve = make_person("eve@example.org")
        phone, hers = phone_of(ada), phone_of(eve)
        assert "signed out everywhere else" in client.post(DEVICES, follow=True).content.decode()
        assert not is_logged_in(phone)
        assert is_logged_in(client)
        assert is_logged_in(hers)

    def test_nobody_sees_the_devices_of_others(self, client, ada):
        phone_of(make_person("eve@example.org"))
        assert "Firefox" not in client.get(DEVICES).content.decode()

    def test_what_a_device_says_of_itself_is_shown_as_text(self, client, ada):
        log_in(Client(HTTP_USER_AGENT="<script>alert(1)</script>" + "x" * 5000), ada.email)
        text = client.get(DEVICES).content.decode()
        assert "<script>alert(1)" not in text
        assert "An unknown program" in text

    def test_a_device_is_forgotten_once_its_session_has_ended(self, client, ada):
        phone_of(ada)
        Session.objects.exclude(session_key=client.session.session_key).delete()
        assert forget_ended_devices() == 1
        assert [row.session_key for row in UserSession.objects.all()] == [client.session.session_key]

    def test_a_changed_password_ends_the_sessions_of_others(self, client, ada):
        phone = phone_of(ada)
        new = "amber-meadow-87"
        client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
        assert is_logged_in(client)
        assert phone.get("/account/").status_code == 302


class TestPasskeys:
    def test_who_has_none_is_told_what_they_are(self, client, ada):
        text = client.get(PASSKEYS).content.decode()
        assert "You have no passkeys." in text
        assert "/accounts/2fa/webauthn/add/" in text

    def test_those_that_one_has_are_listed_as_text(self, client, ada):
        key_of(ada, "<b>My phone</b>")
        key_of(make_person("eve@example.org"), "Hers")
        text = client.get(PASSKEYS).content.decode()
        assert "&lt;b&gt;My phone" in text
        assert "Hers" not in text

    def test_adding_one_asks_for_the_password_and_then_shows_the_form(self, client, ada):
        address = "/accounts/2fa/webauthn/add/"
        asked = client.get(address)
        assert asked.url.startswith("/accounts/reauthenticate/")
        text = client.post(asked.url, {"password": PASSWORD, "next": address}, follow=True).content.decode()
        assert 'id="passkey_add"' in text
        assert '"challenge"' in text

    @pytest.mark.parametrize("credential", ["", "{}", "[]", "x", '{"id": 1}', '{"response": {"clientDataJSON": "AA"}}'])
    def test_it_rejects_what_is_no_passkey(self, client, ada, credential):
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        client.get("/accounts/2fa/webauthn/add/")
        response = client.post("/accounts/2fa/webauthn/add/", {"name": "x", "credential": credential})
        assert response.status_code == 200
        assert not Authenticator.objects.exists()

    @pytest.mark.parametrize("action", ["edit", "remove"])
    def test_a_strangers_passkey_is_not_there(self, client, ada, action):
        key = key_of(make_person("eve@example.org"))
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        for method in (client.get, client.post):
            assert method(f"/accounts/2fa/webauthn/{key.pk}/{action}/").status_code == 404
        assert Authenticator.objects.filter(pk=key.pk).exists()

    def test_a_password_alone_does_not_log_in_who_has_one_and_a_recovery_code_does_once(self, client, monkeypatch):
        monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda _: [])
        user = make_person()
        key_of(user)
        codes = RecoveryCodes.activate(user).get_unused_codes()
        assert log_in(client).url.startswith("/accounts/2fa/authenticate/")
        assert not is_logged_in(client)
        page = client.get("/accounts/2fa/authenticate/").content.decode()
        assert 'id="passkey_use"' in page
        assert "Recovery code" in page
        wrong = client.post("/accounts/2fa/authenticate/", {"code": "00000000"})
        assert wrong.status_code == 200
        assert not is_logged_in(client)
        client.post("/accounts/2fa/authenticate/", {"code": codes[0]})
        assert is_logged_in(client)
        again = Client()
        log_in(again)
        again.post("/accounts/2fa/authenticate/", {"code": codes[0]})
        assert not is_logged_in(again)

    def test_recovery_codes_are_shown_after_the_password_and_kept_by_no_link(self, client, ada):
        key_of(ada)
        code = RecoveryCodes.activate(ada).get_unused_codes()[0]
        address = "/accounts/2fa/recovery-codes/"
        before = client.get(address)
        assert code not in before.content.decode()
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert code in client.get(address).content.decode()

    def test_the_login_page_offers_passkeys_by_scripts_of_files_alone(self, client):
        response = client.get("/accounts/login/")
        text = response.content.decode()
        assert 'id="passkey_login"' in text
        assert "unsafe-inline" not in response["Content-Security-Policy"]
        assert "onclick" not in text

    @pytest.mark.parametrize("address", [DEVICES, PASSKEYS, "/accounts/2fa/webauthn/", "/accounts/2fa/recovery-codes/"])
    def test_who_is_not_logged_in_is_asked_to(self, client, address):
        assert client.get(address).url.startswith("/accounts/login/")
