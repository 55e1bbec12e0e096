"""The player in Chromium: a queue that follows what is really heard, its keys, undo, and a playlist shared by link."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import picture_of
from tests.web_site import NETWORK_WORDS, Complaints, Site, sign_up

PATIENCE_MS = 60_000
TRACKS = 15
# The end of a track, as if all of it had been heard.
NEAR_END = (
    "() => { const audio = document.querySelector('.is-playing audio'); audio.currentTime = audio.duration - 0.3; }"
)


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    complaints = Complaints(page)
    sign_up(page)
    page.goto("/captures/new/?camera=no")
    page.get_by_role("button", name="Happy").click()
    expect(page.locator("li.track")).to_have_count(TRACKS)
    yield page
    context.close()
    assert [words for words in complaints.words if NETWORK_WORDS not in words] == []


def titles(page: Page) -> list[str]:
    found: list[str] = page.locator("li.track").evaluate_all("all => all.map(one => one.dataset.title)")
    return found


def playing(page: Page):
    return page.locator("#now-title")


def test_the_queue_goes_on_when_a_track_ends(page):
    first, second = titles(page)[:2]
    page.get_by_role("button", name="Play from the top").click()
    expect(playing(page)).to_have_text(first)
    expect(page.locator(".is-playing audio")).to_have_js_property("paused", False)
    page.wait_for_function("() => document.querySelector('.is-playing audio').duration > 1")
    page.evaluate(NEAR_END)
    expect(playing(page)).to_have_text(second)
    expect(page.locator(".is-playing")).to_have_count(1)
    picture_of(page, "player")


def test_a_track_left_early_is_a_skip_and_one_heard_by_half_a_listen(page):
    page.get_by_role("button", name="Play from the top").click()
    page.wait_for_function("() => document.getElementById('now-progress').value > 1.2")
    with page.expect_request("**/skips/") as skipped:
        page.get_by_role("button", name="Next track").click()
    assert float(skipped.value.post_data.partition('name="seconds"')[2].split()[0]) >= 1
    with page.expect_response("**/listens/") as heard:
        page.evaluate("() => { document.querySelector('.is-playing audio').playbackRate = 4; }")
    assert heard.value.status == 204


def test_a_track_that_cannot_be_heard_is_passed_over(page):
    second = titles(page)[1]
    address = page.locator("li.track audio").first.evaluate("audio => audio.src")
    page.route(address, lambda route: route.fulfill(status=404))
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator("#toasts")).to_contain_text("cannot be played here")
    expect(playing(page)).to_have_text(second)


def test_the_keys_play_rate_and_undo(page):
    first, second = titles(page)[:2]
    page.get_by_role("heading", name="You feel happy").focus()
    page.keyboard.press(" ")
    expect(playing(page)).to_have_text(first)
    page.keyboard.press("n")
    expect(playing(page)).to_have_text(second)
    page.keyboard.press("p")
    expect(playing(page)).to_have_text(first)
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Go on playing")).to_be_visible()
    like = page.locator("li.track").first.locator(".rating button").first
    page.keyboard.press("l")
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#toasts")).to_contain_text(f"You like {first}.")
    page.keyboard.press("u")
    expect(like).to_have_attribute("aria-pressed", "false")


def test_never_again_goes_on_to_the_next_and_is_undone_by_one_press(page):
    first, second = titles(page)[:2]
    page.get_by_role("button", name="Play from the top").click()
    expect(playing(page)).to_have_text(first)
    page.keyboard.press("x")
    expect(playing(page)).to_have_text(second)
    page.reload()
    never = page.locator("li.track").first.locator(".never button")
    expect(never).to_have_attribute("aria-pressed", "true")
    never.click()
    expect(never).to_have_attribute("aria-pressed", "false")
    never.click()
    page.get_by_role("button", name="Undo").click()
    expect(never).to_have_attribute("aria-pressed", "false")


def test_the_keys_are_listed_and_can_be_switched_off(page):
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.get_by_label("Use these keys in this browser").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="You feel happy").focus()
    page.keyboard.press("n")
    page.keyboard.press(" ")
    expect(page.locator("#now-playing")).to_be_hidden()
    page.reload()
    expect(page.get_by_label("Use these keys in this browser")).not_to_be_checked()


def test_a_correction_ends_what_plays(page):
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator(".is-playing")).to_have_count(1)
    page.get_by_text("Choose another mood").click()
    page.get_by_role("button", name="Sad").click()
    expect(page.get_by_role("heading", name="You feel sad")).to_be_focused()
    expect(page.locator("#now-playing")).to_be_hidden()


def test_a_playlist_is_shared_with_a_stranger_and_taken_back(page, browser):
    page.get_by_text("Share by link").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-link")
    expect(link).to_be_focused()
    address = link.input_value()
    context = browser.new_context(java_script_enabled=False)
    stranger = context.new_page()
    stranger.goto(address)
    assert stranger.locator("li.track").count() == TRACKS
    page.get_by_role("button", name="Take the link back").click()
    expect(page.get_by_role("button", name="Make a link")).to_be_visible()
    stranger.reload()
    assert "There is nothing here" in stranger.content()
    context.close()
