"""The admin's pages on people, and superusers made on the command line."""

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.services import give_consent
from tests.accounts_site import (
    PASSWORD,
    is_logged_in,
    log_in,
    make_person,
    quick_passwords_and_fresh_limits,  # noqa: F401
)

pytestmark = pytest.mark.django_db
USERS = "/admin/accounts/user/"


@pytest.fixture
def boss(client):
    user = User.objects.create_superuser("boss@example.org", PASSWORD)
    client.force_login(user)
    return user


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
    assert [(event.kind, event.detail) for event in ada.events.all()] == [("email_changed", "by an admin")]
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
    codes = Authenticator.objects.create(user=ada, type=Authenticator.Type.RECOVERY_CODES, data={"seed": "the-seed"})
    listed = "/admin/mfa/authenticator/"
    for address in (listed, f"{listed}{codes.pk}/change/", f"{listed}?q=ada"):
        page = client.get(address)
        assert page.status_code == 200
        assert b"ada@example.org" in page.content
        assert b"the-seed" not in page.content
    assert client.get(f"{listed}add/").status_code == 403
    client.post(f"{listed}{codes.pk}/delete/", {"post": "yes"})
    assert not Authenticator.objects.exists()


def test_the_lists_ask_as_often_for_many_people_as_for_few(client, boss):
    def fill():
        for n in range(5):
            person = make_person(f"person{n}-{User.objects.count()}@example.org")
            Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data={"name": "phone"})

    for address in (USERS, "/admin/mfa/authenticator/", "/admin/account/emailaddress/"):
        fill()
        with CaptureQueriesContext(connection) as few:
            client.get(address)
        fill()
        with CaptureQueriesContext(connection) as many:
            client.get(address)
        assert len(many) == len(few), address
