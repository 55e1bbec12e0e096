"""An address that an account has only asked to change to gives no power over it, and keeps nobody out."""

from urllib.parse import quote

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.backends import owners_of
from accounts.models import User
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

pytestmark = pytest.mark.django_db
EMAIL = "/accounts/email/"
WISH = "wish@example.org"


@pytest.fixture(params=["mandatory", "optional"], autouse=True)
def verification(request, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = request.param
    return request.param


@pytest.fixture
def ada(client):
    """Ada, who is logged in and has asked to change to an address that somebody else may have."""
    user = make_person()
    log_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.post(EMAIL, {"action_add": "", "email": WISH}).status_code == 302
    cache.clear()  # three minutes later
    return user


def is_in_use(user: User) -> str:
    user.refresh_from_db()
    return user.email


class TestLogin:
    def test_nobody_logs_in_with_it(self, ada):
        stranger = Client()
        answer = log_in(stranger, WISH)
        assert not is_logged_in(stranger)
        unknown = log_in(Client(), "nobody@example.org")
        assert answer.status_code == unknown.status_code == 200
        assert "There is no account with this e-mail address and password." in answer.content.decode()

    def test_the_address_in_use_still_lets_in(self, ada):
        browser = Client()
        log_in(browser)
        assert is_logged_in(browser)

    def test_a_wrong_password_with_it_costs_as_much_as_with_an_unknown_address(self, ada):
        asked = []
        for email in (WISH, "nobody@example.org", "ada@example.org"):
            with CaptureQueriesContext(connection) as queries:
                log_in(Client(), email, "not-the-password")
            asked.append(len(queries))
        assert len(set(asked)) == 1, asked


class TestReset:
    def test_no_link_goes_there(self, client, ada, mailoutbox):
        mailoutbox.clear()
        answer = Client().post("/accounts/password/reset/", {"email": WISH})
        assert answer.status_code == 302
        (message,) = mailoutbox
        assert message.to == [WISH]
        assert message.subject == "emotune: there is no account with this address"
        assert "/password/reset/key/" not in message.body

    def test_the_address_in_use_gets_one(self, ada, mailoutbox):
        mailoutbox.clear()
        Client().post("/accounts/password/reset/", {"email": "ada@example.org"})
        assert "/password/reset/key/" in mailoutbox[0].body

    def test_an_account_that_is_switched_off_gets_none(self, mailoutbox):
        make_person("eve@example.org", is_active=False)
        Client().post("/accounts/password/reset/", {"email": "eve@example.org"})
        assert "/password/reset/key/" not in mailoutbox[0].body


class TestSignUp:
    def test_its_owner_opens_an_account_that_is_complete_and_can_be_confirmed(self, ada, mailoutbox, verification):
        mailoutbox.clear()
        owner = Client()
        assert sign_up(owner, WISH, NEW_PASSWORD).status_code == 302
        theirs = User.objects.get(email=WISH)
        row = EmailAddress.objects.get(user=theirs)
        assert (row.email, row.primary, row.verified) == (WISH, True, False)
        (message,) = mailoutbox
        assert (message.to, message.subject) == ([WISH], "emotune: please confirm your address")
        assert is_logged_in(owner) is (verification == "optional")
        owner.post(link_in(message))
        assert EmailAddress.objects.get(user=theirs).verified
        browser = Client()
        log_in(browser, WISH, NEW_PASSWORD)
        assert browser.session["_auth_user_id"] == str(theirs.pk)
        assert is_in_use(ada) == "ada@example.org"

    def test_after_that_the_wish_cannot_be_fulfilled(self, client, ada, mailoutbox):
        link = link_in(mailoutbox[-1])
        owner = Client()
        sign_up(owner, WISH, NEW_PASSWORD)
        owner.post(link_in(mailoutbox[-1]))
        assert "belongs to another account already" in client.get(link).content.decode()
        client.post(link)
        assert is_in_use(ada) == "ada@example.org"
        assert list(EmailAddress.objects.filter(email=WISH, verified=True).values_list("user__email", flat=True)) == [
            WISH
        ]

    def test_not_even_while_the_new_account_is_unproven(self, client, ada, mailoutbox):
        link = link_in(mailoutbox[-1])
        sign_up(Client(), WISH, NEW_PASSWORD)
        answer = client.post(link, follow=True)
        assert "was not confirmed" in answer.content.decode()
        assert is_in_use(ada) == "ada@example.org"
        assert EmailAddress.objects.get(user=ada, email="ada@example.org").primary
        assert not EmailAddress.objects.filter(email=WISH, verified=True).exists()

    def test_the_answer_is_that_for_a_free_address(self, ada):
        wished, free = sign_up(Client(), WISH), sign_up(Client(), "free@example.org")
        assert (wished.status_code, wished.url) == (free.status_code, free.url)


class TestConfirming:
    def test_its_link_does_nothing_in_a_strangers_browser(self, ada, mailoutbox):
        link = link_in(mailoutbox[-1])
        stranger = Client()
        for answer in (stranger.get(link), stranger.post(link)):
            assert answer.status_code == 403
            text = answer.content.decode()
            assert "Whoever is logged in to that account" in text
            assert f"/accounts/login/?next={quote(link)}" in text
            assert "ada@example.org" not in text
        assert is_in_use(ada) == "ada@example.org"
        assert not EmailAddress.objects.get(email=WISH).verified

    def test_nor_where_somebody_else_is_logged_in_who_stays_so(self, ada, mailoutbox):
        link = link_in(mailoutbox[-1])
        make_person("eve@example.org")
        other = Client()
        log_in(other, "eve@example.org")
        for answer in (other.get(link), other.post(link)):
            assert answer.status_code == 403
            assert "You are logged in as eve@example.org." in answer.content.decode()
        assert is_logged_in(other)
        assert is_in_use(ada) == "ada@example.org"
        out = other.post("/accounts/logout/", {"next": f"/accounts/login/?next={link}"})
        assert out["Location"] == f"/accounts/login/?next={link}"

    def test_whoever_logs_in_there_comes_back_to_it_and_confirms(self, ada, mailoutbox):
        link = link_in(mailoutbox[-1])
        phone = Client()
        assert log_in(phone, next=link).url == link
        assert WISH in phone.get(link).content.decode()
        assert phone.post(link).status_code == 302
        assert is_in_use(ada) == WISH
        log_in(browser := Client(), WISH)
        assert is_logged_in(browser)

    def test_a_new_account_is_confirmed_in_any_browser(self, mailoutbox):
        sign_up(Client(), "eve@example.org")
        Client().post(link_in(mailoutbox[0]))
        assert EmailAddress.objects.get(email="eve@example.org").verified


class TestWithoutProof:
    """What allauth's page for several addresses can do is not offered, and not done for whoever asks all the same."""

    @pytest.fixture
    def unproven(self, ada):
        EmailAddress.objects.filter(user=ada).update(verified=False, primary=False)
        return ada

    def test_an_unproven_address_does_not_take_the_place_of_another(self, client, unproven):
        client.post(EMAIL, {"action_primary": "", "email": WISH})
        assert is_in_use(unproven) == "ada@example.org"

    def test_nor_does_it_when_the_one_in_use_is_removed(self, client, unproven):
        client.post(EMAIL, {"action_remove": "", "email": "ada@example.org"})
        assert is_in_use(unproven) == "ada@example.org"
        assert EmailAddress.objects.filter(user=unproven).count() == 2

    def test_a_wish_that_cannot_be_fulfilled_takes_nothing_away(self, client, unproven, mailoutbox):
        make_person(WISH)
        client.post(link_in(mailoutbox[-1]))
        assert set(EmailAddress.objects.filter(user=unproven).values_list("email", flat=True)) == {
            "ada@example.org",
            WISH,
        }


def test_whose_an_address_is(ada):
    eve = make_person("eve@example.org", verified=False)
    EmailAddress.objects.create(user=eve, email="proven@example.org", verified=True)
    assert owners_of("Ada@Example.org") == [ada]
    assert owners_of(WISH) == []
    assert owners_of("eve@example.org") == [eve]
    assert owners_of("proven@example.org") == [eve]
