"""Weigh the pages as a first visit finds them: bytes, requests, largest paint on a slow processor, layout shift.

`python -m benchmarks.pages [--json]` starts emotune's web process on the demonstration, and a Chromium with an empty
cache whose processor is slowed down four times. Each page is opened three times; the median counts. The exit status
is 1 when the first page is over its budget.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext

from emotune.embedded import embedded_server
from tests.browser import chromium
from tests.web_site import AUDIO, Site, log_in

BUDGET = {"bytes": 100_000, "requests": 12, "largest_paint_ms": 1500, "layout_shift": 0.05}
SLOWER = 4
TIMES = 3
STRANGERS = {"first page": "/", "how it works": "/about/", "sign-up": "/accounts/signup/"}
PERSONS = {"read my face": "/captures/new/", "tracks": "/tracks/", "history": "/history/", "journal": "/journal/"}
OBSERVE = """() => {
    window.measured = { paint: 0, shift: 0 };
    const watch = (type, act) =>
        new PerformanceObserver((list) => list.getEntries().forEach(act)).observe({ type, buffered: true });
    watch("largest-contentful-paint", (entry) => { measured.paint = entry.startTime; });
    watch("layout-shift", (entry) => { if (!entry.hadRecentInput) measured.shift += entry.value; });
}"""


def weigh(browser: Browser, url: str, path: str, cookies: list[Any]) -> dict[str, float]:
    """Open a page once with an empty cache and return its measures."""
    context = browser.new_context(base_url=url, viewport={"width": 412, "height": 823})
    context.add_cookies(cookies)
    page = context.new_page()
    page.add_init_script(f"({OBSERVE})()")
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    sizes: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    seen = page.evaluate("() => window.measured")
    context.close()
    return {
        "bytes": sum(sizes),
        "requests": len(sizes),
        "largest_paint_ms": round(seen["paint"]),
        "layout_shift": round(seen["shift"], 4),
    }


def median(browser: Browser, url: str, path: str, cookies: list[Any]) -> dict[str, float]:
    runs = [weigh(browser, url, path, cookies) for _ in range(TIMES)]
    return {name: statistics.median(run[name] for run in runs) for name in BUDGET}


def cookies_of(context: BrowserContext) -> list[Any]:
    log_in(context.new_page())
    return list(context.cookies())


def measure() -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as name, embedded_server() as redis_url:
        folder = Path(name)
        site = Site(folder, AUDIO, redis_url)
        try:
            with chromium(folder) as browser:
                context = browser.new_context(base_url=site.url)
                cookies = cookies_of(context)
                context.close()
                weighed = {page: median(browser, site.url, path, []) for page, path in STRANGERS.items()}
                return weighed | {page: median(browser, site.url, path, cookies) for page, path in PERSONS.items()}
        finally:
            site.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    wants_json = parser.parse_args().json
    pages = measure()
    over = [name for name, most in BUDGET.items() if pages["first page"][name] > most]
    if wants_json:
        print(json.dumps({"budget": BUDGET, "pages": pages, "over": over}))
        return 1 if over else 0
    print(f"{'page':14}" + "".join(f"{name:>18}" for name in BUDGET))
    for page, figures in pages.items():
        print(
            f"{page:14}"
            + "".join(f"{figures[name]:18,.4g}" if figures[name] < 1 else f"{figures[name]:18,.0f}" for name in BUDGET)
        )
    print(f"{'budget':14}" + "".join(f"{most:18,}" for most in BUDGET.values()))
    print(f"over budget: {', '.join(over)}" if over else "The first page is within its budget.")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
