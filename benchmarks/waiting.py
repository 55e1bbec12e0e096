"""Measure how long a person waits for a reading, in Chromium: python -m benchmarks.waiting [--times 30]

emotune is started as `make run` does, on its built-in database and broker, then on PostgreSQL and Redis; where one of
them is missing, that is said and the first figures stand alone. A photograph is uploaded again and again; the time runs
from the click to the outcome on the page.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.frames import webcam_frame
from tests.browser import chromium
from tests.servers import Launched, Postgres, Redis, server_folder, wait_until

BUILT_IN, SERVERS = "built-in", "PostgreSQL and Redis"
# The p95 that is allowed, in milliseconds.
LIMITS = {BUILT_IN: 1000, SERVERS: 500}
PATIENCE_MS = 60_000
FEWEST = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.times < FEWEST:
        parser.error(f"--times must be {FEWEST} or more: the tenth wait is a median of those about it")
    with tempfile.TemporaryDirectory() as name, chromium(Path(name)) as browser:
        audio = Path(name) / "audio"
        figures = {BUILT_IN: measured(browser, options.times, EMOTUNE_AUDIO=str(audio))}
        if not options.json:
            print(f"from the click to the outcome, milliseconds; load {os.getloadavg()[0]:.1f}")
            show(BUILT_IN, figures[BUILT_IN])
        try:
            with servers() as urls:
                figures[SERVERS] = measured(browser, options.times, **urls, EMOTUNE_AUDIO=str(audio))
        except pytest.skip.Exception as missing:
            print(missing, file=sys.stderr)
    if options.json:
        print(json.dumps(figures))
    elif SERVERS in figures:
        show(SERVERS, figures[SERVERS])


@contextlib.contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Give the addresses of a PostgreSQL and a Redis of its own. Raises pytest's Skipped where one is missing."""
    with contextlib.ExitStack() as stack:
        folders = [stack.enter_context(server_folder(name)) for name in ("pg", "redis")]
        database = Postgres(folders[0])
        stack.callback(database.stop)
        broker = Redis(folders[1])
        stack.callback(broker.stop)
        yield {"DATABASE_URL": database.url("waiting"), "REDIS_URL": broker.url}


def show(where: str, found: dict[str, float]) -> None:
    figures = ", ".join(f"{name} {value}" for name, value in found.items())
    print(f"{where}: {figures} (p95 at most {LIMITS[where]})", flush=True)


def measured(browser: Browser, times: int, **variables: str) -> dict[str, float]:
    with server_folder("waiting") as folder:
        running = Launched(folder, CAPTURES_PER_MINUTE="1000", **variables)
        try:
            running.wait_until_up()
            wait_until("a warm reader", lambda: "The reader is warm" in running.words(), seconds=120)
            taken = waits(browser, running.url, folder, times)
        finally:
            running.stop()
    return {
        "first": round(taken[0]),
        "tenth": round(statistics.median(taken[7:12])),
        "p50": round(float(np.percentile(taken[1:], 50))),
        "p95": round(float(np.percentile(taken[1:], 95))),
    }


def waits(browser: Browser, url: str, folder: Path, times: int) -> list[float]:
    file = folder / "face.jpg"
    file.write_bytes(webcam_frame())
    context = browser.new_context(base_url=url)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    sign_up(page)
    taken = []
    for _ in range(times):
        page.goto("/captures/new/")
        page.get_by_label("A photograph of one face").set_input_files(file)
        send = page.get_by_role("button", name="Read this photograph")
        start = time.perf_counter()
        send.click()
        page.locator("#capture:not([aria-busy])").wait_for()
        taken.append(1000 * (time.perf_counter() - start))
    context.close()
    return taken


def sign_up(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("E-mail").fill(f"{uuid4().hex}@example.org")
    page.locator("input[name=password1]").fill("a long enough phrase")
    page.get_by_role("button", name="Open the account").click()
    page.get_by_role("button", name="I agree").click()
    page.wait_for_url("**/captures/new/**")


if __name__ == "__main__":
    main()
