"""API tokens: made, recognised, over, revoked; and how programs log in with one."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts import tokens
from accounts.authentication import TokenAuthentication
from accounts.models import ApiToken
from accounts.token_secrets import checksum, fingerprint, looks_like_a_secret, make_secret
from accounts.tokens import authenticate, create_token, revoke_token, usable_tokens
from emotune.errors import InvalidInput, NotAllowed
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_user()


def make_token(user, **fields):
    return create_token(**{"user": user, "name": "Laptop", "scopes": ["read"], **fields})


def log_in(header: str):
    return TokenAuthentication().authenticate(Request(APIRequestFactory().get("/", HTTP_AUTHORIZATION=header)))


class TestSecrets:
    def test_they_differ_and_have_the_published_form(self):
        secrets = {make_secret() for _ in range(200)}
        assert len(secrets) == 200
        assert all(re.fullmatch(r"emo_[0-9A-Za-z]{42}", secret) for secret in secrets)
        assert all(map(looks_like_a_secret, secrets))

    def test_the_checksum_is_the_crc_to_the_base_62(self):
        assert checksum("") == "000000"
        # CRC-32 of "123456789" is 0xCBF43926, its published check value
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        value = 0
        for digit in checksum("123456789"):
            value = value * 62 + digits.index(digit)
        assert value == 0xCBF43926

    @pytest.mark.parametrize("place", [0, 5, 20, 45])
    def test_one_wrong_letter_is_noticed(self, place):
        secret = make_secret()
        wrong = secret[:place] + ("x" if secret[place] != "x" else "y") + secret[place + 1 :]
        assert not looks_like_a_secret(wrong)

    @pytest.mark.parametrize("text", ["", "emo_", "emo_" + "a" * 43, "emo_é" + "a" * 41, "x" * 100_000])
    def test_other_text_is_none(self, text):
        assert not looks_like_a_secret(text)


class TestMaking:
    def test_the_secret_is_kept_nowhere(self, ada):
        token, secret = make_token(ada)
        row = ApiToken.objects.filter(pk=token.pk).values().get()
        assert secret not in str(row)
        assert row["fingerprint"] == fingerprint(secret)
        assert secret.startswith(row["shown"])
        assert len(row["shown"]) == 8

    def test_it_tidies_the_name_and_the_scopes(self, ada):
        token, _ = make_token(ada, name="  my\n old \x00laptop\ud800 ", scopes=["listen", "read", "read"])
        token.refresh_from_db()
        assert token.name == "my old laptop"
        assert token.scopes == ["read", "listen"]

    @pytest.mark.parametrize("name", ["", "   ", "\x00", "x" * 101])
    def test_it_rejects_a_name_that_is_none_or_endless(self, ada, name):
        with pytest.raises(InvalidInput, match="name of at most 100"):
            make_token(ada, name=name)

    @pytest.mark.parametrize("scopes", [[], ["everything"], ["read", ""]])
    def test_it_rejects_no_scope_and_unknown_ones(self, ada, scopes):
        with pytest.raises(InvalidInput, match="read, listen, capture, admin"):
            make_token(ada, scopes=scopes)

    def test_it_rejects_an_end_in_the_past(self, ada):
        with pytest.raises(InvalidInput, match="in the past"):
            make_token(ada, expires_at=timezone.now() - timedelta(seconds=1))

    def test_admin_is_for_staff_alone_and_ends_with_it(self, ada):
        with pytest.raises(NotAllowed):
            make_token(ada, scopes=["admin"])
        boss = make_user(is_staff=True)
        token, secret = make_token(boss, scopes=["admin"])
        assert token.allows("admin")
        boss.is_staff = False
        boss.save()
        found = authenticate(secret)
        assert found is not None
        assert not found.allows("admin")

    def test_there_is_a_most_of_them_and_dead_ones_do_not_count(self, ada, monkeypatch):
        monkeypatch.setattr(tokens, "MAX_TOKENS", 2)
        first, _ = make_token(ada)
        make_token(ada, expires_at=timezone.now() + timedelta(days=1))
        with pytest.raises(InvalidInput, match="2 tokens already"):
            make_token(ada)
        make_token(make_user())
        revoke_token(token=first)
        ApiToken.objects.filter(user=ada, revoked_at=None).update(expires_at=timezone.now())
        assert not usable_tokens(user=ada).exists()
        make_token(ada)


class TestRecognising:
    def test_it_gives_the_token_and_its_person(self, ada):
        token, secret = make_token(ada, scopes=["read"])
        make_token(make_user())
        found = authenticate(secret)
        assert found
        assert (found.pk, found.user) == (token.pk, ada)
        assert found.allows("read")
        assert not found.allows("listen")

    def test_an_unknown_secret_of_the_right_form_is_nobodys(self):
        assert authenticate(make_secret()) is None

    def test_what_has_no_form_is_refused_without_asking_the_database(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert authenticate("x" * 10_000) is None

    def test_a_known_one_takes_one_query_a_minute(self, ada, django_assert_num_queries):
        _, secret = make_token(ada)
        with django_assert_num_queries(2):
            authenticate(secret)
        with django_assert_num_queries(1):
            authenticate(secret)

    def test_the_last_use_is_written_once_a_minute(self, ada):
        token, secret = make_token(ada)
        assert token.last_used_at is None
        authenticate(secret)
        ago = timezone.now() - timedelta(seconds=59)
        ApiToken.objects.update(last_used_at=ago)
        authenticate(secret)
        token.refresh_from_db()
        assert token.last_used_at == ago
        ApiToken.objects.update(last_used_at=ago - timedelta(seconds=2))
        authenticate(secret)
        token.refresh_from_db()
        assert token.last_used_at
        assert timezone.now() - token.last_used_at < timedelta(seconds=10)

    def test_it_ends_at_its_time(self, ada):
        token, secret = make_token(ada, expires_at=timezone.now() + timedelta(hours=1))
        assert authenticate(secret)
        ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
        assert authenticate(secret) is None

    def test_a_revoked_one_is_over_at_once_and_revoking_twice_is_once(self, ada):
        token, secret = make_token(ada)
        same = ApiToken.objects.get(pk=token.pk)
        assert revoke_token(token=token)
        assert authenticate(secret) is None
        assert not token.is_usable
        when = ApiToken.objects.get(pk=token.pk).revoked_at
        assert not revoke_token(token=same)
        assert ApiToken.objects.get(pk=token.pk).revoked_at == when

    def test_one_of_an_account_that_is_switched_off_is_refused(self, ada):
        _, secret = make_token(ada)
        ada.is_active = False
        ada.save()
        assert authenticate(secret) is None


class TestHeader:
    @pytest.mark.parametrize("keyword", ["Bearer", "bearer", "Token", "TOKEN"])
    def test_both_words_are_understood(self, ada, keyword):
        token, secret = make_token(ada)
        assert log_in(f"{keyword} {secret}") == (ada, token)

    @pytest.mark.parametrize("header", ["", "Basic YTpi", "emo_abc"])
    def test_other_schemes_are_left_to_others(self, header):
        assert log_in(header) is None

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer a b", "Bearer emo_abc", "Token \xff\xfe", "Bearer " + "x" * 9000]
    )
    def test_it_rejects_what_is_no_token(self, header):
        with pytest.raises(AuthenticationFailed, match="unknown, revoked or over"):
            log_in(header)

    def test_a_revoked_token_is_refused_in_words_that_do_not_tell_why(self, ada):
        token, secret = make_token(ada)
        revoke_token(token=token)
        with pytest.raises(AuthenticationFailed, match="unknown, revoked or over"):
            log_in(f"Bearer {secret}")
