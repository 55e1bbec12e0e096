"""The camera as it really is in Chromium: missing, refused, on an insecure address, in the dark; a reading in doubt."""

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, dimmed
from tests.web_site import Site, log_in

PATIENCE_MS = 60_000
ELSEWHERE = "emotune.example"

# a Chromium for each test
pytestmark = pytest.mark.short


@contextlib.contextmanager
def page_of(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(base_url=url, viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context.new_page()
    context.close()


def press_the_camera_button(page: Page) -> None:
    page.get_by_role("button", name="Turn on the camera").click()


def test_a_machine_without_a_camera(site: Site, tmp_path):
    with chromium(tmp_path, has_camera=False) as browser, page_of(browser, site.url) as page:
        log_in(page)
        press_the_camera_button(page)
        expect(page.get_by_role("alert")).to_contain_text("No camera was found")


def test_a_camera_that_is_refused_and_then_allowed(site: Site, tmp_path):
    with chromium(tmp_path, asks=True) as browser, page_of(browser, site.url) as page:
        page.context.grant_permissions([])  # all that is not named is denied
        log_in(page)
        press_the_camera_button(page)
        expect(page.get_by_role("alert")).to_contain_text("does not let emotune use the camera")
        page.context.grant_permissions(["camera"])
        press_the_camera_button(page)
        expect(page.get_by_role("button", name="Read my mood")).to_be_focused()
        expect(page.get_by_role("alert")).to_be_hidden()


def test_an_address_that_is_not_secure(site: Site, tmp_path):
    with chromium(tmp_path) as browser, page_of(browser, site.url) as page:
        log_in(page)
        for cookie in page.context.cookies():
            there = f"http://{ELSEWHERE}/"
            page.context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": there}])
        # the browser believes to be at another name, by http: what it asks there is fetched from the site
        page.route(
            f"http://{ELSEWHERE}/**",
            lambda route: route.fulfill(
                response=route.fetch(url=route.request.url.replace(f"http://{ELSEWHERE}", site.url))
            ),
        )
        page.goto(f"http://{ELSEWHERE}/captures/new/")
        assert page.evaluate("window.isSecureContext") is False
        expect(page.get_by_role("alert")).to_contain_text("secure addresses only")
        expect(page.get_by_role("button", name="Turn on the camera")).to_be_hidden()
        expect(page.get_by_role("button", name="Read this photograph")).to_be_visible()


def test_a_dark_room_is_named_before_anything_is_sent(site: Site, tmp_path):
    with chromium(tmp_path, dimmed(0.15)) as browser, page_of(browser, site.url) as page:
        log_in(page)
        press_the_camera_button(page)
        expect(page.locator("#camera-hint")).to_contain_text("It is too dark to read a face.")


def test_an_unsure_reading_is_settled_by_one_press_and_unsettled_by_another(site: Site, tmp_path):
    with chromium(tmp_path) as browser, page_of(browser, site.url) as page:
        log_in(page)
        page.goto(f"/captures/{site.ids['unsure']}/")
        expect(page.get_by_role("heading", name="Surprised or happy? You know best")).to_be_visible()
        page.get_by_role("main").get_by_role("button", name="Happy").first.click()
        expect(page.get_by_role("heading", name="You feel happy")).to_be_focused()
        expect(page.locator("li.track").first).to_be_visible()
        page.get_by_role("button", name="Undo my choice").click()
        expect(page.get_by_role("heading", name="Surprised or happy? You know best")).to_be_focused()
