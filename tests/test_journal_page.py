"""The page of the journal and its operation of the API: what they show, in which time zone, and to whom."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from detection.models import Status
from emotune.emotions import EMOTIONS
from playlists.listening import never_again, rate
from playlists.models import Listen, Playlist
from tests.api_site import bearing, check_problem, fresh_limits, token_of
from tests.factories import make_capture, make_track, make_user

__all__ = ["fresh_limits"]
pytestmark = pytest.mark.django_db

JOURNAL, API = "/journal/", "/api/v1/me/journal"
HTMX = {"HX-Request": "true"}
DAY = timedelta(days=1)


@pytest.fixture
def person():
    return make_user()


@pytest.fixture
def browser(client, person):
    client.force_login(person)
    return client


def read(user, emotion, *, days=0, **fields):
    at = timezone.now() - days * DAY
    return make_capture(user, **{"source": "camera", "chosen": "", "emotion": emotion, "created_at": at, **fields})


def hear(capture, track):
    playlist, _ = Playlist.objects.get_or_create(
        user=capture.user, capture=capture, emotion=capture.mood, defaults={"seed": 1}
    )
    return Listen.objects.create(user=capture.user, track=track, playlist=playlist, source="audio")


def page_of(browser, headers=None, **query):
    response = browser.get(JOURNAL, query, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_an_empty_journal_leads_to_the_camera(browser, person):
    read(person, "", status=Status.NO_FACE)
    page = page_of(browser)
    assert "Nothing yet" in page
    assert f'href="{reverse("detection:new")}"' in page
    assert 'id="journal"' not in page


def test_a_period_without_a_mood_says_so_and_shows_the_way_to_all(browser, person):
    read(person, "happy", days=40)
    page = page_of(browser, period="30-days")
    assert "No mood in the last 30 days" in page
    assert 'href="?period=all"' in page
    assert "Most often happy" in page_of(browser, period="all")


def test_one_mood_is_enough_for_every_chart(browser, person):
    make_capture(person, chosen="surprise")
    page = page_of(browser)
    assert "Most often surprised" in page
    assert "1 of 1 mood on 1 day" in page
    assert page.count('<use href="#day-surprise-1"') == 1
    assert "Nothing from a playlist yet" in page


def test_every_chart_has_a_table_with_the_same_figures(browser, person):
    for emotion in ("sad", "sad", "happy"):
        read(person, emotion)
    read(person, "fear", days=8, chosen="angry")
    page = page_of(browser)
    days, weeks, hours, matrix = re.findall(r'<table class="table.*?</table>', page, re.DOTALL)[:4]
    assert "<td>sad</td>" in days
    assert '<td class="number">2 of 3</td>' in days
    assert weeks.count('<th scope="row">') == 2
    assert hours.count('<th scope="row">') == 24
    assert matrix.count('<th scope="row">') == 7
    assert re.search(r'afraid</th><td class="number corrected">1</td>', matrix)
    assert page.count('role="img"') == 3
    assert " style=" not in page


def test_days_are_drawn_in_the_zone_of_the_address_the_cookie_or_else_utc(browser, person):
    read(person, "happy")
    assert 'data-time-zone="UTC"' in page_of(browser)
    browser.cookies["time_zone"] = "Asia/Tokyo"
    assert 'data-time-zone="Asia/Tokyo"' in page_of(browser)
    page = page_of(browser, time_zone="Europe/Berlin")
    assert 'data-time-zone="Europe/Berlin"' in page
    assert 'href="?time_zone=Europe%2FBerlin&amp;period=all"' in page
    browser.cookies["time_zone"] = "Mars/Olympus"
    assert 'data-time-zone="UTC"' in page_of(browser)


def test_it_rejects_a_period_and_a_zone_that_are_none(browser):
    for query, words in (({"period": "decade"}, "no such period"), ({"time_zone": "Mars"}, "is no time zone")):
        response = browser.get(JOURNAL, query)
        assert response.status_code == 422
        assert words in response.content.decode()


def test_the_part_that_changes_comes_alone_and_is_said_aloud(browser, person):
    read(person, "happy")
    part = page_of(browser, headers=HTMX, period="30-days")
    assert part.lstrip().startswith('<div class="stack" id="journal"')
    assert 'id="period-30-days" href="?period=30-days" hx-get="?period=30-days"' in part
    assert re.search(r'id="journal-said" hx-swap-oob="innerHTML">1 mood from .*, most often happy\.', part)
    assert part.count("aria-current") == 1


def test_what_was_heard_in_a_mood_can_be_played_and_rated_in_place(browser, person):
    happy, sad = read(person, "happy"), read(person, "sad")
    liked, kept_out = make_track("happy", title="Liked"), make_track("sad", title="Kept out")
    for _ in range(2):
        hear(happy, liked)
    hear(sad, kept_out)
    rate(user=person, track=liked, value=1)
    never_again(user=person, track=kept_out)
    page = page_of(browser)
    assert "Heard most when happy" in page
    assert re.findall(r'data-title="([^"]+)"', page) == ["Liked"]
    assert "heard 2 times" in page
    assert f'id="like-{liked.id}" name="value" value="0" aria-pressed="true"' in page
    page = page_of(browser, mood="sad")
    assert re.findall(r'data-title="([^"]+)"', page) == ["Kept out"]
    assert f'<input type="hidden" name="next" value="/journal/?mood=sad#track-{kept_out.id}">' in page


def test_strangers_have_no_journal(client):
    assert client.get(JOURNAL).url == "/accounts/login/?next=/journal/"


def test_the_number_of_queries_does_not_grow_with_what_a_person_did(browser, person):
    numbers = []
    for _ in range(2):
        for n in range(21):
            hear(read(person, EMOTIONS[n % 7], days=n), make_track())
        with CaptureQueriesContext(connection) as queries:
            page_of(browser)
        numbers.append(len(queries))
    assert numbers[0] == numbers[1] <= 13


# --- by API ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(client, person):
    def ask(*scopes, **query):
        return client.get(API, query, headers=bearing(token_of(person, *(scopes or ("read",)))))

    return ask


def test_a_program_reads_what_the_page_shows(ask, person):
    read(person, "happy", created_at=timezone.now().replace(hour=0) - 3 * DAY)
    capture = read(person, "neutral", chosen="sad")
    track = make_track("sad")
    hear(capture, track)
    found = ask().json()
    assert found["moods"]["moods"] == 2
    assert [day["emotion"] for day in found["days"]] == ["happy", "sad"]
    assert found["days"][1]["by_emotion"]["sad"] == 1
    assert sum(hour["moods"] for hour in found["hours"]) == sum(week["moods"] for week in found["weeks"]) == 2
    assert found["readings"] == [
        {"read": "neutral", "said": "sad", "captures": 1},
        {"read": "happy", "said": None, "captures": 1},
    ]
    (heard,) = found["heard"]
    assert (heard["emotion"], heard["listens"], heard["tracks"][0]["track"]["id"]) == ("sad", 1, track.id)
    assert heard["artists"] == [{"artist": track.artist, "listens": 1}]


def test_a_program_names_the_period_and_the_time_zone(ask, person):
    read(person, "happy", created_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    found = ask(period="all", time_zone="Europe/Berlin").json()
    assert found["days"][0]["day"] == found["since"] == "2026-02-01"
    assert (found["time_zone"], found["period"]) == ("Europe/Berlin", "all")


def test_an_empty_journal_by_api_has_the_same_shape(ask):
    found = ask().json()
    assert found["moods"] == {"emotion": None, "moods": 0, "by_emotion": dict.fromkeys(EMOTIONS, 0)}
    assert (found["days"], found["heard"], len(found["hours"]), len(found["weeks"])) == ([], [], 24, 53)


def test_it_rejects_what_is_no_period_no_zone_or_not_allowed(ask):
    assert check_problem(ask(period="decade"), 422)["errors"][0]["parameter"] == "period"
    assert check_problem(ask(time_zone="Mars"), 422)["errors"][0]["parameter"] == "time_zone"
    check_problem(ask(colour="red"), 422)
    check_problem(ask("capture"), 403)
