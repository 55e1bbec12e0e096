"""Every page there is, by its name: no violation of axe-core in light and dark, no complaint, nothing too wide,
not even where text is twice as large.

A page that is new is walked too; one whose address needs something says here what.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Browser, Page

from tests.web_site import Complaints, Site, log_in, named_addresses, overflow, violations

# What the parameters of addresses stand for where the showcase has nothing: these lead to a page that says so.
UNKNOWN = "00000000-0000-4000-8000-000000000000"
NOT_HERE = {"key": "x", "uidb36": "1", "pk": "1", "job_id": UNKNOWN, "export_id": UNKNOWN}
MORE_CAPTURES = ("unsure", "no_face", "queued")
# The page answers itself while somebody is logged in, so it is walked as a stranger.
STRANGERS = ("account_", "home", "about", "privacy", "playlists:shared", "mfa_")

# half a minute and more in a browser
pytestmark = pytest.mark.short


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def paths(site: Site, *prefixes: str) -> list[str]:
    """Return the path of every named address, or of those whose name begins in one of these ways."""
    found = []
    for address in named_addresses():
        if prefixes and not address.name.startswith(prefixes):
            continue
        values = {name: site.ids.get(name) or NOT_HERE.get(name) for name in address.parameters}
        assert None not in values.values(), f"say in NOT_HERE what {address} is filled with"
        found.append(filled(address.route, values))
    return found


def filled(route: str, values: dict[str, str | None]) -> str:
    route = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(values[match[1]]), route)
    route = re.sub(r"\(\?P<(\w+)>(?:\[[^\]]*\]|[^)])*\)", lambda match: str(values[match[1]]), route)
    return "/" + route.replace("^", "").replace("$", "").replace("\\Z", "")


def pages(page: Page, addresses: list[str]) -> Iterator[tuple[str, APIResponse]]:
    """Yield each page that the addresses lead to once, with what the server answers there."""
    seen: set[str] = set()
    for path in addresses:
        answer = page.context.request.get(path, max_redirects=3)
        landed = answer.url.split("/", 3)[-1]
        is_page = answer.headers.get("content-type", "").startswith("text/html") and answer.status != 405
        if is_page and landed not in seen and "attachment" not in answer.headers.get("content-disposition", ""):
            seen.add(landed)
            yield path, answer


def walk(page: Page, addresses: list[str]) -> tuple[list[str], list[str]]:
    """Look at each page once, in light and narrow and in dark and wide; return what was looked at and what is wrong."""
    complaints = Complaints(page)
    seen: list[str] = []
    wrong: list[str] = []
    for path, answer in pages(page, addresses):
        if answer.status not in (200, 403, 404):
            wrong.append(f"{path}: status {answer.status}, {answer.text()[:300]}")
            continue
        policy = answer.headers.get("content-security-policy", "")
        wrong += [] if "default-src 'self'" in policy and "unsafe" not in policy else [f"{path}: policy {policy!r}"]
        page.set_viewport_size({"width": 320, "height": 740})
        page.emulate_media(color_scheme="light")
        page.goto(path)
        page.wait_for_load_state("load")
        seen.append(path)
        wrong += [f"{path} light: {each}" for each in violations(page)]
        wrong += [f"{path}: {by} pixels too wide at 320"] if (by := overflow(page)) > 0 else []
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 1280, "height": 800})
        wrong += [f"{path} dark: {each}" for each in violations(page, "color-contrast", "target-size")]
        wrong += [f"{path}: {by} pixels too wide at 1280"] if (by := overflow(page)) > 0 else []
        said = [word for word in complaints.words if not (answer.status != 200 and "Failed to load" in word)]
        wrong += [f"{path}: {word}" for word in said]
        complaints.words.clear()
    return seen, wrong


def walk_enlarged(page: Page, addresses: list[str]) -> tuple[list[str], list[str]]:
    """Look at each page as somebody does who made the browser's text twice as large; return as `walk` does."""
    page.set_viewport_size({"width": 320, "height": 740})
    page.context.new_cdp_session(page).send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
    seen: list[str] = []
    wrong: list[str] = []
    for path, _ in pages(page, addresses):
        page.goto(path)
        if path == "/map/":
            page.locator("#map-rows tr").first.wait_for(state="attached")
        seen.append(path)
        assert page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)") == 32
        page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        width = page.evaluate("() => document.scrollingElement.scrollWidth")
        wrong += [f"{path}: {width} pixels wide"] if width > 320 else []
    return seen, wrong


def paths_of_a_person(site: Site) -> list[str]:
    captures = [f"/captures/{site.ids[name]}/" for name in MORE_CAPTURES]
    return [*paths(site), *captures, "/captures/new/?camera=no", "/nowhere/"]


def paths_of_a_stranger(site: Site) -> list[str]:
    return [path for path in paths(site, *STRANGERS) if "logout" not in path]


def test_every_page_of_a_person_is_accessible_calm_and_fits(page, site):
    log_in(page)
    seen, wrong = walk(page, paths_of_a_person(site))
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 25


def test_every_page_of_a_stranger_is_accessible_calm_and_fits(page, site):
    seen, wrong = walk(page, paths_of_a_stranger(site))
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 6


def test_every_page_fits_where_text_is_twice_as_large(page, site):
    strangers, wrong = walk_enlarged(page, paths_of_a_stranger(site))
    log_in(page)
    seen, more = walk_enlarged(page, paths_of_a_person(site))
    assert not wrong + more, "\n".join(wrong + more)
    assert len(strangers) > 6
    assert len(seen) > 25
