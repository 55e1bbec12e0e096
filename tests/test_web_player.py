"""The player in Chromium: a queue that follows what is really heard, its keys, undo, and a playlist shared by link."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Error, Page, Route, expect

from tests.browser import picture_of
from tests.web_site import NETWORK_WORDS, Complaints, Site, sign_up

PATIENCE_MS = 60_000
TRACKS = 15
# What the browser says of a request that fails on purpose, and htmx of one that is given up for another.
FAILURES = (NETWORK_WORDS, "htmx:afterRequest", "htmx:sendAbort")
# The end of a track, as if all of it had been heard.
NEAR_END = (
    "() => { const audio = document.querySelector('.is-playing audio'); audio.currentTime = audio.duration - 0.3; }"
)
# Safari refuses to play what nobody pressed for just before.
REFUSE = """() => {
    const play = HTMLMediaElement.prototype.play;
    window.refuses = true;
    HTMLMediaElement.prototype.play = function () {
        return window.refuses ? Promise.reject(new DOMException("no press", "NotAllowedError")) : play.call(this);
    };
}"""
# A browser that keeps no data of sites throws when it is asked for them.
KEEP_NOTHING = """Object.defineProperty(window, "localStorage", {
    get() { throw new DOMException("no site data", "SecurityError"); },
});"""
SEE_KEYS = "() => addEventListener('keydown', (event) => { window.taken = event.defaultPrevented; })"
# A hearing of the first track, by a clock that stands still: of its first half, then of a little more some time later.
HEAR_HALF = """async () => {
    const { name } = performance.getEntriesByType("resource").find(({ name }) => name.includes("/hearing"));
    const { Hearing } = await import(name);
    window.now = 0;
    Date.now = () => window.now;
    window.hearing = new Hearing(document.querySelector("li.track"), "audio");
    for (let at = 0; at <= 10; at += 2) hearing.at(at, 20);
}"""
HEAR_MORE = """later => {
    window.now += later;
    hearing.at(hearing.position + 0.25, 20);
    return hearing.noted;
}"""


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
    assert [words for words in complaints.words if not words.startswith(FAILURES)] == []


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


def test_a_track_that_was_stopped_begins_at_its_beginning_again(page):
    cover = page.locator("li.track .cover").first
    cover.click()
    page.wait_for_function("() => document.getElementById('now-progress').value > 1")
    cover.click()
    expect(playing(page)).to_be_hidden()
    assert page.locator("li.track audio").first.evaluate("audio => audio.currentTime") == 0


def test_before_the_first_track_it_begins_again_and_after_the_last_the_focus_is_on_that(page):
    first = titles(page)[0]
    page.get_by_role("button", name="Play from the top").click()
    page.wait_for_function("() => document.getElementById('now-progress').value > 1")
    page.get_by_role("button", name="Previous track").click()
    page.wait_for_function("() => document.getElementById('now-progress').value < 0.9")
    expect(playing(page)).to_have_text(first)
    last = page.locator("li.track .cover").last
    last.click()
    page.get_by_role("button", name="Next track").click()
    expect(playing(page)).to_be_hidden()
    expect(last).to_be_focused()


def test_a_track_that_cannot_be_heard_is_passed_over(page):
    second = titles(page)[1]
    address = page.locator("li.track audio").first.evaluate("audio => audio.src")
    page.route(address, lambda route: route.fulfill(status=404))
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator("#toasts")).to_contain_text("cannot be played here")
    expect(playing(page)).to_have_text(second)


def test_a_track_that_could_not_be_had_plays_at_the_next_press(page):
    first, second = titles(page)[:2]
    track = page.locator("li.track").first
    address = track.locator("audio").evaluate("audio => audio.src")
    page.route(address, lambda route: route.fulfill(status=404))
    track.locator(".cover").click()
    expect(playing(page)).to_have_text(second)
    page.unroute(address)
    track.locator(".cover").click()
    expect(playing(page)).to_have_text(first)
    page.wait_for_function("() => document.getElementById('now-progress').value > 0.2")
    expect(playing(page)).to_have_text(first)


def test_where_two_tracks_in_a_row_cannot_be_heard_the_list_ends(page):
    second = titles(page)[1]
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type == "media" else None)
    page.route("**/audio/**", lambda route: route.fulfill(status=404))
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator("#toasts")).to_contain_text(f"{second} cannot be played here.")
    expect(page.locator("#now-playing")).to_be_hidden()
    assert len(set(asked)) == 2


def test_offline_the_list_ends_at_once_and_says_why(page):
    page.context.set_offline(True)
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator("#toasts")).to_contain_text("emotune cannot be reached. Check your connection.")
    expect(page.locator("#now-playing")).to_be_hidden()
    page.context.set_offline(False)
    page.get_by_role("button", name="Play from the top").click()
    page.wait_for_function("() => document.getElementById('now-progress').value > 0.2")


def expect_the_login(page: Page) -> None:
    """Expect that the session is said to have ended, with a way to log in that comes back here."""
    expect(page.locator("#notices")).to_have_text("You are no longer logged in. Log in again.")
    here = page.url.removeprefix(page.evaluate("location.origin"))
    page.get_by_role("link", name="Log in again.").click()
    expect(page.locator("form input[name=next]").first).to_have_value(here)


def test_a_track_that_a_session_which_ended_cannot_have_leads_to_the_login(page):
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator("#notices")).to_contain_text("You are no longer logged in.")
    expect(page.locator("#now-playing")).to_be_hidden()
    expect(page.locator("#toasts")).to_be_empty()
    expect_the_login(page)


def test_a_listen_that_a_session_which_ended_cannot_note_leads_to_the_login(page):
    page.context.clear_cookies(name="sessionid")
    page.evaluate(HEAR_HALF)
    expect_the_login(page)


def test_what_the_browser_refuses_to_play_waits_for_a_press(page):
    page.evaluate(REFUSE)
    page.get_by_role("button", name="Play from the top").click()
    go_on = page.get_by_role("button", name="Go on playing")
    expect(go_on).to_be_visible()
    page.evaluate("() => { window.refuses = false; }")
    go_on.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".is-playing audio")).to_have_js_property("paused", False)


def test_a_listen_that_cannot_be_noted_is_tried_again_later(page):
    page.route("**/listens/", lambda route: route.fulfill(status=503))
    with page.expect_response("**/listens/"):
        page.evaluate(HEAR_HALF)
    page.wait_for_function("() => !hearing.noted")
    page.unroute("**/listens/")
    assert not page.evaluate(HEAR_MORE, 1)
    [session] = [cookie for cookie in page.context.cookies() if "session" in cookie["name"]]
    page.context.clear_cookies(name=session["name"])
    with page.expect_response("**/listens/") as login:
        assert page.evaluate(HEAR_MORE, 5000)
    assert login.value.status == 302
    page.wait_for_function("() => !hearing.noted")
    page.context.add_cookies([session])
    with page.expect_response("**/listens/") as heard:  # what was heard has a last try when the track is over
        page.evaluate("() => hearing.leave(false)")
    assert heard.value.status == 204


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
    page.get_by_role("button", name="Play from the top").click()
    expect(playing(page)).to_have_text(second)
    page.get_by_role("button", name=f"Never again: take back, {first}").click()
    expect(never).to_have_attribute("aria-pressed", "false")
    never.click()
    page.get_by_role("button", name="Undo").click()
    expect(never).to_have_attribute("aria-pressed", "false")


def test_never_again_while_it_is_paused_lets_nothing_be_heard(page):
    page.get_by_role("button", name="Play from the top").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on playing")).to_be_visible()
    never = page.locator("li.track").first.locator(".never button")
    never.click()
    expect(never).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#now-playing")).to_be_hidden()
    assert page.locator("audio").evaluate_all("all => all.every(audio => audio.paused)")


def test_of_two_thumbs_in_a_hurry_the_last_one_counts_and_both_look_taken(page):
    held: list[Route] = []
    page.route("**/rating/", lambda route: route.continue_() if held else held.append(route))
    like, dislike = page.locator("li.track").first.locator(".rating button").all()
    like.click()
    expect(like).to_have_css("opacity", "0.6")
    expect(dislike).to_have_css("opacity", "0.6")
    dislike.click()
    with suppress(Error):  # it is not waited for any more
        held[0].continue_()
    expect(page.locator("#toasts")).to_contain_text("You do not like")
    expect(dislike).to_have_attribute("aria-pressed", "true")
    expect(dislike).to_have_css("opacity", "1")


def test_an_undo_outlives_the_list_that_it_belongs_to(page):
    first = titles(page)[0]
    page.locator("li.track").first.locator(".rating button").first.click()
    expect(page.locator("#toasts")).to_contain_text(f"You like {first}.")
    page.get_by_text("Choose another mood").click()
    page.get_by_role("button", name="Sad").click()
    expect(page.get_by_role("heading", name="You feel sad")).to_be_focused()
    expect(page.locator("li.track")).to_have_count(TRACKS)
    assert first not in titles(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_have_text("That was undone.")
    expect(page.locator("li.track")).to_have_count(TRACKS)
    page.goto("/history/ratings/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text(first)).to_have_count(0)


def test_a_player_has_the_name_of_its_track_and_its_bar_is_not_printed(page):
    page.get_by_role("button", name="Play from the top").click()
    track = page.locator(".is-playing")
    name = track.evaluate("({ dataset }) => `${dataset.title} by ${dataset.artist}`")
    expect(track.locator("audio")).to_have_accessible_name(name)
    page.emulate_media(media="print")
    expect(page.locator("#now-playing")).to_be_hidden()
    page.emulate_media(media="screen")
    expect(page.locator("#now-playing")).to_be_visible()


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


def test_the_player_works_where_the_browser_keeps_nothing(page):
    page.add_init_script(KEEP_NOTHING)
    page.reload()
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator(".is-playing")).to_have_count(1)
    page.keyboard.press("?")
    page.get_by_label("Use these keys in this browser").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(playing(page)).to_have_text(titles(page)[0])


def test_space_scrolls_where_there_is_nothing_to_play(page):
    page.goto("/captures/new/")
    page.evaluate(SEE_KEYS)
    page.keyboard.press(" ")
    assert page.evaluate("() => window.taken") is False
    page.wait_for_function("() => scrollY > 0")


def test_a_correction_ends_what_plays(page):
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator(".is-playing")).to_have_count(1)
    page.get_by_text("Choose another mood").click()
    page.get_by_role("button", name="Sad").click()
    expect(page.get_by_role("heading", name="You feel sad")).to_be_focused()
    expect(page.locator("#now-playing")).to_be_hidden()


def test_a_link_is_copied_where_the_browser_lends_no_clipboard(page):
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_text("Share by link").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-link")
    expect(link).to_be_focused()
    address = link.input_value()
    copy = page.get_by_role("button", name="Copy")
    copy.click()
    expect(page.locator("#toasts")).to_have_text("The link is copied.")
    page.evaluate("document.execCommand = () => false")
    copy.click()
    expect(page.locator("#toasts")).to_have_text("Copy the link that is selected.")
    expect(link).to_be_focused()
    assert page.evaluate("getSelection().toString()") == address
    page.goto("/tracks/")
    page.get_by_label("Artist").focus()
    page.keyboard.press("Control+V")
    expect(page.get_by_label("Artist")).to_have_value(address)


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
