"""The signs of emotions as Chromium draws them, on the map and in the calendar: 3:1 against what is around them."""

import io
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, StorageState, expect
from scipy.ndimage import binary_dilation

from tests.test_web_design import XYZ, emotion_colours, linear, schemes
from tests.web_site import Site, log_in, violations

PATIENCE_MS = 60_000
# Enlarged: so many pixels from a sign its soft edge has ended, and what is around it has not.
SCALE = 4
NEAREST, FARTHEST = 3, 5
# The tips of the star for surprise are soft over more pixels than that.
ALL_BUT_TIPS = 0.85
LINEAR = np.array([linear(f"#{value:02x}0000")[0] for value in range(256)])


@pytest.fixture(scope="module")
def session(browser: Browser, site: Site) -> StorageState:
    with closing(browser.new_context(base_url=site.url)) as context:
        log_in(context.new_page())
        return context.storage_state()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def page(browser: Browser, site: Site, session: StorageState, scheme: str) -> Iterator[Page]:
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": 1280, "height": 900},
        device_scale_factor=SCALE,
        storage_state=session,
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="UTC",
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context.new_page()
    context.close()


def parts_that_stand_out(png: bytes, scheme: str) -> dict[str, float]:
    """Return by emotion the part (0 to 1) of what is around its signs against which they have 3:1."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    luminance = LINEAR[pixels] @ XYZ[1]
    parts = {}
    for name, colour in emotion_colours(schemes()[scheme]).items():
        sign = (pixels == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=2)
        assert sign.any(), f"nothing has the colour of {name}"
        ring = binary_dilation(sign, iterations=FARTHEST) & ~binary_dilation(sign, iterations=NEAREST)
        own = XYZ[1] @ linear(colour)
        ratios = (np.maximum(luminance[ring], own) + 0.05) / (np.minimum(luminance[ring], own) + 0.05)
        parts[name] = float((ratios >= 3).mean())
    return parts


def test_on_the_map(page, scheme):
    page.goto("/map/")
    expect(page.locator("#map-status")).to_contain_text("in view")
    parts = parts_that_stand_out(page.locator("#map-canvas").screenshot(), scheme)
    assert min(parts.values()) > ALL_BUT_TIPS, parts


def test_in_the_calendar(page, scheme):
    page.goto("/journal/")
    parts = parts_that_stand_out(page.locator(".calendars svg").first.screenshot(), scheme)
    assert min(parts.values()) > ALL_BUT_TIPS, parts


def test_how_many_tracks_an_emotion_has_can_be_read_while_it_is_shown_alone(page):
    page.goto("/map/")
    expect(page.locator("#map-status")).to_contain_text("in view")
    for button in page.locator(".map-emotions .mood").all():
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        assert violations(page, "color-contrast") == []
