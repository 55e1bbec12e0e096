"""emotune's web process with the demonstration and a person's history, and eyes that look at every page of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from axe_playwright_python.base import AXE_SCRIPT
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Page

from emotune.cache import PREFIX
from tests.person import version_in
from tests.prepared import SHOWCASE, Prepared
from tests.servers import PROCESSES, ROOT, Process, environment, free_port, status_of, wait_until
from tests.showcase import EMAIL, PASSWORD

# Where the demonstration's audio lies in a checkout that ran: composing it takes a minute.
AUDIO = ROOT / "var" / "audio"
# What the browser itself says of a request that fails on purpose.
NETWORK_WORDS = "Failed to load resource"


# Where each site keeps its limits, by its address.
_stores: dict[str, str] = {}


class Site:
    """A web process on a database of its own; `ids` are those of tests.showcase."""

    def __init__(self, folder: Path, audio: Path, redis_url: str, prepared: Prepared | None = None) -> None:
        """Begin with a copy of the showcase of `prepared`, or with one of its own that is made in `folder`."""
        prepared = prepared or Prepared(folder, audio)
        prepared.lay(SHOWCASE, folder)
        self.ids = prepared.showcase()
        self.env = environment(folder, EMOTUNE_AUDIO=str(audio), REDIS_URL=redis_url)
        where = f"127.0.0.1:{free_port()}"
        self.url = f"http://{where}"
        _stores[self.url] = redis_url
        self.web = Process(*PROCESSES, "web", where, log=folder / "web.log", env=self.env)
        wait_until("the web process", lambda: status_of(self.url) == 200)

    def stop(self) -> None:
        self.web.stop()


@dataclass(frozen=True)
class Address:
    """A pattern of urls.py that has a name, with the names of what it is filled with."""

    name: str
    route: str
    parameters: tuple[str, ...]


def named_addresses() -> Iterator[Address]:
    """Yield every named address but those of the admin's and the API's own pages."""
    for address in _walk(get_resolver(), "", ""):
        if address.name and not address.name.startswith(("admin:", "admin-", "api")):
            yield address


def _walk(resolver: URLResolver, route: str, namespace: str) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        below = route + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            name = f"{namespace}{pattern.name}" if pattern.name else ""
            yield Address(name, below, tuple(re.findall(r"<(?:\w+:)?(\w+)>", below)))
        else:
            yield from _walk(pattern, below, f"{pattern.namespace}:" if pattern.namespace else namespace)


@dataclass
class Complaints:
    """What a page's console says, and what it asks of other hosts."""

    page: Page
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.words.append(str(error)))
        self.page.on("console", lambda said: self.words.append(said.text) if said.type == "error" else None)
        self.page.on("request", self._look)

    def _look(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:")):
            self.words.append(f"asks {request.url}")


def log_in(page: Page) -> None:
    """Log the showcase's person in, and end on the page that takes a picture."""
    page.context.request.get("/accounts/login/")
    _send(page, "/accounts/login/", login=EMAIL, password=PASSWORD)
    page.goto("/captures/new/")


def sign_up(page: Page) -> None:
    """Open an account and agree to the camera; end on the page that takes a picture."""
    page.context.request.get("/accounts/signup/")
    _send(page, "/accounts/signup/", email=f"{uuid4().hex}@example.org", password1=PASSWORD)
    text = page.context.request.get("/account/consent/").text()
    _send(page, "/account/consent/", version=version_in(text))
    page.goto("/captures/new/")


def _send(page: Page, path: str, **fields: str) -> None:
    """Send a form as the page's browser would, whose cookies it takes and gets, without waiting for pages."""
    secret = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    answer = page.context.request.post(path, form={**fields, "csrfmiddlewaretoken": secret})
    if answer.status == 429:  # the tests of all modules come from one address
        _forget_attempts(answer.url)
        answer = page.context.request.post(path, form={**fields, "csrfmiddlewaretoken": secret})
    assert answer.status == 200, answer.text()[:2000]
    assert path not in answer.url, "the form came back"


def _forget_attempts(url: str) -> None:
    store = next(store for site, store in _stores.items() if url.startswith(f"{site}/"))
    with redis.Redis.from_url(store) as client:
        for key in client.scan_iter(match=f"{PREFIX}*"):
            client.delete(key)


def fill_in_login(page: Page) -> None:
    page.get_by_label("E-mail").fill(EMAIL)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in", exact=True).click()


def violations(page: Page, *rules: str) -> list[str]:
    """Return what axe-core finds wrong with the page, by all of its rules or by those named: a line for each place."""
    # to preload is to write styles into the page, which its policy refuses; no rule of the usual ones needs them
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = list(rules)
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{each['id']}: {node['html'][:160]} ({node['failureSummary']})" for each in found for node in each["nodes"]
    ]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    width: int = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    return width
