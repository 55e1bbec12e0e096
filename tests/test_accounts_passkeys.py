"""Passkeys in a real Chromium with an authenticator of its own: added, logged in with, asked for, and deleted with."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page

from tests.accounts_site import PASSWORD
from tests.browser import picture_of
from tests.web_site import Complaints, Site

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    # a passkey belongs to a name, not to a number
    context = browser.new_context(base_url=f"http://localhost:{urlsplit(site.url).port}", reduced_motion="reduce")
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def authenticator(page: Page) -> tuple[Any, str]:
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    added = devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return devices, added["authenticatorId"]


def open_account(page: Page) -> str:
    email = f"{uuid4().hex}@example.org"
    page.goto("/accounts/signup/")
    page.fill("[name=email]", email)
    page.fill("[name=password1]", PASSWORD)
    page.get_by_role("button", name="Open the account").click()
    page.wait_for_url("**/account/consent/**")
    return email


def add_passkey(page: Page) -> None:
    page.goto("/accounts/2fa/webauthn/add/")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.fill("[name=name]", "My <b>phone</b>")
    page.locator("#passkey_add").wait_for()  # shown by the script that makes Enter mean it
    page.press("[name=name]", "Enter")
    page.wait_for_url("**/recovery-codes/")


def log_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.locator("main").get_by_role("button", name="Log out").click()
    page.wait_for_url("**/")


def test_a_passkey_logs_in_is_asked_for_after_the_password_and_deletes_the_account(page, authenticator):
    complaints = Complaints(page)
    email = open_account(page)
    add_passkey(page)
    assert page.locator(".codes li").count() == 10
    page.goto("/accounts/2fa/")
    assert page.locator(".things h2").text_content() == "My <b>phone</b>"
    log_out(page)

    page.goto("/accounts/login/")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url("**/account/consent/**")
    log_out(page)

    page.goto("/accounts/login/?next=/account/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/2fa/authenticate/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/account/")

    page.goto("/account/delete/")
    page.get_by_role("link", name="Use a passkey instead").click()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/account/delete/")
    picture_of(page, "account-delete")
    page.check("[name=sure]")
    page.get_by_role("button", name="Delete the account and everything").click()
    page.wait_for_url("**/")
    assert "Your account is deleted" in page.content()
    assert [words for words in complaints.words if not words.startswith("asks http://localhost:")] == []


def test_a_passkey_that_is_refused_is_told_in_words(page, authenticator):
    devices, number = authenticator
    open_account(page)
    devices.send("WebAuthn.setUserVerified", {"authenticatorId": number, "isUserVerified": False})
    page.goto("/accounts/2fa/webauthn/add/")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Add it").click()
    page.wait_for_selector("#notices .notice")
    assert "You can try again" in page.text_content("#notices")
