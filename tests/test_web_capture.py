"""The page that takes a picture, in Chromium: its words for what fails, the light, the countdown, what may go wrong."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web_site import Complaints, Site, fill_in_login, log_in, sign_up

PATIENCE_MS = 60_000
REFUSE = """(name) => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", name));
}"""
CALL_OFF = """() => {
    document.getElementById("camera-take").click();
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
}"""
# A picture of one grey, or of stripes: what light.js says of it.
JUDGE = """async ([inside, outside, stripes]) => {
    const { judge, measure } = await import("/static/js/light.js");
    const [width, height] = [192, 144];
    const data = new Uint8ClampedArray(4 * width * height);
    for (let i = 0; i < width * height; i += 1) {
        const [x, y] = [i % width / width - 0.5, Math.floor(i / width) / height - 0.49];
        const isInside = (x / 0.21) ** 2 + (y / 0.37) ** 2 <= 1;
        const grain = stripes ? (i % 4 < 2 ? stripes : -stripes) : 40 * Math.sin(x * 12);
        data.fill((isInside ? inside : outside) + grain, 4 * i, 4 * i + 3);
    }
    return judge(measure({ data, width, height }));
}"""


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    log_in(page)
    yield page
    context.close()


def captures_of(page: Page) -> int:
    page.goto("/history/moods/")
    return page.locator("li.past").count()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NotFoundError", "No camera was found"),
        ("NotAllowedError", "does not let emotune use the camera"),
        ("NotReadableError", "Another program is using the camera"),
        ("TypeError", "The camera did not start"),
    ],
)
def test_a_camera_that_does_not_start_is_explained(page, error, words):
    page.evaluate(REFUSE, error)
    page.get_by_role("button", name="Turn on the camera").click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_visible()


def test_a_camera_that_is_unplugged_is_explained(page):
    page.get_by_role("button", name="Turn on the camera").click()
    page.get_by_role("button", name="Read my mood").wait_for()
    page.evaluate("preview.srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("alert")).to_contain_text("switched off or unplugged")
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_focused()
    assert page.evaluate("preview.srcObject") is None


def test_a_file_that_is_no_picture_is_explained_where_one_looks(page):
    page.get_by_label("A photograph of one face").set_input_files(
        {"name": "face.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    )
    page.get_by_role("button", name="Read this photograph").click()
    said = page.locator("#notices .notice")
    expect(said).to_be_visible()
    expect(said).to_be_in_viewport()


def test_an_insecure_address_is_named_before_anything_is_pressed(page):
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("secure addresses only")
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_hidden()
    expect(page.get_by_role("button", name="Read this photograph")).to_be_visible()


@pytest.mark.parametrize(
    ("inside", "outside", "stripes", "word"),
    [
        (20, 20, 10, "dark"),
        (70, 190, 40, "behind"),
        (240, 120, 14, "bright"),
        (120, 120, 0, "blurred"),
        (120, 120, 40, "good"),
    ],
)
def test_the_light_is_judged(page, inside, outside, stripes, word):
    assert page.evaluate(JUDGE, [inside, outside, stripes]) == word


def test_by_keyboard_alone_a_face_is_sent_and_the_focus_follows(page):
    complaints = Complaints(page)
    page.get_by_role("button", name="Turn on the camera").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Read my mood")).to_be_focused()
    expect(page.locator("#camera-hint")).to_have_text("Light and sharpness are good.")
    page.keyboard.press("Enter")
    expect(page.locator("#camera-count")).to_have_text("3")
    expect(page.get_by_role("heading", name="Your picture is waiting its turn")).to_be_focused()
    assert re.search(r"/captures/[0-9a-f-]{36}/$", page.url)
    expect(page.get_by_text("Received, encrypted, held in memory only")).to_be_visible()
    assert complaints.words == []


def test_a_countdown_is_called_off(page):
    page.get_by_role("button", name="Turn on the camera").click()
    page.get_by_role("button", name="Read my mood").wait_for()
    page.evaluate(CALL_OFF)
    expect(page.get_by_role("button", name="Read my mood")).to_be_focused()
    page.get_by_role("button", name="Turn it off").click()
    page.wait_for_timeout(1500)
    assert page.url.endswith("/captures/new/")
    assert page.evaluate("document.getElementById('preview').srcObject") is None


def test_offline_in_mid_capture_nothing_is_lost(page):
    page.context.clear_cookies()
    sign_up(page)
    page.get_by_role("button", name="Turn on the camera").click()
    page.get_by_role("button", name="Read my mood").wait_for()
    page.context.set_offline(True)
    page.get_by_role("button", name="Read my mood").click()
    expect(page.get_by_text("emotune cannot be reached.")).to_be_visible()
    again = page.get_by_role("button", name="Send again")
    expect(again).to_be_focused()
    page.context.set_offline(False)
    again.click()
    expect(page.locator("#capture")).to_be_visible()
    assert captures_of(page) == 1


def test_offline_while_waiting_it_goes_on_by_itself(page, site):
    page.goto(f"/captures/{site.ids['queued']}/")
    page.context.set_offline(True)
    expect(page.get_by_text("emotune cannot be reached.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("emotune cannot be reached.")).to_be_hidden()


def test_a_session_that_ends_in_mid_capture_leads_to_the_login_and_back(page):
    page.get_by_role("button", name="Turn on the camera").click()
    page.get_by_role("button", name="Read my mood").wait_for()
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Read my mood").click()
    expect(page.get_by_text("You are no longer logged in, so that was not done.")).to_be_visible()
    fill_in_login(page)
    expect(page).to_have_url(re.compile("/captures/new/$"))


def test_without_javascript_too(browser, site):
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    log_in(page)
    expect(page.get_by_text("The live camera needs JavaScript.")).to_be_visible()
    page.goto("/captures/new/?camera=no")
    context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Sad").click()
    expect(page.get_by_text("You are no longer logged in, so that was not done.")).to_be_visible()
    fill_in_login(page)
    expect(page).to_have_url(re.compile(r"/captures/new/\?camera=no$"))
    page.get_by_role("button", name="Sad").click()
    expect(page.get_by_role("heading", name="You feel sad")).to_be_visible()
    context.close()


def test_a_double_click_names_one_mood(page):
    page.context.clear_cookies()
    sign_up(page)
    page.goto("/captures/new/?camera=no")
    page.get_by_role("button", name="Happy").dblclick()
    expect(page.get_by_role("heading", name="You feel happy")).to_be_visible()
    assert captures_of(page) == 1


def test_a_double_click_on_the_cameras_buttons_is_one_press(page):
    page.context.clear_cookies()
    sign_up(page)
    page.get_by_role("button", name="Turn on the camera").dblclick()
    page.get_by_role("button", name="Read my mood").dblclick()
    expect(page.get_by_role("heading", name="Your picture is waiting its turn")).to_be_visible()
    assert captures_of(page) == 1


def test_of_two_tabs_that_put_the_same_mood_right_the_last_one_is_believed(page):
    page.goto("/captures/new/?camera=no")
    page.get_by_role("button", name="Happy").click()
    expect(page.get_by_role("heading", name="You feel happy")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    for tab, mood, adjective in ((page, "Sad", "sad"), (other, "Afraid", "afraid")):
        tab.get_by_text("Choose another mood").click()
        tab.get_by_role("button", name=mood).click()
        expect(tab.get_by_role("heading", name=f"You feel {adjective}")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="You feel afraid")).to_be_visible()


def test_nothing_moves_for_those_who_want_it_so(page, site):
    page.goto(f"/captures/{site.ids['queued']}/")
    bar = page.locator(".pulse i").first
    assert bar.evaluate("(bar) => getComputedStyle(bar).animationName") == "pulse"
    page.emulate_media(reduced_motion="reduce")
    assert bar.evaluate("(bar) => getComputedStyle(bar).animationName") == "none"


def test_back_forward_and_reload_show_what_was_there(page):
    page.goto("/captures/new/?camera=no")
    page.get_by_role("button", name="Happy").click()
    heading = page.get_by_role("heading", name="You feel happy")
    expect(heading).to_be_visible()
    page.reload()
    expect(heading).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="How do you feel?")).to_be_visible()
    expect(page.locator("#capture")).to_have_count(0)
    page.wait_for_load_state()  # going back loads the page anew: its script must be there to hear of going forward
    page.go_forward()
    expect(heading).to_be_visible()
    expect(page.locator("li.track").first).to_be_visible()


def test_a_face_that_waits_outlives_reload_back_forward_and_a_second_tab(page):
    page.context.clear_cookies()
    sign_up(page)
    waiting = "Your picture is waiting its turn"
    other = page.context.new_page()
    other.goto("/captures/new/")
    for tab in (page, other):
        tab.bring_to_front()
        tab.get_by_role("button", name="Turn on the camera").click()
        tab.get_by_role("button", name="Read my mood").click()
        expect(tab.get_by_role("heading", name=waiting)).to_be_visible()
    assert page.url != other.url
    page.bring_to_front()
    page.reload()
    expect(page.get_by_role("heading", name=waiting)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_visible()
    expect(page.locator("#capture")).to_have_count(0)
    page.wait_for_load_state()  # going back loads the page anew: its script must be there to hear of going forward
    page.go_forward()
    expect(page.get_by_role("heading", name=waiting)).to_be_visible()
    assert captures_of(page) == 2


def test_a_tab_that_was_open_before_another_one_logged_in_still_works(page):
    page.goto("/captures/new/?camera=no")
    other = page.context.new_page()
    other.goto("/account/")
    other.get_by_role("button", name="Log out").click()
    log_in(other)  # the secret of forms is another one now
    page.get_by_role("button", name="Neutral").click()
    expect(page.get_by_role("heading", name="You feel neutral")).to_be_visible()
    assert page.evaluate("document.cookie").count("csrftoken") == 1
