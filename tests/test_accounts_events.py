"""What happened to an account, as its owner is told."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.data_views import EVENTS_PER_PAGE
from accounts.devices import device_name
from accounts.events import EVENTS_KEPT, forget_old_events, recent_events, record
from accounts.models import AccountEvent, Happening
from accounts.services import give_consent, withdraw_consent
from accounts.tokens import create_token, revoke_token
from tests.accounts_site import (
    NEW_PASSWORD,
    PASSWORD,
    log_in,
    make_person,
    quick_passwords_and_fresh_limits,  # noqa: F401
)
from tests.factories import make_user

pytestmark = pytest.mark.django_db
ACTIVITY = "/account/activity/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def kinds(user):
    return [event.kind for event in recent_events(user=user)]


def test_logging_in_tells_the_device_and_the_address(client):
    user = make_person()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD}, HTTP_USER_AGENT=FIREFOX)
    event = AccountEvent.objects.get(user=user)
    assert (event.kind, event.detail) == ("logged_in", "Firefox on Linux, 127.0.0.1")
    assert "Logged in: Firefox on Linux" in client.get("/account/").content.decode()


def test_a_wrong_password_writes_nothing(client):
    user = make_person()
    log_in(client, password="not-the-password")
    assert kinds(user) == []


def test_a_changed_password_is_told(client, mailoutbox):
    user = make_person()
    log_in(client)
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client.post("/accounts/password/change/", data)
    assert kinds(user) == ["password_changed", "logged_in"]
    assert len(mailoutbox) == 1


def test_tokens_and_consent_are_told_once_each():
    user = make_user()
    token, _ = create_token(user=user, name="Laptop", scopes=["read"])
    revoke_token(token=token)
    revoke_token(token=token)
    give_consent(user=user)
    give_consent(user=user)
    withdraw_consent(user=user)
    withdraw_consent(user=user)
    assert kinds(user) == ["consent_withdrawn", "consent_given", "token_revoked", "token_made"]


def test_nobody_sees_what_happened_to_others(client):
    record(user=make_user(), kind=Happening.TOKEN_MADE, detail="Hers")
    client.force_login(make_user())
    assert "Hers" not in client.get("/account/").content.decode()


class TestAllActivity:
    def test_nothing_is_pushed_out_by_what_is_done_often(self, client):
        user = make_user()
        record(user=user, kind=Happening.TOKEN_MADE, detail="not mine")
        for _ in range(EVENTS_PER_PAGE):
            give_consent(user=user)
            withdraw_consent(user=user)
        client.force_login(user)
        profile = client.get("/account/").content.decode()
        assert "not mine" not in profile
        assert f'href="{ACTIVITY}"' in profile
        address, pages = ACTIVITY, []
        while address:
            pages.append(client.get(address).content.decode())
            further = re.search(r'rel="next" href="(\?page=\d+)"', pages[-1])
            address = ACTIVITY + further[1] if further else ""
        assert [page.count('<time class="help"') for page in pages] == [EVENTS_PER_PAGE, EVENTS_PER_PAGE, 1]
        assert "Token made: not mine" in pages[-1]

    def test_it_is_ones_own_and_shown_as_text(self, client):
        user = make_user()
        record(user=user, kind=Happening.TOKEN_MADE, detail="<b>mine</b>")
        record(user=make_user(), kind=Happening.TOKEN_MADE, detail="hers")
        client.force_login(user)
        page = client.get(ACTIVITY)
        assert "&lt;b&gt;mine" in page.content.decode()
        assert "hers" not in page.content.decode()
        assert "no-store" in page["Cache-Control"]

    @pytest.mark.parametrize("number", ["0", "99", "x"])
    def test_a_page_that_is_not_there_is_one_that_is(self, client, number):
        client.force_login(make_user())
        assert "Nothing yet." in client.get(ACTIVITY, {"page": number}).content.decode()

    def test_who_is_not_logged_in_is_asked_to(self, client):
        assert client.get(ACTIVITY).url == f"/accounts/login/?next={ACTIVITY}"

    def test_the_number_of_queries_does_not_grow(self, client, django_assert_max_num_queries):
        user = make_user()
        for _ in range(20):
            record(user=user, kind=Happening.LOGGED_IN)
        client.force_login(user)
        with django_assert_max_num_queries(4):
            client.get(ACTIVITY)


def test_a_detail_without_end_is_cut():
    assert len(record(user=make_user(), kind=Happening.LOGGED_IN, detail="x" * 10_000).detail) == 200


def test_what_is_old_is_forgotten():
    user = make_user()
    record(user=user, kind=Happening.LOGGED_IN)
    old = record(user=user, kind=Happening.TOKEN_MADE)
    AccountEvent.objects.filter(pk=old.pk).update(happened_at=timezone.now() - EVENTS_KEPT - timedelta(minutes=1))
    assert forget_old_events() == 1
    assert kinds(user) == ["logged_in"]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iOS"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605 Version/17.0 Safari/605.1", "Safari on macOS"),
        ("curl/8.5.0", "An unknown program"),
        ("", "An unknown program"),
    ],
)
def test_devices_have_names(user_agent, name):
    assert device_name(user_agent) == name
