"""What a person is told to do after a break-in, and that it ends it: a new password alone does not."""

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import ApiToken
from accounts.tokens import authenticate, create_token, revoke_token
from tests.accounts_site import (
    NEW_PASSWORD,
    PASSWORD,
    log_in,
    make_person,
    quick_passwords_and_fresh_limits,  # noqa: F401
)
from tests.factories import make_user

pytestmark = pytest.mark.django_db
REVOKE = "/account/tokens/revoke/"
SITE = "http://testserver"


@pytest.fixture
def ada(client):
    user = make_person()
    log_in(client)
    return user


def change_password(client):
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client.post("/accounts/password/change/", data)


def lines_of(message) -> list[str]:
    return str(message.body).splitlines()


class TestAdvice:
    def test_a_new_password_leaves_a_strangers_token_alive(self, client, ada):
        """Why the advice is longer than "set a new password"."""
        _, secret = create_token(user=ada, name="stranger's", scopes=["read"])
        change_password(client)
        assert authenticate(secret)
        client.post(REVOKE)
        assert authenticate(secret) is None

    def test_a_message_names_passkeys_and_tokens_after_the_password(self, client, ada, mailoutbox):
        change_password(client)
        lines = lines_of(mailoutbox[0])
        places = [lines.index(SITE + reverse(name)) for name in ("account_reset_password", "mfa_index")]
        assert places == sorted(places)
        assert SITE + REVOKE in lines
        assert max(map(len, lines)) <= 130

    def test_that_of_an_added_passkey_says_to_remove_it_before_the_password_is_changed(self, ada, rf):
        from allauth.account.adapter import get_adapter
        from allauth.core import context

        with context.request_context(rf.get("/")):
            get_adapter().send_notification_mail("mfa/email/webauthn_added", ada)
        lines = lines_of(mail.outbox[-1])
        assert any("a passkey was added" in line for line in lines)
        places = [lines.index(SITE + reverse(name)) for name in ("mfa_index", "account_change_password")]
        assert places == sorted(places)
        assert SITE + REVOKE in lines
        assert SITE + reverse("account_reset_password") not in lines, "whoever resets it has to show the passkey"

    @pytest.mark.parametrize("page", ["/account/", "/account/activity/", "/accounts/sessions/"])
    def test_pages_lead_to_all_that_has_to_be_done(self, client, ada, page):
        text = client.get(page).content.decode()
        for address in ("/accounts/2fa/", "/accounts/password/change/", REVOKE):
            assert f'href="{address}"' in text.split("passkeys and tokens work on")[0].rsplit("<p", 1)[1]


class TestRevokingAll:
    def test_a_link_leads_to_a_question_and_its_answer_ends_all_of_ones_tokens(self, client, ada):
        secrets = [create_token(user=ada, name=name, scopes=["read"])[1] for name in ("Laptop", "Phone")]
        _, hers = create_token(user=make_user(), name="Hers", scopes=["read"])
        assert f'href="{REVOKE}"' in client.get("/account/tokens/").content.decode()
        assert "Revoke 2 tokens" in client.get(REVOKE).content.decode()
        assert all(map(authenticate, secrets))
        said = client.post(REVOKE, follow=True)
        assert said.redirect_chain[-1][0] == "/account/"
        assert "2 tokens are revoked." in said.content.decode()
        assert not any(map(authenticate, secrets))
        assert authenticate(hers)

    def test_each_is_told_once(self, client, ada):
        for name in ("Laptop", "Phone"):
            create_token(user=ada, name=name, scopes=["read"])
        old, _ = create_token(user=ada, name="Old", scopes=["read"])
        revoke_token(token=old)
        client.post(REVOKE)
        client.post(REVOKE)
        told = ada.events.filter(kind="token_revoked").values_list("detail", flat=True)
        assert sorted(told) == ["Laptop", "Old", "Phone"]

    def test_those_that_are_over_or_revoked_keep_their_times(self, client, ada):
        old, _ = create_token(user=ada, name="Old", scopes=["read"])
        revoke_token(token=old)
        before = ApiToken.objects.get().revoked_at
        client.post(REVOKE)
        assert ApiToken.objects.get().revoked_at == before

    def test_who_has_none_is_asked_nothing(self, client, ada):
        page = client.get(REVOKE).content.decode()
        assert "There are none that work" in page
        assert "Revoke 0" not in page
        assert "revoked" not in client.post(REVOKE, follow=True).content.decode()

    def test_who_is_not_logged_in_is_asked_to(self, client):
        create_token(user=make_user(), name="Hers", scopes=["read"])
        for answer in (client.get(REVOKE), client.post(REVOKE)):
            assert answer.url.startswith("/accounts/login/")
        assert ApiToken.objects.filter(revoked_at=None).exists()
