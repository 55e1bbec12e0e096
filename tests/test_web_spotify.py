"""Tracks at Spotify in Chromium: nothing is asked of it before a press, then its widget's own words move the list on.

Spotify is played by a page of ours that the browser finds at its address: it keeps what it is told, and says what the
test has it say, in the messages of the iFrame API.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.servers import manage
from tests.web_site import Site, log_in, sign_up

PATIENCE_MS = 60_000
SPOTIFY = "https://open.spotify.com/"
WIDGET = """<!doctype html><title>a widget</title><script>
window.told = [];
addEventListener("message", (event) => told.push(event.data.command));
window.say = (position, isPaused) => parent.postMessage(
  { type: "playback_update", payload: { isPaused, isBuffering: false, duration: 200000, position } }, "*");
parent.postMessage({ type: "ready" }, "*");
</script>"""
# A frame that is out of sight draws nothing, and what waits for it to draw would wait for ever.
POLLING_MS = 50
TRACKS = """
from catalogue.models import Track
from emotune.emotions import BY_NAME
valence, arousal, dominance = BY_NAME["disgust"].anchor
Track.objects.bulk_create([
    Track(key=f"spotify:{n}", title=f"Elsewhere {n}", artist=f"Artist {n}", spotify_id=f"{n:022d}", emotion="disgust",
          distance=0.1, valence=valence, arousal=arousal, dominance=dominance)
    for n in range(15)
], ignore_conflicts=True)
"""
# Shared by link: tracks at Spotify alone, and one on this server with the others after it.
SHARED = """
from catalogue.models import Track
from playlists.models import Playlist
from playlists.sharing import share
from tests.factories import make_user
user = make_user(email="spotify@example.org")
elsewhere = list(Track.objects.filter(key__startswith="spotify:").order_by("id"))
own = Track.objects.filter(spotify_id="").exclude(audio="")[0]
for seed, tracks in enumerate([elsewhere, [own, *elsewhere]]):
    playlist = Playlist.objects.create(user=user, emotion="disgust", seed=seed)
    for rank, track in enumerate(tracks, 1):
        playlist.entries.create(track=track, rank=rank, distance=0, score=0, reason="")
    print(share(playlist=playlist).token)
"""


@pytest.fixture(scope="module")
def catalogue(site: Site) -> None:
    manage("shell", "--verbosity=0", "--command", TRACKS, env=site.env)


@pytest.fixture(scope="module")
def shared(site: Site, catalogue: None) -> list[str]:
    """Addresses of two shared playlists: of Spotify's tracks, and the same after one with audio of its own."""
    tokens = manage("shell", "--verbosity=0", "--command", SHARED, env=site.env).split()
    return [f"/shared/{token}/" for token in tokens]


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def stranger(browser: Browser, site: Site, catalogue: None, asked: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    context.route(f"{SPOTIFY}**", lambda route: route.fulfill(body=WIDGET, content_type="text/html"))
    context.on("request", lambda request: asked.append(request.url) if request.url.startswith(SPOTIFY) else None)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(stranger: Page) -> Page:
    log_in(stranger)
    stranger.goto("/captures/new/?camera=no")
    stranger.get_by_role("button", name="Disgusted").click()
    expect(stranger.locator("li.track a.cover[data-spotify]")).to_have_count(15)
    return stranger


def titles(page: Page) -> list[str]:
    found: list[str] = page.locator("li.track").evaluate_all("all => all.map(one => one.dataset.title)")
    return found


def widget(page: Page) -> Frame:
    """Return the widget of the track that plays, once it has been told to play."""
    frame = page.locator(".is-playing iframe").element_handle().content_frame()
    assert frame
    frame.wait_for_function("() => told.includes('play')", polling=POLLING_MS)
    return frame


def test_nothing_is_asked_of_spotify_before_a_press(page, asked):
    page.wait_for_load_state("networkidle")
    assert asked == []
    assert page.locator("iframe").count() == 0
    page.locator("li.track .cover").first.click()
    widget(page)
    assert len(asked) == 1
    assert asked[0].startswith(f"{SPOTIFY}embed/track/")


def test_the_widgets_words_note_a_listen_and_move_the_list_on(page):
    first, second = titles(page)[:2]
    page.get_by_role("button", name="Play from the top").click()
    frame = widget(page)
    with page.expect_response("**/listens/") as heard:
        for second_heard in range(0, 33, 2):
            frame.evaluate("at => say(at, false)", second_heard * 1000)
    assert heard.value.status == 204
    assert 'name="source"\r\n\r\nspotify' in heard.value.request.post_data
    expect(page.locator("#now-title")).to_have_text(first)
    frame.evaluate("say(199000, false)")
    frame.evaluate("say(0, true)")
    expect(page.locator("#now-title")).to_have_text(second)
    expect(page.locator("iframe")).to_have_count(1)


def test_the_bar_steers_the_widget(page):
    page.get_by_role("button", name="Play from the top").click()
    frame = widget(page)
    frame.evaluate("say(5000, false)")
    page.get_by_role("button", name="Pause").click()
    frame.wait_for_function("() => told.at(-1) === 'pause'", polling=POLLING_MS)
    frame.evaluate("say(5000, true)")
    page.get_by_role("button", name="Go on playing").click()
    frame.wait_for_function("() => told.at(-1) === 'resume'", polling=POLLING_MS)
    assert frame.evaluate("told.slice(-2)") == ["pause", "resume"]


def test_a_pause_in_the_middle_does_not_move_the_list_on(page):
    first = titles(page)[0]
    page.get_by_role("button", name="Play from the top").click()
    frame = widget(page)
    frame.evaluate("say(90000, false)")
    frame.evaluate("say(90000, true)")
    expect(page.get_by_role("button", name="Go on playing")).to_be_visible()
    expect(page.locator("#now-title")).to_have_text(first)


def test_a_widget_that_is_blocked_is_not_said_to_play(page):
    page.route(f"{SPOTIFY}**", lambda route: route.abort())
    page.get_by_role("button", name="Play from the top").click()
    expect(page.locator("#now-title")).to_have_text(titles(page)[0])
    expect(page.get_by_role("button", name="Go on playing")).to_be_visible()


def test_space_scrolls_until_spotify_was_asked_for_by_a_press(page, asked):
    page.get_by_role("heading", name="You feel disgusted").focus()
    page.keyboard.press(" ")
    page.wait_for_function("() => scrollY > 0")
    assert asked == []
    expect(page.locator("#now-playing")).to_be_hidden()
    cover = page.locator("li.track .cover").first
    cover.click()
    widget(page)
    cover.click()
    expect(page.locator("#now-playing")).to_be_hidden()
    page.get_by_role("heading", name="You feel disgusted").focus()
    page.keyboard.press(" ")
    widget(page)


def test_a_strangers_space_scrolls_too_and_their_press_plays_beside_local_tracks(stranger, shared, asked):
    stranger.goto(shared[1])
    expect(stranger.get_by_text("Log in to hear")).to_be_visible()
    stranger.keyboard.press(" ")
    stranger.wait_for_function("() => scrollY > 0")
    assert asked == []
    stranger.get_by_role("button", name="Play from the top").click()
    widget(stranger)
    expect(stranger.locator("#now-title")).to_have_text("Elsewhere 0")


def test_a_list_of_which_nothing_can_be_played_says_so(stranger, shared):
    sign_up(stranger)
    stranger.goto("/account/preferences/")
    stranger.get_by_label("Spotify is never asked").check()
    stranger.get_by_role("button", name="Save").click()
    stranger.wait_for_url("**/account/**")
    stranger.goto(shared[0])
    stranger.get_by_role("button", name="Play from the top").click()
    expect(stranger.locator("#toasts")).to_have_text("None of these can be played here.")
