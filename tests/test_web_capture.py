"""The page that takes a picture, in Chromium: its words for what fails, the light, the countdown, what may go wrong."""

import re
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from playwright.sync_api import Browser, Error, Page, Request, Route, StorageState, expect

from detection.models import Capture, Source, Status
from tests.browser import jpeg, smiling_photograph
from tests.web_site import Complaints, Site, fill_in_login, log_in, sign_up

PATIENCE_MS = 60_000
REFUSE = """(name) => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", name));
}"""
CALL_OFF = """() => {
    document.getElementById("camera-take").click();
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
}"""
# A camera of so many pixels that films coloured boxes: the colour, left, top, width, height.
FILM = """([width, height, boxes]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const pen = canvas.getContext("2d");
    setInterval(() => {
        for (const [colour, ...box] of boxes) {
            pen.fillStyle = colour;
            pen.fillRect(...box);
        }
    }, 50);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
}"""
# What lies in the camera's form: of each picture its width, its height and how red it is at its four edges.
FRAMES = """() => Promise.all([...document.getElementById("camera-form").elements.frames.files].map(async (file) => {
    const picture = await createImageBitmap(file);
    const { width, height } = picture;
    const pen = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
    pen.drawImage(picture, 0, 0);
    const edges = [[4, height / 2], [width - 5, height / 2], [width / 2, 4], [width / 2, height - 5]];
    return [width, height, ...edges.map(([x, y]) => pen.getImageData(x, y, 1, 1).data[0])];
}))"""
# The packing of the fourth picture takes as long as somebody needs to press "Not yet".
PRESS_IN_THE_LAST_FRAME = """(fails) => {
    const toBlob = HTMLCanvasElement.prototype.toBlob;
    let begun = 0;
    HTMLCanvasElement.prototype.toBlob = function (done, ...form) {
        begun += 1;
        if (begun < 4) return toBlob.call(this, done, ...form);
        document.getElementById("camera-cancel").click();
        toBlob.call(this, (blob) => {
            done(fails ? null : blob);
            setTimeout(() => { window.isPacked = true; });
        }, ...form);
    };
}"""
# How often the browser was asked for the camera, in all pages of the tab.
COUNT_ASKING = """(() => {
    const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
    if (!ask) return;
    navigator.mediaDevices.getUserMedia = (wishes) => {
        sessionStorage.asked = Number(sessionStorage.asked ?? 0) + 1;
        return ask(wishes);
    };
})()"""
ASKED = "Number(sessionStorage.asked ?? 0)"
# Three counts; with the burst after them it takes 900 ms more.
COUNTDOWN_MS, LONGER_THAN_IT_TAKES_MS = 2400, 4000
LEAVE = """() => {
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
# A camera that is lent only when the page calls `lend`.
LEND_LATER = """() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const lent = new Promise((resolve) => { window.lend = resolve; });
    navigator.mediaDevices.getUserMedia = async (wishes) => {
        await lent;
        return (window.lent = await ask(wishes));
    };
}"""
# Safari knows it from version 16 on.
WITHOUT_REQUEST_SUBMIT = "delete HTMLFormElement.prototype.requestSubmit"
# How many columns a screen reader finds in each row of a table.
COLUMNS = """(table) => [...table.rows].map(({ cells }) => [...cells].filter((cell) => !cell.ariaHidden).length)"""
TIME_LIMIT = """(form) => new Promise((resolve) => {
    form.addEventListener("htmx:beforeSend", (event) => resolve(event.detail.xhr.timeout));
    form.noValidate = true;
    form.requestSubmit();
})"""
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


@pytest.fixture(scope="module")
def session(browser: Browser, site: Site) -> StorageState:
    """Cookies of the one login of this module: an address may log in thirty times a minute."""
    with closing(browser.new_context(base_url=site.url)) as context:
        log_in(context.new_page())
        return context.storage_state()


@pytest.fixture
def page(browser: Browser, site: Site, session: StorageState) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740}, storage_state=session)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    page.goto("/captures/new/")
    yield page
    context.close()


@pytest.fixture
def clock(page: Page):
    """The page's time, which a test may let pass at once."""
    page.clock.install()
    page.reload()
    return page.clock


def captures_of(page: Page) -> int:
    page.goto("/history/moods/")
    return page.locator("li.past").count()


def turn_on(page: Page) -> None:
    page.get_by_role("button", name="Turn on the camera").click()
    page.get_by_role("button", name="Read my mood").wait_for()


def press_read_this_photograph(page: Page) -> None:
    page.get_by_label("A photograph of one face").set_input_files(
        {"name": "face.jpg", "mimeType": "image/jpeg", "buffer": jpeg(smiling_photograph())}
    )
    page.get_by_role("button", name="Read this photograph").click()


def send_a_photograph(page: Page) -> None:
    """Send one of one's own, to wait its turn for as long as a capture is kept: the site has no worker."""
    press_read_this_photograph(page)
    expect(page.get_by_role("heading", name="Your picture is waiting its turn")).to_be_visible()


def sent_by(page: Page) -> list[Request]:
    """Return a list that grows with what the page sends."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    return sent


def let_it_send(page: Page) -> None:
    """Return once all that the page has sent is known: requests are told in their order."""
    page.evaluate("fetch('/healthz').then((answer) => answer.text())")


def held_back(page: Page, path: str) -> list[Route]:
    """Return a list that grows with what the page sends there, and is not answered."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(path, hold)
    return held


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


def test_the_light_is_judged_in_the_oval_that_is_drawn(page):
    # a dark band that the drawn oval just fits into: an oval that is wider sees the light beside it
    page.evaluate(FILM, [1280, 720, [["#fff", 0, 0, 1280, 720], ["#141414", 435, 0, 410, 720]]])
    turn_on(page)
    expect(page.locator("#camera-hint")).to_have_text("It is too dark to read a face. Turn towards a lamp or a window.")


@pytest.mark.parametrize(
    ("width", "height", "seen", "size"),
    [
        (1280, 720, [160, 0, 960, 720], [640, 480]),
        (720, 1280, [0, 370, 720, 540], [640, 480]),
        (320, 240, [0, 0, 320, 240], [320, 240]),
    ],
)
def test_what_is_sent_is_what_the_preview_shows(page, width, height, seen, size):
    page.evaluate(FILM, [width, height, [["#f00", 0, 0, width, height], ["#080", *seen]]])
    page.route("**/captures/", lambda route: route.abort())  # so that the pictures stay on the page
    turn_on(page)
    shown = page.locator("#preview").bounding_box()
    assert shown == pytest.approx(page.locator(".stage").bounding_box())
    page.get_by_role("button", name="Read my mood").click()
    page.get_by_role("button", name="Send again").wait_for()
    frames = page.evaluate(FRAMES)
    assert [frame[:2] for frame in frames] == [size] * 4
    assert max(red for frame in frames for red in frame[2:]) < 60


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


def test_a_countdown_is_called_off(page, clock):
    sent = sent_by(page)
    turn_on(page)
    page.evaluate(CALL_OFF)
    expect(page.get_by_role("button", name="Read my mood")).to_be_focused()
    clock.run_for(LONGER_THAN_IT_TAKES_MS)
    assert page.locator("#camera-count").text_content() == ""
    assert page.locator("#camera-words").text_content() == ""
    expect(page.get_by_role("button", name="Read my mood")).to_be_focused()
    page.get_by_role("button", name="Turn it off").click()
    let_it_send(page)
    assert sent == []
    assert page.url.endswith("/captures/new/")
    assert page.evaluate("document.getElementById('preview').srcObject") is None


@pytest.mark.parametrize("fails", [False, True])
def test_not_yet_in_the_last_frame_is_obeyed(page, fails):
    sent = sent_by(page)
    page.evaluate(PRESS_IN_THE_LAST_FRAME, fails)
    turn_on(page)
    page.get_by_role("button", name="Read my mood").click()
    expect(page.locator("#camera-words")).to_have_text("Hold still …")
    expect(page.get_by_role("button", name="Read my mood")).to_be_focused()
    page.wait_for_function("window.isPacked")
    let_it_send(page)
    assert sent == []
    expect(page.get_by_role("button", name="Read my mood")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("words", ["", "Look at the camera.", "Hold still …"])
def test_a_page_out_of_sight_takes_no_picture(page, clock, words):
    sent = sent_by(page)
    turn_on(page)
    page.locator("#camera-hint.good").wait_for()
    clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)
    if words:
        page.get_by_role("button", name="Read my mood").click()
    if words == "Hold still …":
        clock.run_for(COUNTDOWN_MS)
    expect(page.locator("#camera-words")).to_have_text(words)
    page.evaluate(LEAVE)
    gone = "The camera was turned off: this page was out of sight."
    expect(page.locator("#camera-words")).to_have_text(gone)
    assert page.evaluate("preview.srcObject") is None
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_focused()
    expect(page.locator(".stage .good")).to_have_count(0)
    for _ in range(4):  # the packing of a picture takes time of its own
        clock.run_for(LONGER_THAN_IT_TAKES_MS)
        let_it_send(page)
    assert sent == []
    assert page.locator("#camera-count").text_content() == ""
    assert page.locator("#camera-words").text_content() == gone


def test_a_page_that_was_left_while_the_browser_asked_keeps_no_camera(page):
    page.evaluate(LEND_LATER)
    page.get_by_role("button", name="Turn on the camera").click()
    expect(page.locator("#camera-words")).to_contain_text("If your browser asks, allow it there.")
    page.evaluate(LEAVE)
    page.evaluate("lend()")
    expect(page.locator("#camera-words")).to_contain_text("this page was out of sight")
    assert page.evaluate("lent.getTracks().map((track) => track.readyState)") == ["ended"]


def test_a_mood_that_was_named_while_the_browser_asked_keeps_no_camera(page):
    page.evaluate(LEND_LATER)
    page.get_by_role("button", name="Turn on the camera").click()
    expect(page.locator("#camera-words")).to_contain_text("If your browser asks, allow it there.")
    page.get_by_role("button", name="Happy").click()
    expect(page.locator("li.track").first).to_be_visible()
    page.evaluate("lend()")
    page.wait_for_function("() => window.lent?.getTracks().every((track) => track.readyState === 'ended')")


@pytest.mark.parametrize("name", ["camera", "upload"])
def test_pictures_that_are_sent_too_late_do_not_take_the_place_of_a_mood_that_was_named(page, name):
    held = held_back(page, "**/captures/")
    if name == "camera":
        turn_on(page)
        page.get_by_role("button", name="Read my mood").click()
        expect(page.locator("#camera-words")).to_have_text("Sending. The camera is off.")
    else:
        press_read_this_photograph(page)
    frames = page.locator(f"#{name}-form [name=frames]")
    expect(frames).not_to_have_js_property("files.length", 0)
    with page.expect_event("requestfailed") as given_up:
        page.get_by_role("button", name="Happy").click()
    assert given_up.value.url.endswith("/captures/")
    with suppress(Error):
        held[0].continue_()
    expect(page.locator("li.track").first).to_be_visible()
    expect(page.get_by_role("heading", name="You feel happy")).to_be_focused()
    expect(page.locator("#notices")).to_be_empty()
    assert frames.evaluate("({ files }) => files.length") == 0


def test_a_mood_that_is_named_while_a_photographs_answer_comes_has_the_last_word(page):
    photographs, moods = held_back(page, "**/captures/"), held_back(page, "**/captures/name/")
    press_read_this_photograph(page)
    page.get_by_role("button", name="Happy").click()
    expect(page.locator("#name-form .mood").first).to_have_css("opacity", "0.6")
    photographs[0].continue_()
    expect(page.get_by_role("heading", name="Your picture is waiting its turn")).to_be_visible()
    moods[0].continue_()
    expect(page.get_by_role("heading", name="You feel happy")).to_be_visible()


def test_a_browser_without_request_submit_sends_what_the_camera_took(page):
    page.add_init_script(WITHOUT_REQUEST_SUBMIT)
    page.reload()
    turn_on(page)
    page.get_by_role("button", name="Read my mood").click()
    expect(page.get_by_role("heading", name="Your picture is waiting its turn")).to_be_visible()


def test_a_photograph_that_is_being_sent_is_said_to_be(page):
    held = held_back(page, "**/captures/")
    said = page.locator("#upload-form").get_by_role("status")
    bar = page.get_by_role("progressbar", name="How much of the photograph is sent")
    expect(said).to_have_text("")
    press_read_this_photograph(page)
    expect(said).to_have_text("Sending the photograph …")
    page.evaluate("htmx.trigger('#upload-form', 'htmx:xhr:progress', { lengthComputable: true, loaded: 1, total: 4 })")
    expect(bar).to_have_js_property("value", 0.25)
    held[0].abort()
    expect(said).to_have_text("")
    expect(bar).to_be_hidden()
    expect(page.get_by_role("button", name="Read this photograph")).to_be_focused()


def test_a_screen_reader_finds_each_probability_under_its_heading(page, site):
    page.goto(f"/captures/{site.ids['unsure']}/")
    assert page.locator("table.bars").evaluate(COLUMNS) == [2] * 8


@pytest.mark.parametrize("way", ["reload", "back"])
def test_the_camera_that_try_again_turned_on_stays_off_after_reload_and_back(page, site, way):
    page.add_init_script(COUNT_ASKING)
    page.goto(f"/captures/{site.ids['no_face']}/")
    page.get_by_role("link", name="Try again").click()
    page.get_by_role("button", name="Read my mood").wait_for()
    assert page.evaluate(ASKED) == 1
    if way == "back":
        page.get_by_role("button", name="Happy").click()
        expect(page.get_by_role("heading", name="You feel happy")).to_be_visible()
        page.go_back()
        page.wait_for_load_state()
    else:
        page.reload()
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_visible()
    assert page.evaluate(ASKED) == 1
    assert page.evaluate("preview.srcObject") is None


def test_an_address_that_another_site_may_have_given_turns_no_camera_on(page):
    page.add_init_script(COUNT_ASKING)
    page.goto("about:blank")
    page.goto("/captures/new/#camera")  # as a link from elsewhere: without a referrer
    expect(page).to_have_url(re.compile(r"/captures/new/$"))
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_visible()
    assert page.evaluate(ASKED) == 0
    assert page.evaluate("preview.srcObject") is None


@pytest.mark.parametrize("source", [Source.CAMERA, Source.UPLOAD])
def test_the_light_of_the_camera_is_blamed_for_its_own_pictures_only(page, source):
    now = timezone.now()
    capture = Capture(source=source, status=Status.NO_FACE, created_at=now, finished_at=now)
    answer = render_to_string("detection/_outcome.html", {"capture": capture})
    page.route("**/captures/", lambda route: route.fulfill(body=answer, content_type="text/html"))
    page.evaluate(FILM, [640, 480, [["#141414", 0, 0, 640, 480]]])
    turn_on(page)
    dark = "It is too dark to read a face."
    expect(page.locator("#camera-hint")).to_contain_text(dark)
    if source == Source.CAMERA:
        page.get_by_role("button", name="Read my mood").click()
    else:
        page.get_by_role("button", name="Turn it off").click()
        photograph = {"name": "face.jpg", "mimeType": "image/jpeg", "buffer": b"a wall"}
        page.get_by_label("A photograph of one face").set_input_files(photograph)
        page.get_by_role("button", name="Read this photograph").click()
    expect(page.get_by_role("heading", name="No face was found")).to_be_visible()
    expect(page.locator("#capture").get_by_text(dark)).to_be_visible(visible=source == Source.CAMERA)


@pytest.mark.parametrize("name", ["camera", "upload"])
def test_a_slow_line_has_three_minutes_for_pictures(page, name):
    page.route("**/captures/", lambda route: route.abort())
    assert page.locator(f"#{name}-form").evaluate(TIME_LIMIT) == 180_000


def test_the_mood_that_was_pressed_keeps_the_focus_and_all_look_taken(page):
    held = held_back(page, "**/captures/name/")
    happy = page.get_by_role("button", name="Happy")
    happy.press("Enter")
    for mood in page.locator("#name-form .mood").all():
        expect(mood).to_have_css("opacity", "0.6")
    expect(happy).to_be_focused()
    held[0].abort()
    expect(page.get_by_text("emotune cannot be reached.")).to_be_visible()
    expect(happy).to_have_css("opacity", "1")
    expect(happy).to_be_focused()
    assert len(held) == 1


def test_the_camera_cannot_be_turned_on_while_pictures_are_sent_again(page):
    page.route("**/captures/", lambda route: route.abort())
    turn_on(page)
    page.get_by_role("button", name="Read my mood").click()
    page.get_by_role("button", name="Send again").wait_for()
    page.unroute("**/captures/")
    held = held_back(page, "**/captures/")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_disabled()
    held[0].abort()
    expect(page.get_by_role("button", name="Send again")).to_be_focused()
    expect(page.get_by_role("button", name="Turn on the camera")).to_be_enabled()


def test_the_first_thing_to_press_is_large(page):
    assert page.locator("#camera-start").evaluate("(button) => button.offsetHeight") >= 56


def test_as_many_tracks_are_promised_as_one_set(page):
    page.context.clear_cookies()
    sign_up(page)
    expect(page.get_by_text("15 tracks follow that fit.")).to_be_visible()
    page.goto("/account/preferences/")
    page.locator("input[name=tracks]").fill("20")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("20 tracks in a playlist")).to_be_visible()
    page.goto("/captures/new/")
    expect(page.get_by_text("20 tracks follow that fit.")).to_be_visible()


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


def test_offline_while_waiting_it_goes_on_by_itself(page):
    send_a_photograph(page)
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


def test_nothing_moves_for_those_who_want_it_so(page):
    send_a_photograph(page)
    bar = page.locator(".pulse i").first
    expect(bar).to_have_css("animation-name", "pulse")
    page.emulate_media(reduced_motion="reduce")
    expect(bar).to_have_css("animation-name", "none")


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
