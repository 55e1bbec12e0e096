"""Pages of captures: taking one, following it, putting it right, deleting it, with and without JavaScript."""

import io
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from fakeredis import FakeRedis, FakeServer
from PIL import Image

from detection import images
from detection.models import Capture, Source, Status
from detection.views import poll_delay
from emotune import limits
from emotune.emotions import EMOTIONS
from tests.factories import make_capture, make_user

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/captures/new/"}
SCORES = {"angry": 0.01, "disgust": 0.0, "fear": 0.01, "happy": 0.93, "sad": 0.02, "surprise": 0.02, "neutral": 0.01}


@pytest.fixture(autouse=True)
def store(monkeypatch):
    """A store in memory, as `make run` has; `connected` switches it off."""
    server = FakeServer()
    monkeypatch.setattr("emotune.store.client", lambda: FakeRedis(server=server))
    return server


@pytest.fixture
def person():
    return make_user(consents=True)


@pytest.fixture
def browser(client, person):
    client.force_login(person)
    return client


def photograph(name="face.jpg"):
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "tan").save(picture, "JPEG")
    return SimpleUploadedFile(name, picture.getvalue(), "image/jpeg")


def read_capture(person, **fields):
    values = {
        "source": Source.CAMERA,
        "chosen": "",
        "emotion": "happy",
        "confidence": 0.93,
        "scores": SCORES,
        "faces": 1,
    }
    return make_capture(person, **{**values, **fields})


def page_of(browser, capture):
    return browser.get(reverse("detection:show", args=[capture.id])).content.decode()


def outcome_of(browser, capture, **query):
    return browser.get(reverse("detection:outcome", args=[capture.id]), query, headers=HTMX)


# --- taking one -----------------------------------------------------------------------------------------------------


def test_a_stranger_is_asked_to_log_in(client):
    response = client.get(reverse("detection:new"))
    assert response.url == "/accounts/login/?next=/captures/new/"


def test_the_first_visit_leads_to_the_consent(client):
    client.force_login(make_user())
    assert client.get(reverse("detection:new")).url == "/account/consent/?next=%2Fcaptures%2Fnew%2F"


def test_without_a_camera_only_the_mood_is_asked_for(client):
    client.force_login(make_user())
    page = client.get(reverse("detection:new"), {"camera": "no"}).content.decode()
    assert 'id="name-form"' in page
    assert 'type="file"' not in page
    assert "camera.js" not in page


def test_with_consent_there_are_three_ways(browser):
    page = browser.get(reverse("detection:new")).content.decode()
    for part in ("camera-form", "upload-form", "name-form", 'data-max-bytes="12582912"'):
        assert part in page
    assert all(f'value="{emotion}"' in page for emotion in EMOTIONS)


def test_an_upload_without_javascript_leads_to_the_page_of_the_capture(browser, person, store):
    response = browser.post(reverse("detection:submit"), {"source": "upload", "frames": photograph()})
    capture = Capture.objects.get(user=person)
    assert response.url == reverse("detection:show", args=[capture.id])
    assert (capture.source, capture.status) == (Source.UPLOAD, Status.QUEUED)
    assert len(images.fetch(capture.id)) == 1


def test_a_burst_of_frames_is_answered_with_the_waiting_outcome(browser, person):
    frames = [photograph(f"frame-{n}.jpg") for n in range(4)]
    response = browser.post(reverse("detection:submit"), {"source": "camera", "frames": frames}, headers=HTMX)
    capture = Capture.objects.get(user=person)
    assert response.status_code == 202
    assert response["HX-Push-Url"] == reverse("detection:show", args=[capture.id])
    assert reverse("detection:outcome", args=[capture.id]) in response.content.decode()
    assert capture.source == Source.CAMERA
    assert len(images.fetch(capture.id)) == 4


def test_a_picture_that_cannot_be_read_is_refused_with_a_sentence(browser, person):
    text = SimpleUploadedFile("face.jpg", b"no picture", "image/jpeg")
    response = browser.post(reverse("detection:submit"), {"frames": text}, headers=HTMX)
    assert response.status_code == 422
    assert response["HX-Retarget"] == "#notices"
    assert "not a JPEG, PNG or WebP picture" in response.content.decode()
    assert not person.captures.exists()


def test_without_javascript_the_sentence_stands_on_a_page(browser):
    response = browser.post(reverse("detection:submit"))
    assert response.status_code == 422
    assert "<h1>That did not work</h1>" in response.content.decode()
    assert "Please send one picture" in response.content.decode()


def test_pictures_need_consent(client):
    client.force_login(make_user())
    response = client.post(reverse("detection:submit"), {"frames": photograph()})
    assert response.status_code == 403
    assert "agree to the camera first" in response.content.decode()


def test_too_many_captures_are_put_off(browser, settings, monkeypatch):
    settings.CAPTURES_PER_MINUTE = 1
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: 1_000_000.0))
    cache.clear()  # the person of the test before had the same number
    assert browser.post(reverse("detection:submit"), {"frames": photograph()}, headers=HTMX).status_code != 429
    response = browser.post(reverse("detection:submit"), {"frames": photograph()}, headers=HTMX)
    assert response.status_code == 429
    assert response["Retry-After"] == "20"


def test_a_store_that_is_away_is_named(browser, person, store):
    store.connected = False
    response = browser.post(reverse("detection:submit"), {"frames": photograph()}, headers=HTMX)
    assert response.status_code == 503
    assert "cannot be reached" in response.content.decode()
    assert not person.captures.exists()


def test_naming_a_mood_needs_no_consent(client):
    person = make_user()
    client.force_login(person)
    response = client.post(reverse("detection:name_mood"), {"emotion": "sad"})
    capture = person.captures.get()
    assert response.url == reverse("detection:show", args=[capture.id])
    assert "You feel sad" in page_of(client, capture)


def test_naming_something_else_is_refused(browser):
    assert browser.post(reverse("detection:name_mood"), {"emotion": "bored"}).status_code == 422


def test_an_expired_session_leads_from_a_fragment_to_the_login_and_back(client):
    response = client.post(reverse("detection:submit"), headers=HTMX)
    assert response.status_code == 200
    assert response["HX-Redirect"] == "/accounts/login/?next=/captures/new/"


# --- following it ---------------------------------------------------------------------------------------------------


def waiting_for_a_second(person):
    then = timezone.now() - timedelta(seconds=1)
    return read_capture(person, status=Status.QUEUED, emotion="", scores=None, created_at=then)


def test_an_open_capture_looks_again_by_itself_with_and_without_javascript(browser, person):
    page = page_of(browser, waiting_for_a_second(person))
    assert 'hx-trigger="every 400ms"' in page
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page


def test_nothing_is_sent_while_nothing_has_changed(browser, person):
    capture = waiting_for_a_second(person)
    assert outcome_of(browser, capture, seen="queued-400-0").status_code == 204
    Capture.objects.update(status=Status.READING, claimed_at=timezone.now())
    response = outcome_of(browser, capture, seen="queued-400-0")
    assert response.status_code == 200
    assert "Reading your face" in response.content.decode()


def test_what_has_the_focus_keeps_it_while_the_page_waits(browser, person):
    capture = waiting_for_a_second(person)
    page = outcome_of(browser, capture).content.decode()
    assert f'id="choose-{capture.id}"' in page
    assert f'id="delete-{capture.id}"' in page


def test_an_outcome_that_htmx_brings_has_the_title_of_its_page(browser, person):
    capture = read_capture(person)
    title = re.findall(r"<title>.*?</title>", page_of(browser, capture))
    assert title == ["<title>What emotune read · emotune</title>"]
    answers = [
        outcome_of(browser, capture),
        browser.post(reverse("detection:choose", args=[capture.id]), {"emotion": "sad"}, headers=HTMX),
        browser.post(reverse("detection:name_mood"), {"emotion": "sad"}, headers=HTMX),
        browser.post(reverse("detection:submit"), {"frames": photograph()}, headers=HTMX),
    ]
    for answer in answers:
        assert re.findall(r"<title>.*?</title>", answer.content.decode().strip()) == title
        assert answer.content.decode().strip().startswith(title[0])


def test_the_looks_become_rarer():
    assert [poll_delay(seconds) for seconds in (0, 0.5, 3.9, 4, 10, 29, 30, 10_000)] == [
        150,
        400,
        400,
        1000,
        2000,
        2000,
        3000,
        3000,
    ]


def test_a_broker_that_is_away_is_named_and_nothing_is_lost(browser, person, store):
    store.connected = False
    now = timezone.now()
    capture = read_capture(person, status=Status.QUEUED, emotion="", scores=None, created_at=now - timedelta(seconds=9))
    assert "The reader cannot be reached" in outcome_of(browser, capture).content.decode()


def test_a_reading_is_told_in_words_and_seven_bars(browser, person):
    page = outcome_of(browser, read_capture(person)).content.decode()
    assert "You look happy, 93 % sure" in page
    assert page.count("<rect") == 7
    assert '<rect width="93"' in page
    assert 'hx-trigger="every' not in page
    assert "faces" not in page


def test_several_faces_are_mentioned(browser, person):
    assert "There were 3 faces" in page_of(browser, read_capture(person, faces=3))


def test_the_playlist_is_loaded_into_the_page_or_linked(browser, person):
    capture = read_capture(person)
    address = reverse("playlists:for_capture", args=[capture.id])
    page = page_of(browser, capture)
    assert f'hx-get="{address}"' in page
    assert f'href="{address}"' in page


def test_an_unsure_reading_offers_its_two_first(browser, person):
    scores = {**dict.fromkeys(EMOTIONS, 0.02), "surprise": 0.5, "happy": 0.4}
    page = page_of(browser, read_capture(person, status=Status.UNSURE, emotion="surprise", scores=scores))
    assert "Surprised or happy? You know best" in page
    assert "playlist" not in page


@pytest.mark.parametrize(
    ("status", "problem", "words"),
    [
        (Status.NO_FACE, "", "let light fall on your face"),
        (Status.FAILED, "Damaged; send it again.", "Damaged; send it again."),
        (Status.EXPIRED, "Nobody read it in time.", "Nobody read it in time."),
    ],
)
def test_what_was_not_read_says_what_to_do(browser, person, status, problem, words):
    page = page_of(browser, read_capture(person, status=status, problem=problem, emotion="", scores=None))
    assert words in page
    assert "Try again" in page
    assert 'value="happy"' in page


def test_an_outcome_opened_as_a_page_leads_to_the_page(browser, person):
    capture = read_capture(person)
    response = browser.get(reverse("detection:outcome", args=[capture.id]))
    assert response.url == reverse("detection:show", args=[capture.id])


@pytest.mark.parametrize("name", ["show", "outcome"])
def test_another_persons_capture_is_not_there(browser, name):
    capture = read_capture(make_user())
    assert browser.get(reverse(f"detection:{name}", args=[capture.id])).status_code == 404


# --- putting it right, deleting it ----------------------------------------------------------------------------------


def test_a_correction_is_one_click_and_undone_by_one(browser, person):
    capture = read_capture(person)
    address = reverse("detection:choose", args=[capture.id])
    page = browser.post(address, {"emotion": "sad"}, headers=HTMX).content.decode()
    assert "You feel sad" in page
    assert "emotune had read happy" in page
    assert "Undo my choice" in page
    page = browser.post(address, {"emotion": ""}, headers=HTMX).content.decode()
    assert "You look happy" in page


def test_a_correction_works_without_javascript(browser, person):
    capture = read_capture(person)
    response = browser.post(reverse("detection:choose", args=[capture.id]), {"emotion": "sad"})
    assert response.url == reverse("detection:show", args=[capture.id])
    capture.refresh_from_db()
    assert capture.mood == "sad"


def test_a_capture_is_deleted_from_its_row_or_from_a_page(browser, person):
    first, second = read_capture(person), read_capture(person)
    response = browser.post(reverse("detection:delete", args=[first.id]), headers=HTMX)
    assert "Deleted" in response.content.decode()
    response = browser.post(reverse("detection:delete", args=[second.id]))
    assert response.url == reverse("playlists:moods")
    assert "The reading was deleted." in browser.get(response.url).content.decode()
    assert not person.captures.exists()


@pytest.mark.parametrize(
    ("fields", "link", "question"),
    [
        ({}, "Delete this reading", "Delete this reading with its playlist?"),
        ({"status": Status.UNSURE}, "Delete this reading", "Delete this reading?"),
        ({"status": Status.QUEUED, "emotion": "", "scores": None}, "Delete the picture now", "Delete this picture?"),
        ({"source": Source.NAMED, "chosen": "sad"}, "Delete this mood", "Delete this mood with its playlist?"),
    ],
)
def test_a_capture_is_deleted_where_it_is_shown_after_a_question(browser, person, fields, link, question):
    capture = read_capture(person, **fields)
    address = reverse("detection:delete", args=[capture.id])
    assert re.search(rf'href="{address}">{link}</a>', page_of(browser, capture))
    page = browser.get(address).content.decode()
    assert f"<h1>{question}</h1>" in page
    assert "This cannot be undone." in page
    assert f'href="{reverse("detection:show", args=[capture.id])}">Keep it</a>' in page
    assert Capture.objects.filter(id=capture.id).exists()
    assert browser.post(address).url == reverse("playlists:moods")
    assert not Capture.objects.exists()


def test_deleting_a_capture_that_waits_drops_its_picture(browser, person):
    browser.post(reverse("detection:submit"), {"source": "upload", "frames": photograph()})
    capture = Capture.objects.get(user=person)
    assert len(images.fetch(capture.id)) == 1
    browser.post(reverse("detection:delete", args=[capture.id]))
    assert not images.fetch(capture.id)


def test_a_row_of_the_history_leads_to_the_question_and_asks_by_itself_where_it_can(browser, person):
    address = reverse("detection:delete", args=[read_capture(person).id])
    page = browser.get(reverse("playlists:moods")).content.decode()
    assert f'href="{address}" hx-post="{address}"' in page
    assert 'hx-confirm="Delete this reading with its playlist? This cannot be undone."' in page


def test_a_mood_can_be_changed_by_a_journey_from_where_it_is_shown(browser, person):
    capture = read_capture(person)
    address = f"{reverse('playlists:journeys')}?capture={capture.id}"
    assert f'href="{address}">Change this mood</a>' in page_of(browser, capture)
    assert '<option value="capture" selected>happy' in browser.get(address).content.decode()


@pytest.mark.parametrize("name", ["choose", "delete"])
def test_another_persons_capture_stays_as_it_is(browser, name):
    capture = read_capture(make_user())
    assert browser.post(reverse(f"detection:{name}", args=[capture.id]), {"emotion": "sad"}).status_code == 404
    capture.refresh_from_db()
    assert capture.mood == "happy"


@pytest.mark.parametrize(("name", "status"), [("choose", 405), ("delete", 200)])
def test_a_link_changes_nothing(browser, person, name, status):
    capture = read_capture(person)
    assert browser.get(reverse(f"detection:{name}", args=[capture.id])).status_code == status
    assert Capture.objects.filter(id=capture.id).exists()
