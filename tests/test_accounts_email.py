"""Confirming an address by its link, and changing to another one."""

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.core.cache import cache
from django.urls import reverse

from accounts.models import User
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
EMAIL = "/accounts/email/"


def ask_for_change(client, email="new@example.org"):
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": EMAIL})
    return client.post(EMAIL, {"action_add": "", "email": email}, follow=True)


def key_of(email):
    """Return the secret of the link that confirms an address."""
    return EmailConfirmationHMAC(EmailAddress.objects.get(email=email)).key


def test_following_the_link_and_saying_yes_confirms_the_address(client, mailoutbox):
    sign_up(client, "ada@example.org")
    link = link_in(mailoutbox[0])
    page = client.get(link)
    assert "ada@example.org" in page.content.decode()
    assert not EmailAddress.objects.get().verified, "a scanner that opens links confirms nothing"
    client.post(link)
    assert EmailAddress.objects.get().verified


def test_with_proof_of_address_login_opens_after_it(client, mailoutbox, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    sign_up(client, "ada@example.org")
    assert not is_logged_in(client)
    client.post(link_in(mailoutbox[0]))
    log_in(client)
    assert is_logged_in(client)


def test_it_rejects_a_link_that_was_made_up(client):
    response = client.get("/accounts/confirm-email/made-up/")
    assert "does not work any more" in response.content.decode()
    assert client.post("/accounts/confirm-email/made-up/").status_code == 404


def test_a_new_address_takes_over_when_its_link_is_followed(client, mailoutbox):
    make_person()
    log_in(client)
    page = ask_for_change(client, "New@example.org")
    assert "We have sent a link to new@example.org." in page.content.decode()
    assert User.objects.get().email == "ada@example.org"
    assert mailoutbox[0].to == ["new@example.org"]
    client.post(link_in(mailoutbox[0]))
    assert User.objects.get().email == "new@example.org"
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("new@example.org", True, True)]


def test_the_same_wish_within_three_minutes_is_refused_in_words_and_leaves_the_other_one(client, mailoutbox):
    make_person()
    log_in(client)
    ask_for_change(client)
    ask_for_change(client, "other@example.org")
    page = ask_for_change(client)
    assert page.status_code == 429
    assert page["Retry-After"] == "180"
    assert "Please wait three minutes" in page.content.decode()
    assert [message.to for message in mailoutbox] == [["new@example.org"], ["other@example.org"]]
    client.post(link_in(mailoutbox[1]))
    assert User.objects.get().email == "other@example.org", "its link still works"


def test_the_link_is_not_said_to_be_sent_again_before_three_minutes_are_over(client, mailoutbox):
    make_person()
    log_in(client)
    ask_for_change(client)
    page = client.post(EMAIL, {"action_send": "", "email": "new@example.org"})
    assert page.status_code == 429
    assert "Please wait three minutes" in page.content.decode()
    assert len(mailoutbox) == 1
    assert client.post(EMAIL, {"action_send": "", "email": "another@example.org"}).status_code == 302
    cache.clear()  # three minutes later
    page = client.post(EMAIL, {"action_send": "", "email": "new@example.org"}, follow=True)
    assert "We have sent a link to new@example.org." in page.content.decode()
    assert len(mailoutbox) == 2


def test_a_mistyped_address_does_not_learn_the_right_one(client, mailoutbox):
    ada = make_person("typo@example.org", verified=False)
    log_in(client, "typo@example.org")
    ask_for_change(client, "ada@example.org")
    mailoutbox.clear()
    client.post(f"/accounts/confirm-email/{key_of('ada@example.org')}/")
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"
    assert not mailoutbox
    assert [event.kind for event in ada.events.all()] == ["email_changed", "logged_in"]


def test_an_address_that_was_only_wished_for_learns_nothing_when_the_present_one_is_confirmed(client, mailoutbox):
    ada = make_person(verified=False)
    log_in(client)
    ask_for_change(client, "typo@example.org")
    mailoutbox.clear()
    client.post(f"/accounts/confirm-email/{key_of('ada@example.org')}/")
    assert EmailAddress.objects.get(user=ada).verified
    assert not mailoutbox
    assert [event.kind for event in ada.events.all()] == ["logged_in"], "the address is the same"


def test_the_former_address_is_told(client, mailoutbox):
    make_person()
    log_in(client)
    ask_for_change(client)
    client.post(link_in(mailoutbox[0]))
    assert mailoutbox[-1].to == ["ada@example.org"]
    assert "from ada@example.org to new@example.org" in mailoutbox[-1].body


def test_an_unproven_address_stays_in_use_until_the_new_one_is_proven(client, mailoutbox):
    make_person(verified=False)
    log_in(client)
    ask_for_change(client, "typo@example.org")
    ask_for_change(client, "new@example.org")
    assert User.objects.get().email == "ada@example.org"
    assert set(EmailAddress.objects.values_list("email", flat=True)) == {"ada@example.org", "new@example.org"}
    client.logout()
    log_in(client)
    assert is_logged_in(client)


def test_a_change_can_be_called_off(client, mailoutbox):
    make_person()
    log_in(client)
    assert "new@example.org" in ask_for_change(client).content.decode()
    page = client.post(EMAIL, {"action_remove": "", "email": "new@example.org"}, follow=True)
    assert "cancelled" in page.content.decode()
    assert EmailAddress.objects.get().email == "ada@example.org"
    assert "does not work any more" in client.get(link_in(mailoutbox[0])).content.decode()


def test_the_address_in_use_cannot_be_removed(client):
    make_person()
    log_in(client)
    client.post(EMAIL, {"action_remove": "", "email": "ada@example.org"})
    assert User.objects.get().email == "ada@example.org"
    assert EmailAddress.objects.count() == 1


def test_the_link_can_be_sent_again(client, mailoutbox):
    make_person(verified=False)
    log_in(client)
    mailoutbox.clear()
    cache.clear()  # three minutes later
    client.post(EMAIL, {"action_send": "", "email": "ada@example.org"})
    assert mailoutbox[0].to == ["ada@example.org"]


@pytest.mark.parametrize("verified", [True, False])
def test_without_proof_of_address_it_rejects_the_address_of_another_account(client, mailoutbox, verified):
    make_person("eve@example.org", verified=verified)
    make_person(verified=verified)
    log_in(client)
    mailoutbox.clear()
    page = ask_for_change(client, "eve@example.org")
    assert "There is already an account with this e-mail address" in page.content.decode()
    assert not mailoutbox


def test_with_proof_of_address_it_does_not_tell_who_has_an_account(client, mailoutbox, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    make_person("eve@example.org")
    make_person()
    log_in(client)
    taken = ask_for_change(client, "eve@example.org")
    assert "We have sent a link to eve@example.org." in taken.content.decode()
    client.post(link_in(mailoutbox[0]))
    assert User.objects.filter(email="eve@example.org").count() == 1
    assert not EmailAddress.objects.filter(email="eve@example.org", user__email="ada@example.org", verified=True)


def test_an_account_opened_with_the_address_meanwhile_keeps_it(client, mailoutbox):
    make_person()
    log_in(client)
    ask_for_change(client, "new@example.org")
    User.objects.create_user("new@example.org", PASSWORD)
    page = client.post(link_in(mailoutbox[0]), follow=True)
    assert page.status_code == 200
    assert set(User.objects.values_list("email", flat=True)) == {"ada@example.org", "new@example.org"}
    assert EmailAddress.objects.get(email="ada@example.org").primary


def test_an_open_session_alone_cannot_take_the_account_elsewhere(client):
    make_person()
    log_in(client)
    response = client.post(EMAIL, {"action_add": "", "email": "new@example.org"})
    assert response.url.startswith("/accounts/reauthenticate/")
    assert EmailAddress.objects.count() == 1
    wrong = client.post(response.url, {"password": "guess"})
    assert "This is not your password." in wrong.content.decode()
    client.post(response.url, {"password": PASSWORD, "next": EMAIL})
    assert EmailAddress.objects.filter(email="new@example.org").exists()


def test_strangers_are_asked_to_log_in(client):
    assert client.get(EMAIL).url.startswith(reverse("account_login"))
