"""From sign-up to music in a real browser, on emotune as `make run` starts it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import picture_of
from tests.prepared import DEMO
from tests.servers import Launched, wait_until

PATIENCE_MS = 60_000
PLAYS = """async (audio) => {
    await audio.play();
    await new Promise((played) => audio.addEventListener("timeupdate", () => audio.currentTime > 0.2 && played()));
    audio.pause();
    return audio.duration;
}"""


@pytest.fixture(scope="module", params=["built-in", pytest.param("postgresql-and-redis", marks=pytest.mark.short)])
def emotune(request, tmp_path_factory, model, demo_audio) -> Iterator[Launched]:
    addresses = {}
    if request.param != "built-in":
        postgres, redis = request.getfixturevalue("postgres"), request.getfixturevalue("real_redis")
        addresses = {"DATABASE_URL": postgres.url("journey", like=DEMO), "REDIS_URL": redis.url}
    running = Launched(tmp_path_factory.mktemp("journey"), EMOTUNE_AUDIO=str(demo_audio), **addresses)
    running.wait_until_up()
    wait_until("a warm reader", lambda: "The reader is warm" in running.words(), seconds=120)
    yield running
    words = running.words()
    running.stop()
    assert "Traceback" not in words
    assert running.popen.returncode == 0


@pytest.fixture
def page(browser: Browser, emotune: Launched) -> Iterator[Page]:
    context = browser.new_context(base_url=emotune.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert complaints == []


def sign_up(page: Page) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Sign up").click()
    page.get_by_label("E-mail").fill(f"{uuid4().hex}@example.org")
    page.locator("input[name=password1]").fill("a long enough phrase")
    page.get_by_role("button", name="Open the account").click()


def agree(page: Page) -> None:
    expect(page.get_by_role("heading", name="Do you store my picture?")).to_be_visible()
    page.get_by_role("button", name="I agree").click()
    expect(page.get_by_role("heading", name="How do you feel?")).to_be_visible()


def assert_fifteen_tracks_play(page: Page, emotion: str) -> None:
    tracks = page.locator(".playlist li.track")
    expect(tracks).to_have_count(15)
    assert set(tracks.evaluate_all("all => all.map(one => one.dataset.emotion)")) == {emotion}
    sources = page.locator("li.track audio").evaluate_all("all => all.map(one => one.src)")
    assert len(set(sources)) == 15
    for source in sources:
        answer = page.request.get(source, headers={"Range": "bytes=0-1023"})
        assert (answer.status, len(answer.body())) == (206, 1024)
        assert answer.headers["content-type"] == "audio/mpeg"
    assert page.locator("li.track audio").first.evaluate(PLAYS) > 5


def test_a_person_shows_a_happy_face_to_the_camera_and_hears_happy_tracks(page, emotune, request):
    name = request.node.callspec.id
    sign_up(page)
    agree(page)
    picture_of(page, f"{name}-camera-off")
    page.get_by_role("button", name="Turn on the camera").click()
    read = page.get_by_role("button", name="Read my mood")
    read.wait_for()
    picture_of(page, f"{name}-camera-on")
    read.click()
    expect(page.locator("#capture[data-status=done]")).to_be_visible()
    expect(page.get_by_role("heading", name="You look happy")).to_be_visible()
    assert page.locator("table.bars tbody tr").count() == 7
    assert_fifteen_tracks_play(page, "happy")
    picture_of(page, f"{name}-camera-outcome")


def test_a_person_uploads_a_photograph_and_hears_what_fits(page, emotune, data: Path, request):
    sign_up(page)
    agree(page)
    page.get_by_label("A photograph of one face").set_input_files(data / "faces" / "photo02.jpg")
    page.get_by_role("button", name="Read this photograph").click()
    outcome = page.locator("#capture:not([aria-busy])")
    expect(outcome).to_be_visible()
    assert outcome.get_attribute("data-status") in ("done", "unsure")
    if outcome.get_attribute("data-status") == "unsure":
        page.locator("#capture .mood").first.click()
    emotion = page.locator("#capture[data-emotion]").get_attribute("data-emotion")
    assert_fifteen_tracks_play(page, emotion)
    picture_of(page, f"{request.node.callspec.id}-upload-outcome")


def test_without_javascript_a_photograph_is_read_too(browser, emotune, data: Path):
    context = browser.new_context(base_url=emotune.url, java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    sign_up(page)
    agree(page)
    page.get_by_label("A photograph of one face").set_input_files(data / "faces" / "photo02.jpg")
    page.get_by_role("button", name="Read this photograph").click()
    expect(page.locator("#capture:not([aria-busy])")).to_be_visible(timeout=PATIENCE_MS)  # the page loads itself again
    if page.locator("#capture").get_attribute("data-status") == "unsure":
        page.locator("#capture .mood").first.click()
    page.locator(".playlist-slot a").click()
    expect(page.locator("li.track")).to_have_count(15)
    context.close()
