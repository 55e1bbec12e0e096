"""The profile: one's address, what one agreed to, and the ways to change both."""

import pytest
from django.urls import reverse

from accounts.models import CONSENT_VERSION, Consent
from accounts.services import give_consent, withdraw_consent
from tests.accounts_site import make_person, quick_passwords_and_fresh_limits  # noqa: F401
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PROFILE = "/account/"


def profile_of(client, user):
    client.force_login(user)
    return client.get(PROFILE).content.decode()


def test_it_shows_the_address_and_leads_to_its_pages(client):
    text = profile_of(client, make_person())
    assert "ada@example.org" in text
    assert "not confirmed yet" not in text
    for name in ("account_email", "account_change_password", "account_logout"):
        assert reverse(name) in text


def test_it_says_that_an_address_is_not_confirmed(client):
    assert "not confirmed yet" in profile_of(client, make_person(verified=False))


def test_it_offers_to_agree(client):
    text = profile_of(client, make_user())
    assert f"{reverse('accounts:consent')}?next=/account/" in text
    assert reverse("accounts:withdraw") not in text


def test_it_shows_what_was_agreed_to_and_offers_to_withdraw(client):
    user = make_user()
    consent = give_consent(user=user)
    text = profile_of(client, user)
    assert f"version {CONSENT_VERSION}" in text
    assert f"{consent.given_at:%H:%M} UTC</time>" in text
    assert text.count(f'<time datetime="{consent.given_at.isoformat()}">') == 2
    assert reverse("accounts:withdraw") in text


def test_it_keeps_the_history_of_consents(client):
    user = make_user()
    Consent.objects.create(user=user, version="2020-01")
    give_consent(user=user)
    withdraw_consent(user=user)
    text = profile_of(client, user)
    assert "Version 2020-01: agreed on" in text
    assert text.count("withdrawn on") == 2


def test_another_person_sees_none_of_it(client):
    give_consent(user=make_person("eve@example.org"))
    text = profile_of(client, make_person())
    assert "eve@example.org" not in text
    assert "You agreed" not in text


def test_strangers_are_asked_to_log_in(client):
    assert client.get(PROFILE).url == f"{reverse('account_login')}?next={PROFILE}"
