"""The admin's pages in a browser: no violation of axe-core in light and dark, no complaint, nothing too wide."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import admin_site
from tests.browser import picture_of
from tests.prepared import Prepared
from tests.web_site import Complaints, Site, overflow, violations

# half a minute and more in a browser
pytestmark = pytest.mark.short


@pytest.fixture(scope="module")
def ids(site: Site) -> dict[str, str]:
    return admin_site.fill(site.env)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared, redis_url: str) -> Iterator[Site]:
    """A site of this module's own, whose catalogue may be changed."""
    running = Site(tmp_path_factory.mktemp("admin"), prepared.audio, redis_url, prepared)
    yield running
    running.stop()


@pytest.fixture
def page(browser: Browser, site: Site, ids) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    page = context.new_page()
    admin_site.log_in_as_boss(page)
    yield page
    context.close()


def test_every_page_of_the_admin_is_accessible_calm_and_fits(page, ids):
    complaints, wrong = Complaints(page), []
    for name, path in admin_site.pages(ids):
        for scheme, width in (("light", 1280), ("dark", 360)):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            page.goto(path)
            page.wait_for_load_state("networkidle")
            page.evaluate("document.querySelectorAll('details').forEach((each) => each.setAttribute('open', ''))")
            wrong += [f"{name} {scheme}: {each}" for each in violations(page)]
            wrong += [f"{name}: {by} pixels too wide at {width}"] if (by := overflow(page)) > 0 else []
            picture_of(page, f"{name}-{width}")
        wrong += [f"{name}: {word}" for word in complaints.words]
        complaints.words.clear()
    assert not wrong, "\n".join(wrong)


def asked_by(page: Page) -> list[str]:
    """Return a list that grows with what the page asks for by itself."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/admin/health/" in request.url else None)
    return asked


def let_half_a_minute_pass(page: Page) -> None:
    """Return once all that the page has asked for meanwhile is known: requests are told in their order."""
    page.clock.run_for(30_000)
    page.evaluate("fetch('/healthz').then((answer) => answer.text())")


def test_it_looks_again_by_itself_unless_nobody_looks_or_it_is_paused(page):
    page.clock.install()
    page.goto("/admin/health/")
    page.locator(".headline time").evaluate("time => { time.dataset.isOld = true; }")
    summary, outcomes = (page.locator("summary", has_text=words) for words in ("The same in numbers", "by outcome"))
    summary.click()
    outcomes.click()
    is_open = "all => all.map(each => each.open)"
    opened = page.locator("details").evaluate_all(is_open)
    summary.focus()
    page.clock.fast_forward(11_000)
    expect(page.locator(".headline time")).to_be_visible()
    expect(page.locator(".headline time[data-is-old]")).to_have_count(0)
    assert page.locator("details").evaluate_all(is_open) == opened
    expect(summary).to_be_focused()
    page.get_by_role("button", name="Pause").click()
    asked = asked_by(page)
    let_half_a_minute_pass(page)
    assert asked == []
    with page.expect_response("**/admin/health/"):
        page.get_by_role("button", name="Pause").click()
    assert len(asked) == 1


def test_a_tab_that_is_hidden_does_not_ask(page):
    page.clock.install()
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => window.isAway === true })")
    page.goto("/admin/health/")
    page.evaluate("window.isAway = true")
    asked = asked_by(page)
    let_half_a_minute_pass(page)
    assert asked == []
    with page.expect_response("**/admin/health/"):
        page.evaluate("window.isAway = false; document.dispatchEvent(new Event('visibilitychange'))")
    assert len(asked) == 1


def test_a_web_process_that_is_gone_leaves_no_old_figures_unsaid(page, site):
    page.goto("/admin/health/")
    page.context.set_offline(True)
    page.locator("#report").dispatch_event("look")
    expect(page.locator(".headline b")).to_contain_text("does not answer")
    page.context.set_offline(False)
    page.locator("#report").dispatch_event("look")
    expect(page.locator(".headline b")).not_to_contain_text("does not answer")
