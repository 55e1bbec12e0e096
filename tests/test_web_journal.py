"""The journal in Chromium: the browser's own time zone, periods and moods in place, by keyboard, back and forward."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web_site import Complaints, Site, log_in, overflow, violations

PATIENCE_MS = 60_000


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(
        base_url=site.url, viewport={"width": 360, "height": 740}, timezone_id="Asia/Tokyo", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    complaints = Complaints(page)
    log_in(page)
    page.goto("/journal/")
    expect(page.get_by_role("heading", name="Journal", exact=True)).to_be_visible()
    yield page
    context.close()
    assert complaints.words == []


def zone(page: Page):
    return page.get_by_text(re.compile("^Days of "))


def test_days_are_those_of_the_browser_without_being_asked(page):
    expect(zone(page)).to_have_text("Days of Asia/Tokyo")
    with page.expect_request(re.compile("/journal/")) as asked:
        page.reload()
    assert asked.value.headers.get("hx-request") is None
    expect(zone(page)).to_have_text("Days of Asia/Tokyo")


def test_another_time_zone_stays_chosen(page):
    expect(zone(page)).to_have_text("Days of Asia/Tokyo")
    zone(page).click()
    page.get_by_label("Time zone").select_option("America/Lima")
    page.get_by_role("button", name="Use it").click()
    expect(zone(page)).to_have_text("Days of America/Lima")
    page.get_by_role("link", name="30 days").click()
    expect(page).to_have_url(re.compile("period=30-days"))
    expect(zone(page)).to_have_text("Days of America/Lima")
    page.reload()
    expect(zone(page)).to_have_text("Days of America/Lima")


def test_by_keyboard_a_period_is_chosen_and_said_and_the_focus_stays(page):
    expect(zone(page)).to_have_text("Days of Asia/Tokyo")
    link = page.get_by_role("link", name="30 days")
    link.focus()
    page.keyboard.press("Enter")
    expect(link).to_have_attribute("aria-current", "true")
    expect(link).to_be_focused()
    expect(page.locator("#journal-said")).to_have_text(re.compile(r"\d+ moods from .* to .*, most often \w+\."))
    summary = page.get_by_text("The days in figures")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="The days in figures").locator("tbody tr").first).to_be_visible()


def test_back_forward_and_reload_show_the_period_that_was_there(page):
    expect(zone(page)).to_have_text("Days of Asia/Tokyo")
    page.get_by_role("link", name="All", exact=True).click()
    current = page.locator(".periods [aria-current]")
    expect(current).to_have_text("All")
    page.go_back()
    expect(current).to_have_text("A year")
    page.wait_for_load_state()  # going back loads the page anew: its script must be there to hear of going forward
    page.go_forward()
    expect(current).to_have_text("All")
    page.reload()
    expect(current).to_have_text("All")
    expect(page.get_by_role("heading", name="Day by day")).to_be_visible()


def test_what_was_heard_in_a_mood_is_played(page):
    expect(zone(page)).to_have_text("Days of Asia/Tokyo")
    mood = page.locator(".heard-moods a[id]:not([aria-current])").first
    name = mood.inner_text()
    mood.click()
    expect(page.get_by_role("heading", name=f"Heard most when {name}")).to_be_visible()
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator("#now-title")).to_have_text(page.locator("li.track").first.get_attribute("data-title"))


def test_the_page_of_the_keys_does_not_take_the_shape_of_a_chart(page):
    expect(zone(page)).to_have_text("Days of Asia/Tokyo")
    expect(page.locator("svg.field").first).to_have_css("height", "192px")
    page.keyboard.press("?")
    choice = page.get_by_role("dialog", name="Keyboard shortcuts").locator(".field.check")
    expect(choice).to_have_css("display", "flex")
    assert choice.bounding_box()["height"] < 100


@pytest.mark.short
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (360, "dark"), (1280, "dark"), (1920, "light")])
def test_it_fits_and_is_accessible_with_all_tables_open(page, width, scheme):
    expect(zone(page)).to_have_text("Days of Asia/Tokyo")
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('#journal details').forEach((each) => { each.open = true; })")
    assert overflow(page) <= 0
    assert violations(page) == []
