"""Logging in by e-mail and out again."""

import pytest
from django.urls import reverse

from tests.accounts_site import is_logged_in, log_in, make_person, quick_passwords_and_fresh_limits  # noqa: F401

pytestmark = pytest.mark.django_db
WRONG = "There is no account with this e-mail address and password."


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@Example.ORG", " ada@example.org "])
def test_the_case_of_the_address_means_nothing(client, email):
    make_person("Ada@example.org")
    assert log_in(client, email).url == reverse("detection:new")
    assert is_logged_in(client)


def test_it_rejects_a_wrong_password_and_an_unknown_address_with_the_same_words(client):
    make_person("ada@example.org")
    wrong = log_in(client, "ada@example.org", "not-the-password").content.decode()
    unknown = log_in(client, "eve@example.org", "not-the-password").content.decode()
    assert WRONG in wrong
    assert WRONG in unknown
    assert not is_logged_in(client)


def test_it_never_shows_the_password_again(client):
    assert "not-the-password" not in log_in(client, "ada@example.org", "not-the-password").content.decode()


def test_a_page_that_needs_login_is_reached_after_it(client):
    make_person()
    asked = client.get(reverse("accounts:profile"))
    assert asked.url == f"/accounts/login/?next={reverse('accounts:profile')}"
    assert reverse("accounts:profile") in client.get(asked.url).content.decode()
    assert log_in(client, next=reverse("accounts:profile")).url == reverse("accounts:profile")


@pytest.mark.parametrize("target", ["https://example.com/", "//example.com", "javascript:alert(1)"])
def test_it_ignores_a_foreign_next(client, target):
    make_person()
    assert log_in(client, next=target).url == reverse("detection:new")


def test_five_wrong_passwords_close_the_account_to_guessing_for_a_while(client):
    make_person()
    for _ in range(5):
        log_in(client, password="not-the-password")
    response = log_in(client)
    assert "too many attempts" in response.content.decode()
    assert not is_logged_in(client)


def test_the_login_lasts_only_when_asked(client):
    make_person()
    log_in(client)
    assert client.session.get_expire_at_browser_close()
    client.logout()
    log_in(client, remember="on")
    assert not client.session.get_expire_at_browser_close()


def test_an_account_that_is_switched_off_stays_out(client):
    make_person(is_active=False)
    response = log_in(client)
    assert response.url == reverse("account_inactive")
    assert "switched off" in client.get(response.url).content.decode()
    assert not is_logged_in(client)


def test_with_proof_of_address_an_unproven_one_is_asked_for_it(client, mailoutbox, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    make_person(verified=False)
    assert log_in(client).url == reverse("account_email_verification_sent")
    assert not is_logged_in(client)
    assert mailoutbox[0].to == ["ada@example.org"]


def test_logging_out_takes_a_click_and_not_a_link(client):
    client.force_login(make_person())
    page = client.get("/accounts/logout/")
    assert "ada@example.org" in page.content.decode()
    assert is_logged_in(client)
    assert client.post("/accounts/logout/").url == reverse("home")
    assert not is_logged_in(client)
