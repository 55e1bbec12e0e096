"""What is around every page, in a browser: its menu, what it says of a press, its time limit, and old browsers."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.web_site import Site, log_in

# What no browser knows, in place of what those before Chrome 120 and Safari 17 do not know.
UNKNOWN_MEDIA = "(spoken-aloud:"
BOXES = "all => all.map((one) => one.getBoundingClientRect().toJSON())"
# The map, once all that it was told to draw is drawn.
DRAWN = """() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
    resolve(document.getElementById("map-canvas").toDataURL());
})))"""

# half a minute and more in a browser
pytestmark = pytest.mark.short


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=site.url, viewport={"width": 640, "height": 360}, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    log_in(page)
    return page


def forget_scripting(context: BrowserContext) -> None:
    """Let the browser's styles not know whether scripts run."""

    def answer(route: Route) -> None:
        given = route.fetch()
        route.fulfill(response=given, body=given.text().replace("(scripting:", UNKNOWN_MEDIA))

    context.route("**/*.css", answer)


def test_the_menu_is_scrolled_to_its_end_on_a_low_screen(page):
    page.get_by_role("button", name="Menu").click()
    menu = page.locator("#menu")
    box = menu.bounding_box()
    assert box["y"] + box["height"] <= 360
    account = menu.get_by_role("link", name="Account")
    expect(account).not_to_be_in_viewport()
    menu.hover()
    page.mouse.wheel(0, 1000)
    expect(account).to_be_in_viewport(ratio=1)
    account.click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("main").get_by_role("link", name="Log in")).to_be_visible()


def test_the_menu_marks_the_section_of_a_page_below_it(page, site):
    for path, section, word in (
        ("/history/", "History", "page"),
        ("/history/ratings/", "History", "true"),
        ("/history/moods/", "History", "true"),
        ("/history/never/", "History", "true"),
        ("/history/import/", "History", "true"),
        (f"/journeys/{site.ids['playlist_id']}/", "Journeys", "true"),
        ("/account/tokens/", "Account", "true"),
        ("/map/", "Map", "page"),
    ):
        page.goto(path)
        marked = page.locator("#menu [aria-current]")
        expect(marked).to_have_text(section)
        expect(marked).to_have_attribute("aria-current", word)


def test_an_undo_leaves_the_focus_where_it_was(page, site):
    page.goto(f"/captures/{site.ids['capture_id']}/playlist/")
    like = page.locator("li.track").first.locator(".rating button").first
    before = like.get_attribute("aria-pressed")
    like.focus()
    page.keyboard.press("Enter")
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(undo).to_be_focused()
    ring = undo.evaluate("one => getComputedStyle(one).outlineColor")
    assert ring == page.locator(".toast").evaluate("one => getComputedStyle(one).color")
    page.keyboard.press("Enter")
    expect(like).to_have_attribute("aria-pressed", before)
    expect(like).to_be_focused()


def test_a_request_without_an_answer_ends_in_words(page, site):
    page.goto(f"/captures/{site.ids['capture_id']}/playlist/")
    assert page.evaluate("() => htmx.config.timeout") == 20_000
    page.evaluate("() => { htmx.config.timeout = 500; }")
    page.route("**/rating/", lambda route: None)
    page.locator("li.track").first.locator(".rating button").first.click()
    expect(page.locator("#notices")).to_contain_text("emotune cannot be reached.")


def test_a_browser_that_cannot_tell_whether_scripts_run_has_the_camera_the_player_and_the_map(page, site):
    forget_scripting(page.context)
    page.goto("/captures/new/")
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_visible()
    expect(page.get_by_text("The live camera needs JavaScript.")).to_be_hidden()
    page.goto(f"/captures/{site.ids['capture_id']}/playlist/")
    track = page.locator("li.track").first
    expect(track.locator("audio")).to_be_hidden()
    track.locator(".cover").click()
    expect(page.locator("#now-title")).to_be_visible()
    page.goto("/map/")
    expect(page.locator("#map-canvas")).to_be_visible()
    expect(page.get_by_text("The map needs JavaScript")).to_be_hidden()


def test_a_map_that_could_not_be_loaded_says_so_until_it_is_there(page, site):
    page.goto("/map/")
    expect(page.locator("#map-status")).to_contain_text("in view")
    page.route("**/map/bins/?*", lambda route: route.abort())
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator("#notices")).to_contain_text("The map could not be loaded.")
    page.unroute("**/map/bins/?*")
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator("#map-status")).to_contain_text("enlarged 2 times")
    expect(page.locator("#notices")).to_be_empty()


def test_what_was_dragged_stays_where_it_was_let_go_until_its_cells_are_there(page, site):
    page.goto("/map/")
    expect(page.locator("#map-status")).to_contain_text("in view")
    held: list[Route] = []
    asked: list[str] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/map/bins/?*", hold)
    page.on("request", lambda request: asked.append(request.url))
    canvas = page.locator("#map-canvas")
    canvas.hover(position={"x": 200, "y": 100})  # where it is in view
    box = canvas.bounding_box()
    x, y = box["x"] + 200, box["y"] + 100
    page.mouse.down()
    page.mouse.move(x + 60, y)
    with page.expect_request("**/map/bins/?*"):
        page.mouse.up()
    drawn = page.evaluate(DRAWN)
    page.mouse.move(x - 60, y)
    assert page.evaluate(DRAWN) == drawn
    assert len(held) == 1
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 60)
    rows = page.locator("#map-rows tr")
    rows.first.evaluate("row => { row.dataset.isOld = true; }")
    held[0].continue_()  # the answer to the first drag comes in the middle of a second one
    expect(page.locator("#map-rows [data-is-old]")).to_have_count(0)
    expect(rows.first).to_be_attached()
    with page.expect_request("**/map/bins/?*"):
        page.mouse.up()
    page.evaluate("fetch('/healthz').then((answer) => answer.text())")  # what was sent before is told before
    assert not [url for url in asked if "area=" in url], "the second drag was taken for a click"
    expect(page.locator("#map-tracks")).to_be_empty()
    held[1].continue_()


@pytest.mark.parametrize("can_tell", [True, False])
def test_without_scripts_there_are_words_and_the_plain_player(browser, site, can_tell):
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    log_in(page)
    if not can_tell:
        forget_scripting(context)
        page.reload()
    expect(page.get_by_text("The live camera needs JavaScript.")).to_be_visible()
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_visible(visible=not can_tell)
    page.goto(f"/captures/{site.ids['capture_id']}/playlist/")
    expect(page.locator("li.track").first.locator("audio")).to_be_visible()
    page.goto("/history/")
    expect(page.get_by_label("All of this page")).to_be_visible(visible=not can_tell)
    page.goto("/map/")
    expect(page.get_by_text("The map needs JavaScript")).to_be_visible()
    context.close()


def test_names_on_the_way_of_a_journey_lie_inside_the_drawing_and_on_no_words_of_its_axes(page, site):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"/journeys/{site.ids['playlist_id']}/")
    [frame] = page.locator(".plane svg").evaluate_all(BOXES)
    [words] = page.locator(".plane .axis").filter(has_text=re.compile("arousal")).evaluate_all(BOXES)
    names = page.locator(".plane .centre").evaluate_all(BOXES)
    assert len(names) > 1
    for name in names:
        assert frame["left"] <= name["left"], name
        assert name["right"] <= frame["right"], name
        assert frame["top"] <= name["top"], name
        assert name["left"] >= words["right"] or not words["top"] < name["bottom"] < words["bottom"], name
