"""The page of the contract in a real browser: it shows every operation, and the policy stops nothing on it."""

import pytest
from playwright.sync_api import Browser

from tests.web_site import Complaints, Site, overflow, violations


@pytest.mark.short
def test_the_page_shows_every_operation_under_the_strict_policy(site: Site, browser: Browser):
    page = browser.new_page(base_url=site.url)
    complaints = Complaints(page)
    page.goto("/api/v1/docs")
    page.wait_for_selector(".opblock-summary", timeout=60_000)
    contract = page.request.get("/api/v1/schema").json()
    operations = sum(len(methods) for methods in contract["paths"].values())
    assert page.locator(".opblock").count() == operations > 0
    wrong = []
    for width in (1280, 360):  # it is light always
        page.set_viewport_size({"width": width, "height": 800})
        wrong += violations(page)
        wrong += [f"{by} pixels too wide at {width}"] if (by := overflow(page)) > 0 else []
    assert wrong == []
    assert complaints.words == []
    page.close()
