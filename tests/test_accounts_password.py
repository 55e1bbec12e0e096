"""Setting a new password: by a link in a message, and by knowing the old one."""

import time
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.accounts_site import (
    NEW_PASSWORD,
    PASSWORD,
    is_logged_in,
    link_in,
    log_in,
    make_person,
    quick_passwords_and_fresh_limits,  # noqa: F401
)

pytestmark = pytest.mark.django_db


def ask_for_reset(client, email="ada@example.org"):
    return client.post("/accounts/password/reset/", {"email": email})


def set_by_link(client, link, password=NEW_PASSWORD):
    form = client.get(link)
    return client.post(form.url, {"password1": password, "password2": password})


def test_the_link_in_the_message_sets_a_new_password(client, mailoutbox):
    make_person()
    ask_for_reset(client, "Ada@Example.org")
    assert mailoutbox[0].subject == "emotune: set a new password"
    response = set_by_link(client, link_in(mailoutbox[0]))
    assert response.url == reverse("account_reset_password_from_key_done")
    assert client.get(response.url).status_code == 200
    assert not is_logged_in(client)
    log_in(client, password=PASSWORD)
    assert not is_logged_in(client)
    log_in(client, password=NEW_PASSWORD)
    assert is_logged_in(client)


def test_the_person_is_told_that_it_was_done(client, mailoutbox):
    make_person()
    ask_for_reset(client)
    set_by_link(client, link_in(mailoutbox[0]))
    assert mailoutbox[-1].subject == "emotune: your password was reset"
    assert "127.0.0.1" in mailoutbox[-1].body


def test_the_key_of_the_link_does_not_stay_in_the_address(client, mailoutbox):
    make_person()
    ask_for_reset(client)
    link = link_in(mailoutbox[0])
    key = link.rstrip("/").split("-", 1)[1]
    assert key not in client.get(link).url


def test_the_link_works_once(client, mailoutbox):
    make_person()
    ask_for_reset(client)
    link = link_in(mailoutbox[0])
    set_by_link(client, link)
    again = client.get(link)
    assert again.status_code == 200
    assert "does not work any more" in again.content.decode()


def test_it_rejects_a_link_that_was_tampered_with(client, mailoutbox):
    make_person()
    ask_for_reset(client)
    response = client.get(link_in(mailoutbox[0]).rstrip("/") + "x/")
    assert "does not work any more" in response.content.decode()


def test_asking_does_not_tell_who_has_an_account(client, mailoutbox):
    make_person()
    known, unknown = ask_for_reset(client), ask_for_reset(client, "eve@example.org")
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert client.get(known.url).status_code == 200
    assert mailoutbox[1].to == ["eve@example.org"]
    assert mailoutbox[1].subject == "emotune: there is no account with this address"


@pytest.mark.parametrize("email", ["ada@example.org", "eve@example.org"])
def test_a_mailbox_gets_two_messages_in_five_minutes_and_five_in_an_hour(mailoutbox, monkeypatch, email):
    now = [1_000_000.0]

    def tick() -> float:
        now[0] += 0.001  # the limit tells attempts from each other by their times
        return now[0]

    # nobody's clock but the limits'
    own = SimpleNamespace(time=tick, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr("allauth.core.internal.ratelimit.time", own)
    make_person()

    def sent_of_four() -> list[int]:
        answers = [ask_for_reset(Client(REMOTE_ADDR=f"192.0.2.{n}"), email).status_code for n in range(4)]
        now[0] += 300
        return answers

    assert sent_of_four() == [302, 302, 429, 429]
    assert sent_of_four() == [302, 302, 429, 429]
    assert sent_of_four() == [302, 429, 429, 429]
    assert sent_of_four() == [429] * 4
    assert [message.to for message in mailoutbox] == [[email]] * 5
    assert ask_for_reset(Client(), "other@example.org").status_code == 302


def test_it_rejects_two_passwords_that_differ(client, mailoutbox):
    make_person()
    ask_for_reset(client)
    form = client.get(link_in(mailoutbox[0]))
    response = client.post(form.url, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD + "x"})
    assert "same password" in response.content.decode()
    assert User.objects.get().check_password(PASSWORD)


def test_the_present_password_changes_it_and_the_person_stays_logged_in(client, mailoutbox):
    client.force_login(make_person())
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    response = client.post("/accounts/password/change/", data)
    assert response.url == reverse("accounts:profile")
    assert "Your password is changed." in client.get(response.url).content.decode()
    assert User.objects.get().check_password(NEW_PASSWORD)
    assert mailoutbox[0].subject == "emotune: your password was changed"


def test_it_rejects_a_change_without_the_present_password(client):
    client.force_login(make_person())
    data = {"oldpassword": "guess", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert "not your current password" in client.post("/accounts/password/change/", data).content.decode()
    assert User.objects.get().check_password(PASSWORD)


def test_an_account_without_a_password_gets_one(client, mailoutbox):
    user = make_person()
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    assert client.get("/accounts/password/change/").url == reverse("account_set_password")
    client.post("/accounts/password/set/", {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert User.objects.get().check_password(NEW_PASSWORD)
    assert mailoutbox[0].subject == "emotune: your password was set"
