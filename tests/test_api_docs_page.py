"""The page of the contract in a real browser: it shows every operation, and the policy stops nothing on it."""

import json

import pytest

from emotune.api.views import contract


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_page_shows_every_operation_under_the_strict_policy(live_server, browser):
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{live_server.url}/api/v1/docs/")
    page.wait_for_selector(".opblock-summary", timeout=60_000)
    operations = sum(len(methods) for methods in json.loads(contract())["paths"].values())
    assert page.locator(".opblock").count() == operations
    assert said == []
