"""Pages of journeys: from the mood that was read, or any, to any of the seven."""

import re
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.urls import reverse
from django.utils import timezone

from detection.models import Source, Status
from emotune.emotions import BY_NAME, EMOTIONS
from playlists.models import Listen, Playlist
from tests.factories import make_capture, make_track, make_user

pytestmark = pytest.mark.django_db

NEW, LIST = "/journeys/new/", "/journeys/"


@pytest.fixture
def person():
    return make_user()


@pytest.fixture
def browser(client, person):
    client.force_login(person)
    return client


@pytest.fixture
def catalogue():
    """Tracks along the line from sad to happy."""
    random = np.random.default_rng(3)
    sad, happy = (np.array(BY_NAME[name].anchor) for name in ("sad", "happy"))
    centres = np.array([BY_NAME[name].anchor for name in EMOTIONS])
    for n in range(150):
        vad = sad + n / 149 * (happy - sad) + random.normal(0, 0.08, 3)
        away = np.linalg.norm(centres - vad, axis=1)
        v, a, d = vad.tolist()
        make_track(EMOTIONS[away.argmin()], distance=float(away.min()), valence=v, arousal=a, dominance=d)


def make(browser, **fields):
    return browser.post(NEW, {"from": "sad", "to": "happy", "k": "8", **fields})


def test_from_the_form_to_the_way_with_its_drawing_and_figures(browser, person, catalogue):
    page = browser.get(LIST).content.decode()
    assert page.count("<option") == 14
    answer = make(browser)
    journey = Playlist.objects.get(user=person)
    assert answer.url == reverse("playlists:journey_shown", args=[journey.id])
    page = browser.get(answer.url).content.decode()
    assert "From sad to happy" in page
    assert page.count('<li class="track"') == 8
    assert page.count('<circle class="stop') == 8
    (path,) = re.findall(r'class="path" points="([^"]+)"', page)
    assert len(path.split()) == 8
    assert page.count('<th scope="row">') == 8
    assert 'role="img" aria-labelledby="plane-title plane-words"' in page
    assert "starts where you are: sad" in page
    assert "arrives: happy" in page
    assert f'data-playlist="{journey.id}"' in page
    assert "style=" not in page.split("<main")[1]
    assert "From sad to happy" in browser.get(LIST).content.decode()


def test_a_double_click_makes_one_journey_and_another_length_another(browser, catalogue, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)  # each day has its own, and midnight may be near
    assert make(browser).url == make(browser).url
    assert make(browser, k="5").url != make(browser).url
    assert Playlist.objects.count() == 2


def test_the_next_day_gives_another_journey(browser, catalogue, monkeypatch):
    evening = timezone.now().replace(hour=23, minute=59)
    found = []
    for minutes in (-600, 0, 2, 600):
        now = evening + timedelta(minutes=minutes)
        monkeypatch.setattr(timezone, "now", lambda now=now: now)
        found.append(make(browser).url)
    assert (found[0], found[2]) == (found[1], found[3])
    assert found[1] != found[2]
    assert len(set(Playlist.objects.values_list("seed", flat=True))) == 2


def test_from_what_was_read(browser, person, catalogue):
    capture = make_capture(
        person, source=Source.CAMERA, emotion="sad", chosen="", confidence=0.8, scores={"sad": 0.8, "happy": 0.2}
    )
    page = browser.get(NEW, {"capture": str(capture.id)}).content.decode()
    assert '<option value="capture" selected>sad, as you looked on' in page
    assert make(browser, capture=str(capture.id), **{"from": "capture"}).status_code == 302
    journey = Playlist.objects.get()
    assert (journey.capture, journey.emotion, journey.wanted, journey.asked) == (capture, "sad", "happy", 8)
    assert reverse("detection:show", args=[capture.id]) in browser.get(f"/journeys/{journey.id}/").content.decode()


def test_the_latest_mood_is_offered_by_itself(browser, person):
    make_capture(person, chosen="fear")
    make_capture(person, source=Source.CAMERA, status=Status.NO_FACE, chosen="")
    assert '<option value="capture" selected>fear, as you said on' in browser.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"to": "sad"}, "leads from sad to another mood"),
        ({"to": "joy"}, "leads from sad to another mood"),
        ({"from": "joy"}, "begins at one of"),
        ({"from": ""}, "begins at one of"),
        ({"k": "1"}, "1 tracks cannot be made"),
        ({"k": "31"}, "31 tracks cannot be made"),
        ({"k": "many"}, "A whole number was expected"),
        ({}, "too few tracks between sad and happy"),
    ],
)
def test_what_cannot_be_is_said_above_the_form_which_keeps_what_was_chosen(browser, fields, words):
    make_track("happy")
    answer = make(browser, **fields)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "<select" in page
    assert f'value="{fields.get("k", "8")}"' in page
    assert not Playlist.objects.exists()


def test_fewer_tracks_than_asked_for_are_explained(browser, catalogue):
    make(browser, k="30")
    journey = Playlist.objects.get()
    assert journey.entries.count() < 30
    assert f"{journey.entries.count()} of 30 tracks" in browser.get(f"/journeys/{journey.id}/").content.decode()


def test_another_persons_journey_or_capture_is_not_there(browser, catalogue):
    other = make_user()
    journey = Playlist.objects.create(user=other, emotion="sad", wanted="happy", asked=5, seed=1)
    plain = Playlist.objects.create(user=other, emotion="sad", seed=1)
    for made in (journey, plain):
        assert browser.get(f"/journeys/{made.id}/").status_code == 404
        for ask in (browser.get, browser.post):
            assert ask(f"/journeys/{made.id}/delete/").status_code == 404
    for capture in (make_capture(other).id, uuid4()):
        assert browser.get(LIST, {"capture": str(capture)}).status_code == 404
        assert make(browser, capture=str(capture)).status_code == 404
    assert browser.get(LIST, {"capture": "x"}).status_code == 422


def test_a_playlist_that_is_no_journey_is_not_there(browser, person):
    plain = Playlist.objects.create(user=person, emotion="sad", seed=1)
    assert browser.get(f"/journeys/{plain.id}/").status_code == 404


def test_a_deleted_journey_leaves_what_was_heard(browser, person, catalogue):
    make(browser)
    journey = Playlist.objects.get()
    Listen.objects.create(user=person, track=journey.entries.all()[0].track, playlist=journey, source="audio")
    address = f"/journeys/{journey.id}/delete/"
    assert f'href="{address}"' in browser.get(LIST).content.decode()
    page = browser.get(address).content.decode()
    assert "<h1>Delete the journey from sad to happy?</h1>" in page
    assert Playlist.objects.exists()
    answer = browser.post(address)
    assert answer.url == LIST
    assert "The journey from sad to happy was deleted." in browser.get(LIST).content.decode()
    assert Listen.objects.get().playlist is None


def test_a_journey_is_shared_and_its_form_leads_back_to_it(browser, person, catalogue):
    address = make(browser).url
    journey = Playlist.objects.get()
    page = browser.get(address).content.decode()
    share = re.findall(r'action="(/playlists/\d+/share/)"', page)[0]
    assert f'name="next" value="{address}"' in page
    assert "Show the mood too: sad to happy" in page
    assert browser.post(share, {"next": address, "mood": "1"}).url == address
    link = journey.share.token
    assert f"/shared/{link}/" in browser.get(address).content.decode()
    assert "from sad to happy" in browser.get(f"/shared/{link}/").content.decode()
    here = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{address}"}
    page = browser.post(share, {"revoke": "1"}, headers=here).content.decode()
    assert "Make a link" in page
    assert f'name="next" value="{address}"' in page
    assert browser.get(f"/shared/{link}/").status_code == 404


def test_names_of_tracks_are_text_in_the_figures_too(browser, person):
    journey = Playlist.objects.create(user=person, emotion="sad", wanted="happy", asked=2, seed=1)
    for rank in (1, 2):
        track = make_track(title="<script>alert(1)</script>")
        journey.entries.create(track=track, rank=rank, distance=0.1, score=0, reason="<b>")
    page = browser.get(f"/journeys/{journey.id}/").content.decode()
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_pages_ask_as_much_for_many_as_for_few(browser, person, catalogue, django_assert_max_num_queries):
    counts = []
    for k in (4, 12):
        address = make(browser, k=str(k)).url
        with django_assert_max_num_queries(12) as shown:
            browser.get(address)
        with django_assert_max_num_queries(8) as listed:
            browser.get(LIST)
        counts.append((len(shown), len(listed)))
    assert counts[0] == counts[1]


def test_journeys_beyond_the_first_twenty_are_on_further_pages(browser, person):
    made = [Playlist.objects.create(user=person, emotion="sad", wanted="happy", seed=n) for n in range(21)]
    first = browser.get(LIST).content.decode()
    assert reverse("playlists:journey_shown", args=[made[-1].id]) in first
    assert reverse("playlists:journey_shown", args=[made[0].id]) not in first
    assert 'href="?page=2"' in first
    last = browser.get(LIST, {"page": "2"}).content.decode()
    assert reverse("playlists:journey_shown", args=[made[0].id]) in last
    assert last.count("/delete/") == 1
