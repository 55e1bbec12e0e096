"""A real Chromium whose camera shows a photograph."""

import contextlib
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.servers import missing

# Chromium without a window costs a third of the time, but asks nobody for a permission.
BINARIES = ("chromium", "google-chrome")
WINDOWLESS = "chromium-headless-shell"
QUIET = ("--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update")
WIDTH, HEIGHT = 640, 480


def smiling_photograph() -> Image.Image:
    """Return scikit-image's astronaut, smiling, cut to the frame of a camera."""
    return Image.fromarray(np.asarray(skimage.data.astronaut())).crop((20, 0, 420, 300)).resize((WIDTH, HEIGHT))


def dimmed(light: float) -> Image.Image:
    """Return the smiling photograph by a part of its light."""
    return smiling_photograph().point(lambda value: value * light)


def jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    return file.getvalue()


@contextlib.contextmanager
def chromium(
    folder: Path, film: Image.Image | None = None, *, has_camera: bool = True, asks: bool = False
) -> Iterator[Browser]:
    """Start Chromium with a camera that films the smiling photograph, or another one.

    A page is granted it unasked, unless the browser `asks`: then the context's permissions say what it is answered.
    """
    names = BINARIES if asks else (WINDOWLESS, *BINARIES)
    binary = next(filter(None, map(shutil.which, names)), None) or missing("chromium")
    reel = folder / "camera.mjpeg"
    reel.write_bytes(jpeg(film or smiling_photograph()) * 2)
    camera = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={reel}") if has_camera else ()
    granted = () if asks else ("--use-fake-ui-for-media-stream",)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary,
            args=[*QUIET, *granted, *camera],
            chromium_sandbox=os.geteuid() != 0,
            timeout=120_000,
        )
        yield browser
        with contextlib.suppress(Error):
            browser.close()


def picture_of(page: Page, name: str) -> None:
    """Keep a screenshot where EMOTUNE_SCREENSHOTS says, for somebody to look at."""
    if folder := os.environ.get("EMOTUNE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
