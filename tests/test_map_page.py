"""The map in a real browser, over the demonstration: choosing by mouse and by keyboard, and without a script."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import picture_of
from tests.web_site import Site, sign_up

PATIENCE_MS = 30_000


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    open_map(page)
    expect(status(page)).to_contain_text("tracks in view")
    yield page
    context.close()
    assert complaints == []


def open_map(page: Page) -> None:
    sign_up(page)
    page.goto("/map/")


def status(page: Page):
    return page.locator("#map-status")


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text.partition("track")[0].rpartition(":")[2]))


def test_the_buttons_of_the_emotions_count_what_is_in_view_and_show_one_alone(page):
    total = number(status(page).inner_text())
    counts = [number(text) for text in page.locator("[data-count]").all_inner_texts()]
    assert sum(counts) == total > 0
    page.get_by_role("button", name=re.compile("^happy")).click()
    expect(status(page)).to_contain_text(f"{counts[3]:,} track")
    picture_of(page, "map-happy")


def test_a_click_on_a_sign_plays_what_is_there(page):
    page.get_by_text("What is in view, as a table").click()
    page.locator("#map-rows tr").first.get_by_role("button").click()
    playing = page.locator("#map-tracks .track.is-playing")
    expect(playing).to_have_count(1)
    assert playing.locator("audio").evaluate("audio => !audio.paused")
    said = status(page).inner_text()
    assert number(said) == number(page.locator("#found-title").inner_text())
    valence, arousal = (float(text) for text in re.findall(r"(?:Valence|arousal) ([\d.]+) to", said))
    box = page.locator("#map-canvas").bounding_box()
    assert box
    cell = (box["width"] - 30) / 37
    across, up = (valence * 4 + 0.5) * cell, (arousal * 4 + 0.5) * cell
    playing.locator(".cover").click()
    expect(playing).to_have_count(0)
    page.locator("#map-canvas").click(position={"x": 30 + across, "y": box["width"] - 30 - up})
    expect(playing).to_have_count(1)
    assert status(page).inner_text() == said


def test_the_keyboard_zooms_chooses_and_plays(page):
    page.locator("#map-canvas").focus()
    page.keyboard.press("ArrowRight")  # the first arrow goes to the place with the most tracks
    expect(status(page)).to_contain_text("Valence")
    page.keyboard.press("Enter")
    expect(page.locator("#map-tracks .track.is-playing")).to_have_count(1)
    page.keyboard.press("+")
    expect(status(page)).to_contain_text("enlarged 2 times")
    page.keyboard.press("0")
    expect(status(page)).not_to_contain_text("enlarged")
    assert page.evaluate("() => document.activeElement.id") == "map-canvas"


def test_without_javascript_the_list_is_offered(browser, site):
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    open_map(page)
    expect(page.get_by_text("The map needs JavaScript")).to_be_visible()
    expect(page.locator("#map")).to_be_hidden()
    page.get_by_role("main").get_by_role("link", name="The list").click()
    expect(page.get_by_role("heading", name="Browse the catalogue")).to_be_visible()
    page.get_by_label("Emotion").select_option("happy")
    page.get_by_role("button", name="Search").click()
    emotions = page.locator("li.track").evaluate_all("all => all.map(one => one.dataset.emotion)")
    assert set(emotions) == {"happy"}
    page.get_by_role("button", name=re.compile("^Like")).first.click()
    expect(page).to_have_url(re.compile(r"/tracks/\?.*emotion=happy#track-\d+$"))
    expect(page.locator('[aria-pressed="true"]')).to_have_count(1)
    context.close()
