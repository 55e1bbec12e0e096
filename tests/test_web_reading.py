"""What a person is told of the face that the camera saw, by a real reader: none, several, too dark a room, in doubt."""

import contextlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageOps
from playwright.sync_api import Page, expect

from detection.vision.framing import framed
from detection.vision.reader import Reader
from tests.browser import HEIGHT, WIDTH, chromium, dimmed, jpeg, picture_of
from tests.servers import Launched, wait_until
from tests.web_site import Complaints, overflow, sign_up, violations

PATIENCE_MS = 60_000
# Faces that people themselves disagree on are looked through for one that the reader is in doubt about.
TRIED = 1000

# a Chromium for each test
pytestmark = pytest.mark.short

Shown = Callable[[Image.Image], contextlib.AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def emotune(tmp_path_factory, model, demo_audio) -> Iterator[Launched]:
    running = Launched(tmp_path_factory.mktemp("reading"), EMOTUNE_AUDIO=str(demo_audio))
    running.wait_until_up()
    wait_until("a warm reader", lambda: "The reader is warm" in running.words(), seconds=120)
    yield running
    running.stop()


@pytest.fixture
def camera_on(emotune: Launched, tmp_path: Path) -> Shown:
    """Give a page whose camera films a picture, with somebody who has agreed to it, before anything is sent."""

    @contextlib.contextmanager
    def shown(film: Image.Image) -> Iterator[Page]:
        with chromium(tmp_path, film) as browser:
            context = browser.new_context(base_url=emotune.url, viewport={"width": 360, "height": 740})
            context.set_default_timeout(PATIENCE_MS)
            expect.set_options(timeout=PATIENCE_MS)
            page = context.new_page()
            sign_up(page)
            complaints = Complaints(page)
            page.get_by_role("button", name="Turn on the camera").click()
            page.get_by_role("button", name="Read my mood").wait_for()
            yield page
            assert complaints.words == []
            context.close()

    return shown


def film_of(picture: Image.Image) -> Image.Image:
    return ImageOps.pad(picture.convert("RGB"), (WIDTH, HEIGHT))


def read(page: Page, name: str) -> None:
    """Have the camera's picture read, and look at what is shown of it as axe-core and a narrow screen do."""
    page.get_by_role("button", name="Read my mood").click()
    expect(page.locator("#capture:not([aria-busy])")).to_be_visible()
    expect(page.locator("#capture h1")).to_be_focused()
    expect(page.locator("#capture")).to_contain_text("deleted")
    assert page.locator("#preview").evaluate("video => video.srcObject") is None
    assert violations(page) == []
    assert overflow(page) <= 0
    picture_of(page, name)


def test_no_face_is_said_with_what_helps_and_a_mood_can_be_named_instead(camera_on):
    with camera_on(film_of(Image.fromarray(skimage.data.coffee()))) as page:
        read(page, "reading-no-face")
        expect(page.get_by_role("heading", name="No face was found")).to_be_focused()
        expect(page.locator("#capture")).to_contain_text("keep the whole face in the picture")
        page.get_by_role("link", name="Try again").click()
        expect(page.get_by_role("button", name="Read my mood")).to_be_focused()  # the camera is on at once
        page.go_back()
        page.locator("#capture").get_by_role("button", name="Neutral").click()
        expect(page.get_by_role("heading", name="You feel neutral")).to_be_focused()
        expect(page.locator("li.track").first).to_be_visible()


def test_a_room_too_dark_is_said_before_and_after(camera_on):
    with camera_on(dimmed(0.03)) as page:
        words = "It is too dark to read a face."
        expect(page.locator("#camera-hint")).to_contain_text(words)
        read(page, "reading-dark")
        expect(page.get_by_role("heading", name="No face was found")).to_be_focused()
        expect(page.locator("#capture [data-camera-hint]")).to_contain_text(words)


@pytest.mark.parametrize(("photograph", "least"), [("photo01.jpg", 2), ("photo18.jpg", 3)])
def test_of_several_faces_the_largest_is_read_and_their_number_is_said(camera_on, data, photograph, least):
    with camera_on(film_of(Image.open(data / "faces" / photograph))) as page:
        read(page, f"reading-{photograph[:7]}")
        said = re.search(r"There were (\d+) faces; the largest was read\.", page.locator("#capture").inner_text())
        assert said
        assert int(said[1]) >= least


def test_a_face_in_doubt_is_asked_about_and_not_guessed_at(camera_on, doubtful):
    with camera_on(doubtful) as page:
        read(page, "reading-unsure")
        heading = page.get_by_role("heading", name="You know best")
        expect(heading).to_have_text(re.compile(r"^\w+ or \w+\? You know best$"))
        expect(page.locator("li.track")).to_have_count(0)
        page.locator("#capture .moods").first.get_by_role("button").first.click()
        expect(page.get_by_role("heading", name="You feel")).to_be_focused()
        expect(page.locator("li.track").first).to_be_visible()


@pytest.fixture(scope="module")
def doubtful(data: Path, model: Path) -> Image.Image:
    """A face that the reader is in doubt about however well the camera takes it, in the frame of a camera."""
    reader = Reader.load(model)
    with zipfile.ZipFile(data / "fer2013" / "fer2013plus.zip") as file:
        for name in sorted(name for name in file.namelist() if name.startswith("public_test/fear/"))[:TRIED]:
            crop = np.asarray(Image.open(io.BytesIO(file.read(name))).convert("L"))
            film = Image.fromarray(framed(crop, 288))
            if all(is_in_doubt(reader, film.point(lambda value, by=by: value * by)) for by in (1, 0.97, 0.94)):
                return film
    pytest.fail(f"the reader is in doubt about none of {TRIED} faces")


def is_in_doubt(reader: Reader, film: Image.Image) -> bool:
    picture = np.asarray(Image.open(io.BytesIO(jpeg(film))).convert("RGB"))
    reading = reader.read([picture])
    return reading.status == "unsure" and (reading.confidence or 1) < 0.5
