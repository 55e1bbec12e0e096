"""By keyboard alone, on a narrow screen: from the first page to music that is rated, kept out, and looked back on."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.showcase import PASSWORD
from tests.web_site import NETWORK_WORDS, Complaints, Site, sign_up

PATIENCE_MS = 60_000
# More presses of Tab than any page has places for it before the one that is wanted.
MOST_TABS = 60
IS_SEEN = """place => {
    const { left, top, width, height } = place.getBoundingClientRect();
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    const ring = getComputedStyle(place).outlineStyle;
    return place.contains(there) && (ring !== "none" || place.matches("input"));
}"""

# every step of a long way
pytestmark = pytest.mark.short


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    complaints = Complaints(page)
    yield page
    context.close()
    assert [words for words in complaints.words if NETWORK_WORDS not in words] == []


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the wanted place has the focus, which has to be seen there: marked, and under nothing else."""
    wanted.wait_for()
    for _ in range(MOST_TABS):
        if wanted.evaluate("place => place === document.activeElement"):
            assert wanted.evaluate(IS_SEEN), f"{wanted} has the focus out of sight"
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{MOST_TABS} presses of Tab do not lead to {wanted}")


def press(page: Page, wanted: Locator) -> None:
    tab_to(page, wanted)
    page.keyboard.press("Enter")


def menu(page: Page, name: str) -> None:
    """Open a page by the menu at the top, from the beginning of the page that is there."""
    page.reload()  # the focus begins anew
    press(page, page.get_by_role("button", name="Menu"))
    press(page, page.locator("#menu").get_by_role("link", name=name, exact=True))


def test_a_stranger_comes_to_music_and_looks_back(page):
    page.goto("/")
    main = page.get_by_role("main")
    press(page, main.get_by_role("link", name="Sign up"))
    tab_to(page, page.get_by_label("E-mail"))
    page.keyboard.type(f"{uuid4().hex}@example.org")
    tab_to(page, page.locator("input[name=password1]"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    press(page, main.get_by_role("button", name="I agree"))
    press(page, main.get_by_role("button", name="Happy"))
    expect(page.get_by_role("heading", name="You feel happy")).to_be_focused()
    expect(page).to_have_title("What emotune read · emotune")
    track = page.locator("li.track").first
    title = track.get_attribute("data-title") or ""
    press(page, track.locator(".cover"))
    expect(page.locator("#now-title")).to_have_text(title)
    press(page, track.locator(".rating button").first)
    expect(track.locator(".rating button").first).to_have_attribute("aria-pressed", "true")
    press(page, page.locator("li.track").nth(1).locator(".never button"))
    expect(page.locator("li.track").nth(1).locator(".never button")).to_have_attribute("aria-pressed", "true")
    press(page, page.get_by_text("Share by link"))
    press(page, page.get_by_role("button", name="Make a link"))
    expect(page.locator("#share-link")).to_be_focused()
    menu(page, "Journal")
    expect(page.get_by_role("heading", name="Most often happy")).to_be_visible()
    menu(page, "History")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    menu(page, "Journeys")
    press(page, main.get_by_role("button", name="Find the way"))
    expect(page.locator("li.track").first).to_be_visible()


def test_a_page_that_asks_by_itself_leaves_the_focus_outlives_a_failure_and_says_when_it_is_over(page):
    sign_up(page)
    # their consoles tell what fails or is given up on purpose
    other, third = page.context.new_page(), page.context.new_page()
    other.clock.install()
    other.goto("/history/import/")
    other.get_by_label("The exported file").set_input_files(
        {"name": "listens.jsonl", "mimeType": "application/json", "buffer": b"{}"}
    )
    other.get_by_role("button", name="Import").click()
    cancel = other.get_by_role("button", name="Cancel")
    cancel.focus()
    looks = "**/history/import/*/?seen=*"
    other.route(looks, lambda route: route.abort())
    expect(other.locator("#notices")).to_contain_text("emotune cannot be reached")
    # a look that has seen nothing is answered by the whole fragment
    other.evaluate("document.querySelector('li.import').dataset.old = '1'")
    other.unroute(looks)
    other.route(looks, lambda route: route.continue_(url=route.request.url.partition("?")[0]))
    expect(other.locator("li.import:not([data-old])")).to_be_visible()
    expect(cancel).to_be_focused()
    expect(other.locator("#notices")).to_be_empty()
    other.unroute(looks)
    third.goto("/history/import/")
    third.get_by_role("button", name="Cancel").click()
    expect(third.get_by_role("heading", name="listens.jsonl")).to_be_focused()
    expect(other.locator("#toasts")).to_have_text("The import of listens.jsonl was cancelled.")
    other.clock.fast_forward(13_000)
    expect(other.locator("#toasts")).to_be_empty()


def test_the_first_press_of_tab_offers_to_skip_the_menu(page):
    page.goto("/about/")
    page.keyboard.press("Tab")
    skip = page.locator("a.skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main, footer') !== null")
