"""Every main page in a Chromium without JavaScript: each does its job, but for the live camera and the map."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.servers import ROOT
from tests.web_site import Site, sign_up

PATIENCE_MS = 60_000

# half a minute and more in a browser
pytestmark = pytest.mark.short


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740}, java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    sign_up(page)
    yield page
    context.close()


def name_mood(page: Page, mood: str) -> None:
    page.goto("/captures/new/?camera=no")
    page.get_by_role("button", name=mood).click()
    expect(page.get_by_role("heading", name=f"You feel {mood.lower()}")).to_be_visible()


def open_playlist(page: Page) -> None:
    page.get_by_role("link", name="Show the tracks").click()
    expect(page.locator("li.track").first).to_be_visible()


def said(page: Page):
    return page.locator("main")


def test_a_photograph_is_sent_and_its_page_waits_by_itself(page):
    page.get_by_label("A photograph of one face").set_input_files(ROOT / "docs" / "screenshots" / "home-wide.webp")
    page.get_by_role("button", name="Read this photograph").click()
    expect(page.get_by_role("heading", name="Your picture is waiting its turn")).to_be_visible()
    assert page.locator("meta[http-equiv=refresh]").count() == 1


def test_a_mood_is_named_corrected_and_deleted(page):
    name_mood(page, "Happy")
    page.get_by_text("Choose another mood").click()
    page.get_by_role("button", name="Sad").click()
    expect(page.get_by_role("heading", name="You feel sad")).to_be_visible()
    page.goto("/history/moods/")
    page.get_by_role("link", name=re.compile("^Delete the mood")).click()
    expect(page.get_by_role("heading", name="Delete this mood with its playlist?")).to_be_visible()
    page.get_by_role("button", name="Delete this mood").click()
    expect(said(page)).to_contain_text("The mood was deleted.")


def test_a_playlist_can_be_heard_rated_kept_out_and_shared(page):
    name_mood(page, "Happy")
    open_playlist(page)
    track = page.locator("li.track").first
    expect(track.locator("audio[controls]")).to_be_visible()
    track.locator(".rating button").first.click()
    expect(track.locator(".rating button").first).to_have_attribute("aria-pressed", "true")
    track.locator(".never button").click()
    expect(page.locator("li.track").first.locator(".never button")).to_have_attribute("aria-pressed", "true")
    page.get_by_text("Share by link").click()
    page.get_by_role("button", name="Make a link").click()
    page.get_by_text("Shared by link").click()
    page.goto(page.locator("#share-link").input_value())
    expect(page.locator("li.track").first).to_be_visible()


def test_ratings_and_what_is_kept_out_are_listed_and_taken_back(page):
    name_mood(page, "Happy")
    open_playlist(page)
    track = page.locator("li.track").first
    title = track.get_attribute("data-title")
    track.locator(".rating button").first.click()
    track.locator(".never button").click()
    page.goto("/history/ratings/")
    page.get_by_role("checkbox", name=re.compile("^Choose")).check()
    page.get_by_role("button", name="No rating").click()
    expect(said(page)).to_contain_text("1 track no longer rated.")
    page.get_by_role("button", name="Undo").click()
    expect(said(page)).to_contain_text(title)
    page.goto("/history/never/")
    expect(said(page)).to_contain_text(title)
    page.get_by_role("button", name=f"Let it in again: {title}").click()
    expect(page.get_by_role("button", name=f"Let it in again: {title}")).to_have_count(0)


def test_the_history_is_searched(page):
    page.goto("/history/")
    page.get_by_label("Title or artist").fill("nothing of the kind")
    page.get_by_role("button", name="Search").click()
    expect(said(page)).to_contain_text("Nothing that you heard matches.")


def test_the_catalogue_is_searched_and_the_map_says_what_does_the_same(page):
    page.goto("/tracks/?emotion=sad")
    expect(page.locator("li.track").first).to_be_visible()
    page.get_by_label("Title").fill("Happy")
    page.get_by_label("Emotion").select_option("happy")
    page.get_by_role("button", name="Search").click()
    assert set(page.locator("li.track").evaluate_all("all => all.map(one => one.dataset.emotion)")) == {"happy"}
    page.goto("/map/")
    page.get_by_role("main").get_by_role("link", name="The list").click()
    expect(page).to_have_url(re.compile("/tracks/$"))


def test_a_journey_is_made_and_deleted(page):
    page.goto("/journeys/")
    page.get_by_label("From").select_option("sad")
    page.get_by_label("To").select_option("happy")
    page.get_by_role("button", name="Find the way").click()
    expect(page.get_by_role("heading", name="From sad to happy")).to_be_visible()
    assert page.locator("li.track").count() >= 2
    page.goto("/journeys/")
    page.get_by_role("link", name="Delete the journey from sad to happy").click()
    page.get_by_role("button", name="Delete this journey").click()
    expect(said(page)).to_contain_text("The journey from sad to happy was deleted.")
    expect(said(page)).to_contain_text("None yet.")


def test_the_journal_changes_its_period_and_time_zone(page):
    page.goto("/journal/")
    expect(page.get_by_role("link", name="Name my mood")).to_be_visible()
    name_mood(page, "Sad")
    page.goto("/journal/")
    expect(page.get_by_role("heading", name="Most often sad")).to_be_visible()
    page.get_by_role("link", name="30 days").click()
    expect(page.get_by_role("link", name="30 days")).to_have_attribute("aria-current", "true")
    page.get_by_text("Days of UTC").click()
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_text("Days of Europe/Berlin")).to_be_visible()
    page.get_by_text("The hours in figures").click()
    expect(page.get_by_role("region", name="The hours in figures").get_by_role("rowheader")).to_have_count(24)


def test_preferences_are_saved_and_the_camera_is_withdrawn_from(page):
    page.goto("/account/preferences/")
    page.get_by_label("Tracks").fill("20")
    page.get_by_role("button", name="Save").click()
    expect(said(page)).to_contain_text("20 tracks in a playlist")
    page.get_by_role("button", name="Withdraw").click()
    expect(said(page)).to_contain_text("emotune may not read pictures of you.")


def test_the_texts_are_there_for_everybody(page):
    page.context.clear_cookies()
    for path, heading in (
        ("/", "."),
        ("/about/", "How it works"),
        ("/privacy/", "Privacy"),
        ("/model/", "."),
        ("/accounts/login/", "Log in"),
    ):
        page.goto(path)
        expect(page.get_by_role("heading", level=1, name=re.compile(heading))).to_be_visible()
