"""The map in Chromium beside the player, whose keys work there too."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web_site import Complaints, Site, sign_up

PATIENCE_MS = 60_000


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    complaints = Complaints(page)
    sign_up(page)
    page.goto("/map/")
    expect(page.locator("#map-status")).to_contain_text("in view")
    yield page
    context.close()
    assert complaints.words == []


def test_the_players_keys_work_where_a_place_was_chosen_by_keyboard(page):
    page.get_by_role("button", name=re.compile("^happy")).click()  # whose tracks are all on this server
    canvas = page.locator("#map-canvas")
    canvas.focus()
    page.keyboard.press("ArrowRight")  # the first arrow goes to the place with the most tracks
    page.keyboard.press("Enter")
    playing = page.locator("#map-tracks .track.is-playing")
    expect(playing).to_have_count(1)
    first, second = page.locator("#map-tracks .track").evaluate_all("all => all.map(({ dataset }) => dataset.title)")[
        :2
    ]
    expect(page.locator("#now-title")).to_have_text(first)
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Go on playing")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("#now-title")).to_have_text(second)
    page.keyboard.press("l")
    expect(playing.locator(".rating button").first).to_have_attribute("aria-pressed", "true")
    expect(canvas).to_be_focused()
    page.keyboard.press("+")
    expect(page.locator("#map-status")).to_contain_text("enlarged 2 times")
