"""Opening an account: what is taken, what is refused, and what it tells about others."""

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse

from accounts.forms import SignupForm
from accounts.models import User
from tests.accounts_site import PASSWORD, is_logged_in, make_person, quick_passwords_and_fresh_limits, sign_up  # noqa: F401

pytestmark = pytest.mark.django_db


def test_an_address_and_a_password_open_an_account(client):
    response = sign_up(client, "Ada@Example.org")
    user = User.objects.get()
    assert user.email == "ada@example.org"
    assert user.check_password(PASSWORD)
    assert not user.is_staff
    assert response.url == reverse("detection:new")
    assert is_logged_in(client)


def test_the_new_person_is_asked_for_consent_before_the_camera(client):
    sign_up(client, "ada@example.org")
    response = client.get(reverse("detection:new"))
    assert response.status_code == 302
    assert response.url.startswith(reverse("accounts:consent"))


def test_it_goes_on_to_the_page_that_asked_for_an_account(client):
    data = {"email": "ada@example.org", "password1": PASSWORD, "next": reverse("accounts:profile")}
    assert client.post("/accounts/signup/", data).url == reverse("accounts:profile")


def test_a_message_asks_to_confirm_the_address(client, mailoutbox):
    sign_up(client, "ada@example.org")
    assert [message.to for message in mailoutbox] == [["ada@example.org"]]
    assert mailoutbox[0].subject == "emotune: please confirm your address"
    assert not EmailAddress.objects.get().verified


@pytest.mark.parametrize(
    ("email", "password", "complaint"),
    [
        ("ada", PASSWORD, "valid email"),
        ("", PASSWORD, "required"),
        ("ada@example.org", "", "required"),
        ("ada@example.org", "short1", "too short"),
        ("ada@example.org", "password123", "too common"),
        ("ada.lovelace@example.org", "ada.lovelace", "too similar"),
    ],
)
def test_it_rejects_what_is_no_address_or_no_good_password(client, email, password, complaint):
    response = sign_up(client, email, password)
    assert complaint in response.content.decode()
    assert not User.objects.exists()


def test_without_proof_of_address_a_second_account_is_refused_in_words(client, mailoutbox, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    make_person("ada@example.org")
    response = sign_up(client, "ADA@example.org")
    assert "There is already an account with this e-mail address" in response.content.decode()
    assert User.objects.count() == 1
    assert not mailoutbox


def test_with_proof_of_address_sign_up_does_not_tell_who_has_an_account(client, mailoutbox, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    make_person("ada@example.org")
    taken = sign_up(client, "Ada@example.org")
    free = sign_up(client, "eve@example.org")
    assert (taken.status_code, taken.url) == (free.status_code, free.url)
    assert client.get(taken.url).status_code == 200
    assert not is_logged_in(client)
    assert User.objects.count() == 2
    subjects = {message.to[0]: message.subject for message in mailoutbox}
    assert subjects["ada@example.org"] == "emotune: you have an account already"
    assert subjects["eve@example.org"] == "emotune: please confirm your address"


def test_of_two_sign_ups_at_once_one_makes_the_account(client, monkeypatch):
    make_person("ada@example.org")
    # The other request has passed its check before this one saved.
    monkeypatch.setattr(SignupForm, "validate_unique_email", lambda form, email: email)
    response = sign_up(client, "ada@example.org")
    assert response.url == reverse("account_email_verification_sent")
    assert User.objects.count() == 1
    assert not is_logged_in(client)


def test_sign_ups_from_one_place_are_limited(client):
    answers = [sign_up(client, "no address").status_code for _ in range(21)]
    assert answers[0] == 200
    assert answers[-1] == 429
    assert "too fast" in sign_up(client, "ada@example.org").content.decode()


def test_a_person_who_is_logged_in_goes_on(client):
    client.force_login(make_person())
    assert client.get("/accounts/signup/").url == reverse("detection:new")
