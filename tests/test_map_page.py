"""The map in a real browser, over the demonstration: choosing by mouse and by keyboard, and without a script."""

import contextlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, Position, expect

from tests.browser import picture_of
from tests.web_site import NETWORK_WORDS, Site, sign_up

PATIENCE_MS = 30_000
# What the browser and htmx say of a request that fails, or that another one takes the place of.
FAILURES = (NETWORK_WORDS, "Response Status Error Code", "htmx:")
PRESS = "places => places.forEach(place => document.querySelectorAll('#map-rows button')[place].click())"


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900}, has_touch=True)
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
    assert [words for words in complaints if not words.startswith(FAILURES)] == []


def open_map(page: Page) -> None:
    sign_up(page)
    page.goto("/map/")


def status(page: Page):
    return page.locator("#map-status")


def place(page: Page, row: int) -> list[str]:
    """Return the valence and the arousal of a row of the table."""
    return page.locator("#map-rows tr").nth(row).locator("td").all_text_contents()[:2]


def on_canvas(page: Page, valence: float, arousal: float) -> Position:
    """Return where a place of the whole map is drawn, by where it begins."""
    box = page.locator("#map-canvas").bounding_box()
    assert box
    cell = (box["width"] - 30) / 37
    return {"x": 30 + (valence * 4 + 0.5) * cell, "y": box["width"] - 30 - (arousal * 4 + 0.5) * cell}


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
    playing.locator(".cover").click()
    expect(playing).to_have_count(0)
    page.locator("#map-canvas").click(position=on_canvas(page, valence, arousal))
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


def test_of_two_quick_choices_the_last_plays(page):
    held = []

    def hold(route):
        held.append(route)
        if len(held) > 1:
            route.continue_()

    page.route("**/tracks/?*", hold)
    page.evaluate(PRESS, [0, 1])
    expect(status(page)).to_contain_text("plays now")
    with contextlib.suppress(Error):  # it is not waited for any more
        held[0].continue_()
    playing = page.locator("#map-tracks .track.is-playing")
    expect(playing).to_have_count(1)
    valence, arousal = place(page, 1)
    expect(status(page)).to_contain_text(f"Valence {valence}, arousal {arousal}:")
    expect(page.locator("#found-title")).to_contain_text(f"of valence {valence} and arousal {arousal}")


def test_a_choice_that_fails_leaves_nothing_of_another_place(page):
    playing = page.locator("#map-tracks .track.is-playing")
    page.evaluate(PRESS, [0])
    expect(playing).to_have_count(1)
    for fail in (lambda route: route.fulfill(status=503), lambda route: route.abort()):
        page.route("**/tracks/?*", fail)
        page.evaluate(PRESS, [1])
        expect(page.locator("#notices")).to_contain_text(re.compile("does not answer|cannot be reached"))
        expect(page.locator("#map-tracks")).to_be_empty()
        expect(page.locator("#now-playing")).to_be_hidden()
        expect(status(page)).to_contain_text("Valence")
        expect(status(page)).not_to_contain_text("played here")
        page.unroute("**/tracks/?*")
        page.evaluate(PRESS, [0])
        expect(playing).to_have_count(1)
        expect(page.locator("#notices")).to_be_empty()


def test_ratings_in_a_chosen_place_do_not_wait_for_each_other(page):
    page.evaluate(PRESS, [0])
    expect(page.locator("#map-tracks .track.is-playing")).to_have_count(1)
    expect(page.locator(".htmx-settling")).to_have_count(0)  # from then on its forms are sent by htmx
    likes = page.locator('#map-tracks [id^="like"]')
    number_of_tracks = likes.count()
    assert number_of_tracks > 1
    likes.evaluate_all("all => all.forEach(like => like.click())")
    expect(page.locator('#map-tracks [id^="like"][aria-pressed="true"]')).to_have_count(number_of_tracks)


def test_what_is_chosen_keeps_its_place_whether_a_zoom_succeeds_or_not(page):
    page.locator("#map-canvas").focus()
    page.keyboard.press("ArrowRight")
    said = status(page).inner_text()
    page.route("**/map/bins/*", lambda route: route.fulfill(status=503))
    page.keyboard.press("+")
    expect(page.locator("#notices")).to_contain_text("could not be loaded")
    page.unroute("**/map/bins/*")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(status(page)).to_have_text(said)
    page.keyboard.press("+")
    expect(status(page)).to_contain_text("enlarged 2 times")
    page.keyboard.press("0")
    expect(status(page)).not_to_contain_text("enlarged")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    expect(status(page)).to_have_text(said)


def test_a_tap_plays_after_the_map_was_dragged_by_a_mouse(page):
    canvas = page.locator("#map-canvas")
    most = place(page, 0)
    canvas.hover()
    page.mouse.down()
    page.mouse.move(600, 400, steps=4)
    with page.expect_response("**/map/bins/*"):
        page.mouse.up()
    # the whole map cannot be moved: all is where it was
    canvas.tap(position=on_canvas(page, *(float(text.split(" to ")[0]) for text in most)))
    expect(page.locator("#map-tracks .track.is-playing")).to_have_count(1)


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
    page.wait_for_url("**emotion=happy**")
    emotions = page.locator("li.track").evaluate_all("all => all.map(one => one.dataset.emotion)")
    assert set(emotions) == {"happy"}
    page.get_by_role("button", name=re.compile("^Like")).first.click()
    expect(page).to_have_url(re.compile(r"/tracks/\?.*emotion=happy#track-\d+$"))
    expect(page.locator('[aria-pressed="true"]')).to_have_count(1)
    context.close()
