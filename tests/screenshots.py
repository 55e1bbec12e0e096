"""Pictures of all pages for the documentation: `make screenshots`, or `python -m tests.screenshots FOLDER`.

emotune runs as `make run` starts it, on a database of its own with the history of tests.showcase; the camera films
scikit-image's astronaut, a photograph of NASA's in the public domain. Each page is taken wide and light, and narrow and
dark; a page of its own name goes with both.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from emotune.embedded import embedded_server
from tests import admin_site
from tests.browser import chromium
from tests.servers import ROOT, Launched, environment, manage, wait_until
from tests.web_site import AUDIO, log_in

TARGET = ROOT / "docs" / "screenshots"
WIDE = ViewportSize(width=1280, height=800)
NARROW = ViewportSize(width=360, height=740)
# Those of the admin that show what one runs a site by.
ADMIN = ("admin", "admin-health", "admin-captures", "admin-agreement", "admin-clustering", "admin-import")
# What a reader of the documentation needs to see of a long page.
TALLEST = 1800
QUALITY = 82


class Album:
    """Takes pictures of one page and keeps them small."""

    def __init__(self, page: Page, folder: Path, kind: str) -> None:
        self.page, self.folder, self.kind = page, folder, kind

    def take(self, name: str, path: str = "", *, whole: bool = True) -> None:
        if path:
            self.page.goto(path)
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(300)
        raw = self.folder / "raw.png"
        self.page.screenshot(path=raw, full_page=whole)
        with Image.open(raw) as picture:
            small = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, TALLEST)))
            small.save(self.folder / f"{name}-{self.kind}.webp", quality=QUALITY, method=6)
        raw.unlink()


def pages(ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the path of each page that shows the same to whoever opens it."""
    yield from {
        "tracks": "/tracks/?emotion=happy",
        "map": "/map/",
        "journeys": "/journeys/",
        "journey": f"/journeys/{ids['playlist_id']}/",
        "history": "/history/",
        "moods": "/history/moods/",
        "never-again": "/history/never/",
        "journal": "/journal/",
        "unsure": f"/captures/{ids['unsure']}/",
        "no-face": f"/captures/{ids['no_face']}/",
        "account": "/account/",
        "tokens": "/account/tokens/",
        "preferences": "/account/preferences/",
        "shared": f"/shared/{ids['token']}/",
        "about": "/about/",
        "privacy": "/privacy/",
    }.items()


def new_context(browser: Browser, url: str, kind: str) -> BrowserContext:
    is_wide = kind == "wide"
    context = browser.new_context(
        base_url=url,
        viewport=WIDE if is_wide else NARROW,
        color_scheme="light" if is_wide else "dark",
        reduced_motion="reduce",
    )
    context.set_default_timeout(60_000)
    return context


def shoot(browser: Browser, url: str, ids: dict[str, str], folder: Path, kind: str) -> None:
    context = new_context(browser, url, kind)
    page = context.new_page()
    album = Album(page, folder, kind)
    album.take("home", "/")
    album.take("login", "/accounts/login/")
    log_in(page)
    for name, path in pages(ids):
        album.take(name, path)
    page.goto("/captures/new/")
    page.get_by_role("button", name="Turn on the camera").click()
    page.locator("#camera-hint.good").wait_for()
    album.take("camera")
    page.get_by_role("button", name="Read my mood").click()
    page.locator("#capture[data-status=done] li.track").first.wait_for()
    album.take("outcome")
    page.locator("[data-play-all]").click()
    page.wait_for_timeout(1500)
    album.take("player", whole=False)
    context.close()


def shoot_admin(browser: Browser, url: str, ids: dict[str, str], folder: Path, kind: str) -> None:
    context = new_context(browser, url, kind)
    page = context.new_page()
    admin_site.log_in_as_boss(page)
    album = Album(page, folder, kind)
    for name, path in admin_site.pages(ids):
        if name in ADMIN:
            album.take(name, path)
    context.close()


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.mkdir(parents=True, exist_ok=True)
    # a server of its own, for another emotune on this machine may have the usual port
    with tempfile.TemporaryDirectory() as name, embedded_server() as redis_url:
        folder, own = Path(name), {"EMOTUNE_AUDIO": str(AUDIO), "REDIS_URL": redis_url}
        env = environment(folder, **own)
        manage("migrate", "--verbosity=0", env=env)
        manage("load_demo", env=env)
        made = [sys.executable, "-m", "tests.showcase"]
        ids = json.loads(subprocess.run(made, env=env, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        running = Launched(folder, **own)
        try:
            running.wait_until_up()
            wait_until("a warm reader", lambda: "The reader is warm" in running.words(), seconds=180)
            with chromium(folder) as browser:
                for kind in ("wide", "narrow"):
                    shoot(browser, running.url, ids, target, kind)
                # afterwards, for it brings a catalogue of its own
                filled = admin_site.fill(env)
                for kind in ("wide", "narrow"):
                    shoot_admin(browser, running.url, filled, target, kind)
        finally:
            running.stop()
    total = sum(file.stat().st_size for file in target.iterdir())
    sys.stdout.write(f"{len(list(target.iterdir()))} pictures, {total / 1024**2:.1f} MB, in {target}\n")


if __name__ == "__main__":
    main()
