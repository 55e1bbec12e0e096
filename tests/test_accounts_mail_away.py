"""A mail server that is away: what was done stays, what needs a message is put off, and nobody learns who is here."""

import logging
import socket
import time

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.test import Client

from accounts import answer_times
from accounts.models import User
from emotune.production import problems
from tests.accounts_site import (
    NEW_PASSWORD,
    PASSWORD,
    is_logged_in,
    link_in,
    log_in,
    make_person,
    quick_passwords_and_fresh_limits,  # noqa: F401
    sign_up,
)
from tests.servers import free_port

pytestmark = pytest.mark.django_db
WORDS = "No e-mail can be sent just now."


@pytest.fixture
def away(settings):
    """Speak to a mail server where nobody listens; called, it is there again."""
    memory = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

    def back():
        settings.EMAIL_BACKEND = memory

    return back


def check_put_off(response):
    assert response.status_code == 503
    assert response["Retry-After"]
    assert WORDS in response.content.decode()


def test_a_password_is_changed_all_the_same(client, away, caplog):
    ada = make_person()
    log_in(client)
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    with caplog.at_level(logging.WARNING):
        assert client.post("/accounts/password/change/", data).status_code == 302
    assert client.get("/account/").status_code == 200, "still logged in"
    ada.refresh_from_db()
    assert ada.check_password(NEW_PASSWORD)
    assert ada.events.filter(kind="password_changed").exists()
    assert "account/email/password_changed" in caplog.text
    assert "ada@example.org" not in caplog.text


@pytest.mark.parametrize("verification", ["mandatory", "optional"])
def test_a_sign_up_leaves_nothing_and_can_be_made_at_once_when_mail_is_back(
    client, away, settings, mailoutbox, verification
):
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    check_put_off(sign_up(client, "ada@example.org"))
    assert not User.objects.exists()
    assert not is_logged_in(client)
    away()
    assert sign_up(client, "ada@example.org").status_code == 302
    client.post(link_in(mailoutbox[0]))
    assert EmailAddress.objects.get().verified


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/password/reset/"])
def test_a_refusal_tells_nobody_who_has_an_account(away, settings, monkeypatch, path):
    held: list[float] = []
    settings.ACCOUNT_EMAIL_VERIFICATION, settings.ACCOUNT_ANSWERS_EVERY = "mandatory", 0.25
    monkeypatch.setattr(answer_times, "sleep", held.append)
    make_person()
    answers = [
        Client().post(path, {"email": email, "password1": PASSWORD}) for email in ("ada@example.org", "eve@example.org")
    ]
    for answer in answers:
        check_put_off(answer)
    assert answers[0].content == answers[1].content
    assert set(dict(answers[0].items())) == set(dict(answers[1].items()))
    assert len(held) == 2, "its time tells as much as that of any other answer"
    assert User.objects.count() == 1


def test_a_change_of_address_leaves_nothing_and_can_be_asked_for_again(client, away, mailoutbox):
    make_person()
    log_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    wish = {"action_add": "", "email": "new@example.org"}
    check_put_off(client.post("/accounts/email/", wish))
    assert EmailAddress.objects.get().email == "ada@example.org"
    away()
    assert client.post("/accounts/email/", wish).status_code == 302
    client.post(link_in(mailoutbox[0]))
    assert User.objects.get().email == "new@example.org"


def test_an_address_is_confirmed_though_the_former_one_is_not_told(client, away, settings, mailoutbox):
    away()
    make_person()
    log_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "", "email": "new@example.org"})
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert client.post(link_in(mailoutbox[0])).status_code == 302
    assert User.objects.get().email == "new@example.org"


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_who_asks_for_a_message_where_none_is_sent_is_told_to_ask_an_admin(client, settings, mailoutbox, email):
    settings.SENDS_NO_MAIL = True
    make_person()
    answer = client.post("/accounts/password/reset/", {"email": email})
    assert answer.status_code == 503
    assert "This emotune sends no e-mail. Ask whoever runs it" in answer.content.decode()
    assert mailoutbox == []
    signed_up = client.post("/accounts/signup/", {"email": "eve@example.org", "password1": PASSWORD}, follow=True)
    assert signed_up.status_code == 200
    assert is_logged_in(client)
    assert "We have sent" not in signed_up.content.decode()


@pytest.mark.parametrize("verified", [True, False])
def test_where_no_message_is_sent_the_page_of_the_address_says_so(client, settings, verified):
    settings.SENDS_NO_MAIL = True
    make_person(verified=verified)
    log_in(client)
    text = client.get("/accounts/email/").content.decode()
    assert "This emotune sends no e-mail" in text
    assert "we sent" not in text
    assert "Send " not in text


def test_production_does_not_ask_for_proof_of_addresses_where_no_message_can_be_sent():
    def found(**environment: str) -> list[str]:
        return [line for line in problems(environment) if "EMAIL" in line]

    (problem,) = found(EMAIL_VERIFICATION="mandatory")
    assert "without EMAIL_HOST nobody can confirm an address" in problem
    assert not found(EMAIL_VERIFICATION="mandatory", EMAIL_HOST="mail.example.org")
    assert not found(EMAIL_VERIFICATION="optional")
    assert not found()


def test_a_mail_server_that_hangs_is_away(client, away, settings):
    assert 0 < django_settings.EMAIL_TIMEOUT <= 5
    settings.EMAIL_TIMEOUT = 0.3
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT = silent.getsockname()[1]
        begin = time.monotonic()
        check_put_off(client.post("/accounts/password/reset/", {"email": "ada@example.org"}))
        assert time.monotonic() - begin < 5
