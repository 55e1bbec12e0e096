"""Every page and message about accounts is emotune's own, and its forms can be used by everybody."""

import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.template import Engine
from django.urls import reverse

from tests.accounts_site import make_person, quick_passwords_and_fresh_limits, sign_up  # noqa: F401

pytestmark = pytest.mark.django_db
TEMPLATES = Path(django_settings.BASE_DIR) / "templates"
OPEN = [
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_email_verification_sent",
    "account_inactive",
]
CLOSED = [
    "account_logout",
    "account_email",
    "account_change_password",
    "account_reauthenticate",
    "account_reset_password",
]
FIELD = re.compile(r"<input (?![^>]*hidden)[^>]*>")


def attribute(tag: str, name: str) -> str:
    found = re.search(rf' {name}="([^"]*)"', tag)
    return found[1] if found else ""


@pytest.mark.parametrize("name", OPEN)
def test_pages_for_everybody_stand_in_the_sites_frame(client, name):
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert response.content.decode().count("<h1>") == 1
    assert 'class="brand"' in response.content.decode()


@pytest.mark.parametrize("name", CLOSED)
def test_pages_of_an_account_stand_in_the_sites_frame(client, name):
    client.force_login(make_person())
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert response.content.decode().count("<h1>") == 1
    assert 'class="brand"' in response.content.decode()


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("account*/**/*.*")), ids=lambda path: path.stem)
def test_every_template_compiles(path):
    template = Engine.get_default().get_template(str(path.relative_to(TEMPLATES)))
    assert template.origin.name == str(path), "ours, and not the one that allauth brings"


def test_moments_are_marked_so_that_they_are_shown_in_local_time():
    raw = re.compile(r"""\|date(?::|\()["']j F Y, H:i["']\)? ?\}\} UTC(?!</time>)""")
    pages = [path for path in TEMPLATES.rglob("*.html") if raw.search(path.read_text())]
    assert not pages
    assert raw.search('{{ at|date:"j F Y, H:i" }} UTC.')


@pytest.mark.parametrize(
    ("name", "purposes"),
    [
        ("account_login", {"login": "email", "password": "current-password"}),
        ("account_signup", {"email": "email", "password1": "new-password"}),
        ("account_reset_password", {"email": "email"}),
    ],
)
def test_fields_have_labels_and_say_what_a_browser_may_fill_in(client, name, purposes):
    text = client.get(reverse(name)).content.decode()
    inputs = {attribute(tag, "name"): tag for tag in FIELD.findall(text)}
    for field, purpose in purposes.items():
        assert attribute(inputs[field], "autocomplete") == purpose
    for tag in inputs.values():
        assert f'<label for="{attribute(tag, "id")}">' in text
        assert "placeholder" not in tag


def test_help_and_errors_are_tied_to_their_field(client):
    text = sign_up(client, "ada", "short1").content.decode()
    tag = next(tag for tag in FIELD.findall(text) if attribute(tag, "name") == "password1")
    assert attribute(tag, "aria-invalid") == "true"
    described_by = attribute(tag, "aria-describedby").split()
    assert len(described_by) == 2
    for one in described_by:
        assert f'id="{one}"' in text


def test_what_was_typed_is_shown_again_and_harmless(client):
    text = sign_up(client, '"><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_messages_are_plain_and_short(client, mailoutbox):
    sign_up(client, "ada+music&more@example.org")
    body = mailoutbox[0].body
    assert body.startswith("Hello,\n\nwelcome to emotune.")
    assert body.rstrip().endswith("emotune\nhttp://testserver")
    assert "&amp;" not in body
    assert len(body.splitlines()) < 15
    assert not mailoutbox[0].alternatives
