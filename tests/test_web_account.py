"""A form that is sent once, in Chromium: also one that came by htmx, and not for ever."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web_site import Site, sign_up

PATIENCE_MS = 60_000
EXPORTS = "/account/exports/"
# Counts what would be sent, and is in the place of somebody who stops its loading.
STOP_ALL = """() => {
    window.sent = 0;
    window.addEventListener("submit", (event) => {
        if (!event.defaultPrevented) window.sent += 1;
        event.preventDefault();
    });
}"""
LONGER_THAN_IT_IS_HELD_MS = 11_000


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    sign_up(page)
    page.clock.install()
    page.goto(EXPORTS)
    yield page
    context.close()


def test_a_form_whose_loading_was_stopped_can_be_sent_again_after_a_while(page):
    page.evaluate(STOP_ALL)
    make = page.get_by_role("button", name="Make a copy")
    make.dblclick()
    assert page.evaluate("window.sent") == 1
    page.clock.fast_forward(LONGER_THAN_IT_IS_HELD_MS)
    make.dblclick()
    assert page.evaluate("window.sent") == 2


def test_a_form_that_came_by_htmx_is_sent_once(page):
    page.get_by_role("button", name="Make a copy").click()
    expect(page.get_by_role("heading", name="Your copy waits for a worker")).to_be_visible()
    page.evaluate(STOP_ALL)
    other = page.context.new_page()
    other.goto(EXPORTS)
    other.get_by_role("button", name="Stop it").click()
    expect(other.get_by_role("button", name="Make a copy")).to_be_visible()
    make = page.get_by_role("button", name="Make a copy")
    page.clock.run_for(2000)  # it looks every second and a half
    expect(make).to_be_visible()
    make.dblclick()
    assert page.evaluate("window.sent") == 1
