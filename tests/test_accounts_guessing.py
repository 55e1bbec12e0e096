"""Guessing passwords: slowed by address and by account, for all processes together; and nobody learns who is here."""

import hashlib
import sys
import time
from types import SimpleNamespace

import pytest
import redis
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth import hashers
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.adapter import AccountAdapter
from accounts.hashers import PasswordHasher
from accounts.models import User
from emotune import cache as cache_module
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
TOO_MANY = "too many attempts"


@pytest.fixture
def checked(monkeypatch):
    """Count how often a password is really compared with one that is kept."""
    compared = []
    real = hashers.check_password

    def count(password, *arguments, **more):
        compared.append(password)
        return real(password, *arguments, **more)

    monkeypatch.setattr("django.contrib.auth.base_user.check_password", count)
    return compared


@pytest.fixture
def limits_in_a_real_redis(settings, monkeypatch, real_redis):
    """Count where a real Redis does: the one in memory takes ten milliseconds for a guess."""
    settings.REDIS_URL = real_redis.url
    shared = cache_module.SharedCache("", {})
    shared.clear()
    monkeypatch.setattr("allauth.core.internal.ratelimit.cache", shared)
    yield
    with redis.Redis.from_url(real_redis.url) as store:
        assert list(store.scan_iter(cache_module.PREFIX + "*")), "it was this Redis that counted"
    shared.clear()


@pytest.fixture
def clock(monkeypatch):
    """The limits' time, which goes on by hand; what they count outlasts the slowest machine."""
    now = [1_000_000.0]

    def tick() -> float:
        now[0] += 0.00001  # they tell attempts from each other by their times
        return now[0]

    own = SimpleNamespace(time=tick, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr("allauth.core.internal.ratelimit.time", own)
    keep = cache_module.SharedCache.set
    monkeypatch.setattr(
        cache_module.SharedCache, "set", lambda self, key, value, timeout: keep(self, key, value, 24 * 3600)
    )
    return now


def guess(number: int, email: str = "ada@example.org", address: str = "192.0.2.1"):
    return Client(REMOTE_ADDR=address).post("/accounts/login/", {"login": email, "password": f"guess{number}"})


def address_of(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@pytest.mark.usefixtures("clock")
class TestSlowing:
    def test_from_one_address_ten_guesses_a_minute_are_compared_at_whatever_accounts(self, checked):
        for number in range(30):
            make_person(f"person{number}@example.org")
        answers = [guess(number, f"person{number}@example.org") for number in range(30)]
        assert len(checked) == 10
        assert all(TOO_MANY in answer.content.decode() or answer.status_code == 429 for answer in answers[10:])

    def test_from_one_address_a_hundred_guesses_an_hour_are_compared(self, clock):
        def compared_of_eleven() -> int:
            start = int(clock[0])
            found = [is_compared("192.0.2.1", f"person{start}-{number}@example.org") for number in range(11)]
            clock[0] += 60
            return sum(found)

        assert [compared_of_eleven() for _ in range(12)] == [10] * 10 + [0] * 2
        clock[0] += 3600 - 12 * 60
        assert [compared_of_eleven() for _ in range(2)] == [10] * 2

    def test_from_many_addresses_five_guesses_at_one_account_are_compared(self, checked):
        make_person()
        answers = [guess(number, address=address_of(number)) for number in range(30)]
        assert len(checked) == 5
        assert all(TOO_MANY in answer.content.decode() for answer in answers[5:])

    def test_a_network_of_ipv6_addresses_is_one_address(self, checked):
        for number in range(30):
            make_person(f"person{number}@example.org")
            guess(number, f"person{number}@example.org", address=f"2001:db8:1:2::{number:x}")
        assert len(checked) == 10

    def test_the_right_password_at_first_is_never_slowed_and_costs_no_attempt(self):
        make_person()
        for _ in range(12):
            client = Client(REMOTE_ADDR="192.0.2.9")
            log_in(client)
            assert is_logged_in(client)

    @pytest.mark.parametrize("way", ["passkey", "code", "reset"])
    def test_who_shows_that_an_account_is_theirs_may_not_guess_on_at_others(
        self, checked, monkeypatch, mailoutbox, way
    ):
        monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda _: [])
        eve = make_person("eve@example.org")
        browser = Client(REMOTE_ADDR="192.0.2.1")
        {"passkey": use_a_passkey, "code": use_a_code, "reset": set_a_password}[way](browser, eve, monkeypatch)
        checked.clear()
        for number in range(15):
            make_person(f"person{number}@example.org")
            guess(number, f"person{number}@example.org")
        assert len(checked) == 10 - GUESSED

    def test_an_address_that_says_to_speak_for_another_is_not_believed(self, checked):
        make_person()
        for number in range(30):
            Client(REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=address_of(number)).post(
                "/accounts/login/", {"login": f"p{number}@example.org", "password": "guess"}
            )
        client = Client(REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR="10.9.9.9")
        assert log_in(client).status_code == 429
        assert not is_logged_in(client)

    def test_limits_know_no_address_and_no_name(self, redis_url):
        guess(1, "ada@example.org", "203.0.113.77")
        store = redis.Redis.from_url(redis_url, decode_responses=True)
        kept = [(key, str(store.get(key))) for key in store.scan_iter(cache_module.PREFIX + "*")]
        assert kept
        plain = hashlib.sha256(b"testserver:ada@example.org").hexdigest()
        for word in ("ada@", "203.0.113.77", plain):
            assert not [pair for pair in kept if word in pair[0] or word in pair[1]]

    def test_while_redis_is_away_people_log_in_and_guesses_are_still_slowed(self, settings, checked, monkeypatch):
        settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
        alone = cache_module.SharedCache("", {})
        alone.clear()
        monkeypatch.setattr("allauth.core.internal.ratelimit.cache", alone)
        make_person()
        client = Client()
        log_in(client)
        assert is_logged_in(client)
        checked.clear()
        answers = [guess(number, address=address_of(number)) for number in range(20)]
        assert len(checked) == 5
        assert all(answer.status_code == 200 for answer in answers)
        alone.clear()

    @pytest.mark.short
    @pytest.mark.parametrize(
        ("address_at", "account_at", "allowed"),
        [
            (lambda n: "192.0.2.1", lambda n: "ada@example.org", 5),
            (lambda n: "192.0.2.1", lambda n: f"person{n}@example.org", 10),
            (address_of, lambda n: "ada@example.org", 5),
            (lambda n: address_of(n % 100), lambda n: f"person{n % 10}@example.org", 50),
        ],
        ids=["one address, one account", "one address, all accounts", "all addresses, one account", "100 and 10"],
    )
    def test_of_ten_thousand_guesses_few_are_compared(self, limits_in_a_real_redis, address_at, account_at, allowed):
        """Asks the limit itself, which stands before the comparison, as the login page does.

        An address has ten guesses a minute and a hundred an hour, an account five in five minutes.
        """
        start = time.monotonic()
        compared = sum(is_compared(address_at(number), account_at(number)) for number in range(10_000))
        sys.stdout.write(f"\n{compared} of 10,000 compared in {time.monotonic() - start:.0f} s\n")
        assert compared == allowed


GUESSED = 7


def guess_some() -> None:
    for number in range(GUESSED):
        assert TOO_MANY not in guess(number, f"early{number}@example.org").content.decode()


def use_a_passkey(browser, eve, monkeypatch) -> None:
    key = Authenticator.objects.create(user=eve, type="webauthn", data={"name": "x"})
    webauthn = "allauth.mfa.webauthn.internal.auth"
    monkeypatch.setattr(f"{webauthn}.parse_authentication_response", lambda _: None)
    monkeypatch.setattr(f"{webauthn}.complete_authentication", lambda *_: key)
    browser.force_login(eve)
    guess_some()
    shown = browser.post("/accounts/2fa/webauthn/reauthenticate/", {"credential": '{"id": "x"}', "next": "/account/"})
    assert shown.url == "/account/"


def use_a_code(browser, eve, monkeypatch) -> None:
    Authenticator.objects.create(user=eve, type="webauthn", data={"name": "x"})
    code = RecoveryCodes.activate(eve).get_unused_codes()[0]
    guess_some()
    log_in(browser, "eve@example.org")
    browser.post("/accounts/2fa/authenticate/", {"code": code})
    assert is_logged_in(browser)


def set_a_password(browser, eve, monkeypatch) -> None:
    guess_some()
    browser.post("/accounts/password/reset/", {"email": "eve@example.org"})
    page = browser.get(link_in(mail.outbox[0]))
    done = browser.post(page.url, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert done.url == "/accounts/password/reset/key/done/"


def is_compared(address: str, email: str) -> bool:
    request = RequestFactory(REMOTE_ADDR=address).post("/accounts/login/")
    try:
        AccountAdapter(request).pre_authenticate(request, email=email, password="guess")
    except ValidationError:
        return False
    return True


class TestNobodyLearnsWhoIsHere:
    def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(self):
        make_person()
        answers = [guess(1, email) for email in ("ada@example.org", "eve@example.org")]
        pages = [answer.content.decode().replace("ada@", "x@").replace("eve@", "x@") for answer in answers]
        assert without_tokens(pages[0]) == without_tokens(pages[1])
        assert [answer.status_code for answer in answers] == [200, 200]
        assert dict(answers[0].headers).keys() == dict(answers[1].headers).keys()

    def test_they_take_the_same_number_of_comparisons(self, monkeypatch, settings):
        settings.PASSWORD_HASHERS = ["accounts.hashers.PasswordHasher"]
        make_person()
        hashed = []
        real = PasswordHasher.encode

        def count(self, *arguments):
            hashed.append(1)
            return real(self, *arguments)

        monkeypatch.setattr(PasswordHasher, "encode", count)
        monkeypatch.setattr(PasswordHasher, "verify", lambda *_: bool(hashed.append(1)))  # type: ignore[func-returns-value]
        guess(1, "ada@example.org")
        known = len(hashed)
        guess(2, "eve@example.org")
        assert known == 1
        assert len(hashed) - known == 1

    def test_a_reset_says_the_same_and_sends_a_message_either_way(self, client, mailoutbox):
        make_person()
        answers = [
            client.post("/accounts/password/reset/", {"email": email}, follow=True)
            for email in ("ada@example.org", "eve@example.org")
        ]
        pages = [without_tokens(answer.content.decode()) for answer in answers]
        assert pages[0] == pages[1]
        assert answers[0].redirect_chain == answers[1].redirect_chain
        assert [message.to for message in mailoutbox] == [["ada@example.org"], ["eve@example.org"]]

    def test_a_sign_up_where_addresses_are_confirmed_does_and_says_the_same_either_way(
        self, settings, monkeypatch, mailoutbox
    ):
        settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
        settings.PASSWORD_HASHERS = ["accounts.hashers.PasswordHasher"]
        make_person()
        hashed, answers = [], []
        real = PasswordHasher.encode

        def count(*given):
            hashed.append(1)
            return real(*given)

        monkeypatch.setattr(PasswordHasher, "encode", count)
        queries = []
        for email in ("ada@example.org", "eve@example.org"):
            with CaptureQueriesContext(connection) as asked:
                answers.append(sign_up(Client(), email))
            queries.append(sum("INSERT" in query["sql"] for query in asked))
        assert len(hashed) == 2
        assert queries[0] == queries[1]
        assert [(answer.status_code, answer.url) for answer in answers] == [(302, "/accounts/confirm-email/")] * 2
        assert [message.to for message in mailoutbox] == [["ada@example.org"], ["eve@example.org"]]
        assert set(User.objects.values_list("email", flat=True)) == {"ada@example.org", "eve@example.org"}

    @pytest.mark.usefixtures("clock")
    def test_the_limit_of_an_unknown_account_is_reached_alike(self):
        make_person()
        for email in ("ada@example.org", "eve@example.org"):
            seen = [TOO_MANY in guess(n, email, address_of(n)).content.decode() for n in range(7)]
            assert seen == [False] * 5 + [True] * 2


def without_tokens(page: str) -> str:
    import re

    return re.sub(r'(csrfmiddlewaretoken" value="|X-CSRFToken": ")[^"]+', r"\1", page)


class TestHasher:
    def test_passwords_are_kept_by_argon2id_within_the_memory_of_a_small_server(self, settings):
        settings.PASSWORD_HASHERS = ["accounts.hashers.PasswordHasher"]
        assert hashers.make_password("x").startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")

    def test_an_older_hash_is_renewed_at_the_next_login(self, client, settings):
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        user = make_person()
        settings.PASSWORD_HASHERS = ["accounts.hashers.PasswordHasher", *settings.PASSWORD_HASHERS]
        log_in(client, password=PASSWORD)
        user.refresh_from_db()
        assert user.password.startswith("argon2$")
