"""The admin's pages on people, and superusers made on the command line."""

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.deletion import delete_account
from accounts.models import User
from accounts.services import give_consent
from tests.accounts_site import (
    NEW_PASSWORD,
    PASSWORD,
    is_logged_in,
    log_in,
    make_person,
    quick_passwords_and_fresh_limits,  # noqa: F401
)

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"
PASSKEYS = "/admin/mfa/authenticator/"


@pytest.fixture
def boss(client):
    user = User.objects.create_superuser("boss@example.org", PASSWORD)
    client.force_login(user)
    return user


def staff_with(*rights: str, email: str = "clerk@example.org") -> User:
    user = make_person(email, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


@pytest.fixture
def clerk(client):
    """Somebody who may change people, and nothing else."""
    user = staff_with("change_user")
    client.force_login(user)
    return user


def key_of(user, name="phone") -> Authenticator:
    return Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": name})


def codes_of(user) -> Authenticator:
    return Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={"seed": "the-seed"})


def happened_to(user) -> list[tuple[str, str]]:
    return list(user.events.values_list("kind", "detail"))


def test_createsuperuser_makes_one_who_can_log_in(client, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--email", "Boss@Example.org", stdout=StringIO())
    user = User.objects.get()
    assert (user.email, user.is_staff, user.is_superuser) == ("boss@example.org", True, True)
    log_in(client, "boss@example.org")
    assert client.get("/admin/").status_code == 200


def test_createsuperuser_rejects_an_address_that_is_taken_in_one_line(monkeypatch):
    make_person("ada@example.org")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", "--noinput", "--email", "ADA@example.org", stdout=StringIO())
    assert User.objects.count() == 1


def test_staff_log_in_where_everybody_does(client):
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
    User.objects.create_superuser("boss@example.org", PASSWORD)
    assert log_in(client, "boss@example.org", next="/admin/").url == "/admin/"


def test_people_who_are_not_staff_are_kept_out(client):
    client.force_login(make_person())
    assert client.get("/admin/", follow=True).status_code == 403


def test_people_are_found_by_address(client, boss):
    make_person("ada@example.org")
    make_person("eve@example.org")
    text = client.get(USERS, {"q": "ada"}).content.decode()
    assert "ada@example.org" in text
    assert "eve@example.org" not in text


def test_a_new_person_can_log_in_by_the_address(client, boss):
    data = {"email": "Ada@Example.org", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(f"{USERS}add/", data).status_code == 302
    client.logout()
    log_in(client, "ada@example.org")
    assert is_logged_in(client)


def test_it_rejects_an_address_that_differs_by_case_alone(client, boss):
    make_person("ada@example.org")
    data = {"email": "ADA@example.org", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert "already exists" in client.post(f"{USERS}add/", data).content.decode()
    assert User.objects.count() == 2


def change(client, user, **fields: str):
    data = {"is_active": "on", "consents-TOTAL_FORMS": "0", "consents-INITIAL_FORMS": "0", **fields}
    return client.post(f"{USERS}{user.pk}/change/", data)


def test_an_address_changed_here_leaves_the_old_one_without_any_power(client, boss, mailoutbox):
    ada = make_person("ada@example.org")
    EmailAddress.objects.create(user=ada, email="wish@example.org")
    make_person("eve@example.org")
    assert change(client, ada, email="New@example.org").status_code == 302
    ada.refresh_from_db()
    assert ada.email == "new@example.org"
    mine = EmailAddress.objects.filter(user=ada).values_list("email", "verified", "primary")
    assert list(mine) == [("new@example.org", False, True)]
    assert EmailAddress.objects.filter(email="eve@example.org", verified=True).exists()
    assert happened_to(ada) == [("email_changed", "by an admin")]
    for email, works in (("ada@example.org", False), ("wish@example.org", False), ("new@example.org", True)):
        browser = Client()
        log_in(browser, email)
        assert is_logged_in(browser) is works
        browser.logout()
        mailoutbox.clear()
        browser.post("/accounts/password/reset/", {"email": email})
        assert ("/password/reset/key/" in mailoutbox[0].body) is works


def test_what_else_is_changed_here_leaves_the_address_proven(client, boss):
    ada = make_person("ada@example.org")
    assert change(client, ada, email="ADA@example.org", is_staff="on").status_code == 302
    ada.refresh_from_db()
    assert ada.is_staff
    assert EmailAddress.objects.get(user=ada).verified
    assert not ada.events.exists()


def test_who_may_change_people_gives_nobody_a_right(client, clerk):
    ada, group = make_person(), Group.objects.create(name="keepers")
    page = client.get(f"{USERS}{ada.pk}/change/").content.decode()
    assert 'name="email"' in page
    for name in ("is_staff", "is_superuser", "groups", "user_permissions"):
        assert f'name="{name}"' not in page
    rights = {"is_staff": "on", "is_superuser": "on", "groups": str(group.pk), "user_permissions": "1"}
    assert change(client, ada, email="new@example.org", **rights).status_code == 302
    ada.refresh_from_db()
    assert (ada.email, ada.is_staff, ada.is_superuser) == ("new@example.org", False, False)
    assert not ada.groups.exists()
    assert not ada.user_permissions.exists()


def test_who_may_change_people_cannot_log_in_as_those_who_run_the_site(client, clerk):
    boss = User.objects.create_superuser("boss@example.org", PASSWORD)
    away = make_person("away@example.org", is_superuser=True, is_active=False)
    for user in (boss, away, staff_with("change_group", email="other@example.org"), clerk):
        for fields in ({}, {"is_superuser": "on"}):
            assert change(client, user, email="mine@example.org", **fields).status_code == 403
        password = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
        for answer in (client.get(f"{USERS}{user.pk}/password/"), client.post(f"{USERS}{user.pk}/password/", password)):
            assert answer.status_code == 403
        email, hashed, is_superuser = user.email, user.password, user.is_superuser
        user.refresh_from_db()
        assert (user.email, user.password, user.is_superuser) == (email, hashed, is_superuser)
        seen = client.get(f"{USERS}{user.pk}/change/")
        assert seen.status_code == 200
        assert hashed not in seen.content.decode()


def test_who_may_change_people_still_helps_those_who_forgot_their_password(client, clerk):
    ada = make_person()
    assert set_password(client, ada).status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(NEW_PASSWORD)


def set_password(client, user, **fields: str):
    data = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true", **fields}
    return client.post(f"{USERS}{user.pk}/password/", data)


def test_a_password_set_here_is_told(client, boss):
    ada = make_person()
    assert set_password(client, ada, password2="something-else").status_code == 200
    assert happened_to(ada) == []
    assert set_password(client, ada).status_code == 302
    assert happened_to(ada) == [("password_changed", "by an admin")]
    taken = {"usable_password": "false", "unset-password": "1", "password1": "", "password2": ""}
    assert set_password(client, ada, **taken).status_code == 302
    ada.refresh_from_db()
    assert not ada.has_usable_password()
    assert happened_to(ada)[0] == ("password_changed", "taken away by an admin")


def test_an_admin_who_sets_a_password_stays_logged_in_on_a_device_that_is_listed(client):
    boss = User.objects.create_superuser("boss@example.org", PASSWORD)
    EmailAddress.objects.create(user=boss, email=boss.email, primary=True, verified=True)
    log_in(client, boss.email)
    for user, password in ((make_person(), PASSWORD), (boss, NEW_PASSWORD)):
        assert set_password(client, user).status_code == 302
        assert client.get("/admin/").status_code == 200
        assert UserSession.objects.filter(user=boss, session_key=client.session.session_key).exists()
        elsewhere = Client()
        log_in(elsewhere, boss.email, password)
        assert elsewhere.get("/accounts/sessions/").content.decode().count("Logged in from") == 2
        elsewhere.post("/accounts/sessions/")
        assert not is_logged_in(client)
        log_in(client, boss.email, password)


def test_the_admins_link_to_ones_password_leads_where_everybody_changes_it(client, boss):
    link = reverse("admin:password_change")
    assert link in client.get("/admin/").content.decode()
    form = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    for answer in (client.get(link), client.post(link, form)):
        assert (answer.status_code, answer.url) == (302, reverse("account_change_password"))
    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)


def remove_selected(client, *rows):
    data = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
    return client.post(PASSKEYS, data)


def test_a_passkey_taken_away_here_is_told_and_the_last_one_takes_the_codes_along(client, boss):
    ada = make_person()
    first, last = key_of(ada), key_of(ada)
    codes_of(ada)
    assert client.post(f"{PASSKEYS}{first.pk}/delete/", {"post": "yes"}).status_code == 302
    assert happened_to(ada) == [("passkey_removed", "by an admin")]
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"webauthn", "recovery_codes"}
    assert client.post(f"{PASSKEYS}{last.pk}/delete/", {"post": "yes"}).status_code == 302
    assert happened_to(ada) == [("passkey_removed", "by an admin")] * 2
    assert not Authenticator.objects.exists()


def test_so_are_several_at_once_and_others_keep_theirs(client, boss):
    ada, eve = make_person("ada@example.org"), make_person("eve@example.org")
    mine, hers, keeps = [key_of(ada), codes_of(ada), key_of(ada)], key_of(eve), [key_of(eve), codes_of(eve)]
    assert remove_selected(client, *mine, hers).status_code == 302
    assert happened_to(ada) == [("passkey_removed", "by an admin")] * 2
    assert happened_to(eve) == [("passkey_removed", "by an admin")]
    assert set(Authenticator.objects.all()) == set(keeps)


def test_the_log_says_that_a_passkey_was_taken_away_and_not_what_it_was_called(client, boss):
    ada = make_person()
    alone, *several = [key_of(ada, f"Ada's key {n}") for n in range(3)]
    client.post(f"{PASSKEYS}{alone.pk}/delete/", {"post": "yes"})
    remove_selected(client, *several)
    delete_account(user=ada)
    lines = LogEntry.objects.values_list("object_repr", "object_id", "user", "content_type__model")
    assert set(lines) == {("WebAuthn", str(key.pk), boss.pk, "authenticator") for key in (alone, *several)}


def test_consents_are_shown_and_not_changed(client, boss):
    user = make_person()
    consent = give_consent(user=user)
    text = client.get(f"{USERS}{user.pk}/change/").content.decode()
    assert consent.version in text
    assert 'name="consents-0-version"' not in text


def test_a_person_can_be_deleted_with_what_hangs_on_them(client, boss):
    user = make_person()
    give_consent(user=user)
    assert client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(User.objects.all()) == [boss]


def test_what_goes_with_an_account_is_counted_and_not_listed(client, boss):
    user = make_person()
    give_consent(user=user)
    text = client.get(f"{USERS}{user.pk}/delete/").content.decode()
    assert "Consents: 1" in text
    assert "Account events: 1" in text


def test_deleting_several_leaves_no_address_in_the_log(client, boss):
    users = [make_person(f"{name}@example.org") for name in ("ada", "eve")]
    data = {"action": "delete_selected", "_selected_action": [user.pk for user in users], "post": "yes"}
    assert client.post(USERS, data).status_code == 302
    assert list(User.objects.all()) == [boss]
    assert {entry.object_repr for entry in LogEntry.objects.all()} == {"a deleted account"}


def test_people_who_run_the_site_are_not_deleted_in_passing(client, boss):
    other = make_person("other@example.org", is_staff=True)
    text = client.get(f"{USERS}{other.pk}/delete/").content.decode()
    assert "take that right away first" in text
    client.post(f"{USERS}{other.pk}/delete/", {"post": "yes"})
    assert User.objects.filter(pk=other.pk).exists()


def test_superusers_read_who_did_what_and_nobody_writes_it(client, boss):
    user = make_person()
    LogEntry.objects.log_actions(boss.pk, [user], CHANGE, "Switched off.", single_object=True)
    log = "/admin/admin/logentry/"
    text = client.get(log).content.decode()
    assert "Switched off." in text
    assert "boss@example.org" in text
    entry = LogEntry.objects.get()
    assert client.get(f"{log}add/").status_code == 403
    assert client.post(f"{log}{entry.pk}/change/", {"object_repr": "x"}).status_code == 403
    assert client.post(f"{log}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    client.force_login(make_person("clerk@example.org", is_staff=True))
    assert client.get(log).status_code == 403


def test_nothing_is_shown_by_which_one_could_log_in_as_others(client, boss):
    assert not admin.site.is_registered(UserSession)
    ada = make_person("ada@example.org")
    codes = codes_of(ada)
    for address in (PASSKEYS, f"{PASSKEYS}{codes.pk}/change/", f"{PASSKEYS}?q=ada"):
        page = client.get(address)
        assert page.status_code == 200
        assert b"ada@example.org" in page.content
        assert b"the-seed" not in page.content
    assert client.get(f"{PASSKEYS}add/").status_code == 403
    client.post(f"{PASSKEYS}{codes.pk}/delete/", {"post": "yes"})
    assert not Authenticator.objects.exists()


def test_the_lists_ask_as_often_for_many_people_as_for_few(client, boss):
    def fill():
        for n in range(5):
            key_of(make_person(f"person{n}-{User.objects.count()}@example.org"))

    for address in (USERS, PASSKEYS):
        fill()
        with CaptureQueriesContext(connection) as few:
            assert client.get(address).status_code == 200
        fill()
        with CaptureQueriesContext(connection) as many:
            assert client.get(address).status_code == 200
        assert len(many) == len(few), address


def test_deleting_many_people_asks_as_often_as_deleting_few_and_counts_them_all(client, boss, monkeypatch):
    people = [make_person(f"person{n}@example.org") for n in range(7)]
    for user in people:
        give_consent(user=user)
        key_of(user)

    def asked(number):
        data = {"action": "delete_selected", "_selected_action": [user.pk for user in people[:number]]}
        with CaptureQueriesContext(connection) as queries:
            page = client.post(USERS, data).content.decode()
        for what in ("Consents", "Passkeys", "Email addresses", "Account", "Account events"):
            assert f"{what}: {number}</li>" in page
        return len(queries)

    assert asked(7) == asked(2)
    monkeypatch.setattr("accounts.admin.COUNTED_TOGETHER", 3)
    asked(7)
