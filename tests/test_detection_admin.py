"""Captures in the admin: listed without pictures, deleted, and how often people let a reading stand."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from detection.admin import agreement
from detection.models import Capture, Source, Status
from detection.queries import weekly_agreement
from emotune.emotions import EMOTIONS
from playlists.models import Playlist, PlaylistTrack
from tests.factories import make_track

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss():
    return User.objects.create_superuser(email="boss@example.org", password="x")


def read(user, emotion, chosen="", weeks_ago=0, status=Status.DONE):
    at = timezone.now() - timedelta(weeks=weeks_ago)
    return Capture.objects.create(
        user=user, source=Source.CAMERA, status=status, emotion=emotion, chosen=chosen, created_at=at, confidence=0.7
    )


def test_agreement_counts_what_people_put_right(boss, django_assert_num_queries):
    for chosen in ("", "happy", "neutral", ""):
        read(boss, "happy", chosen)
    read(boss, "sad", "angry", weeks_ago=3)
    read(boss, "fear", weeks_ago=40)
    read(boss, "fear", "sad", status=Status.UNSURE)
    with django_assert_num_queries(1):
        rows = list(weekly_agreement(26))
    assert [(emotion, readings, wrong) for _, emotion, readings, wrong in rows] == [("sad", 1, 1), ("happy", 4, 1)]
    assert all(monday.weekday() == 0 for monday, *_ in rows)
    shown = agreement()
    assert shown["totals"][EMOTIONS.index("happy")] == (4, 1, 0.75)
    assert shown["totals"][EMOTIONS.index("fear")] == (0, 0, None)
    assert len(shown["weeks"]) == 2
    assert shown["drawing"].count("<circle") == 4  # two emotions and all, all in both weeks
    assert re.search(r"all, \d\d \w+: 75 % of 4", shown["drawing"])
    trend = re.search(r'data-emotion="happy".*?points="(\S+)"', shown["drawing"], re.DOTALL)
    assert trend, "happy: nothing in the first of four weeks"


def test_the_list_and_the_agreement_show_no_picture_and_nothing_to_add(client, boss):
    read(boss, "happy", "sad")
    client.force_login(boss)
    words = client.get(reverse("admin:detection_capture_changelist")).content.decode()
    assert "Agreement by emotion" in words
    assert "happy" in words
    assert "<img" not in words
    assert client.get(reverse("admin:detection_capture_add")).status_code == 403
    page = client.get(reverse("admin:detection_capture_agreement")).content.decode()
    assert "0.0 % (1)" in page
    assert "<svg" in page
    assert "style=" not in page.split('id="content-main"')[1].split("</svg>")[0]


def test_nobody_but_staff_with_the_right_sees_the_agreement(client, boss):
    clerk = User.objects.create_user(email="clerk@example.org", password="x", is_staff=True)
    client.force_login(clerk)
    assert client.get(reverse("admin:detection_capture_agreement")).status_code == 403
    client.force_login(boss)
    assert "Nothing was read" in client.get(reverse("admin:detection_capture_agreement")).content.decode()


def test_captures_are_deleted_one_by_one_or_many(client, boss):
    first, *others = [read(boss, "happy") for _ in range(3)]
    client.force_login(boss)
    client.post(reverse("admin:detection_capture_delete", args=[first.pk]), {"post": "yes"})
    assert Capture.objects.count() == 2
    data = {"action": "delete_selected", "_selected_action": [str(c.pk) for c in others], "post": "yes"}
    client.post(reverse("admin:detection_capture_changelist"), data)
    assert Capture.objects.count() == 0


def test_before_captures_are_deleted_what_goes_along_is_counted_and_nobody_is_named(client, boss):
    person = User.objects.create_user(email="ada@example.org", password="x")
    client.force_login(boss)
    counts = []
    captures = []
    for playlists in (1, 6):
        captures.append(capture := read(person, "happy"))
        for seed in range(playlists):
            made = Playlist.objects.create(user=person, capture=capture, emotion="happy", asked=seed, seed=seed)
            PlaylistTrack.objects.create(playlist=made, track=make_track(), rank=1, distance=0, score=0)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(reverse("admin:detection_capture_delete", args=[capture.pk])).content.decode()
        counts.append(len(queries))
        for words in ("Captures: 1", f"Playlists: {playlists}", f"Playlist tracks: {playlists}"):
            assert f"<li>{words}</li>" in page
        assert "ada@example.org" not in page
    assert counts[0] == counts[1]
    data = {"action": "delete_selected", "_selected_action": [str(capture.pk) for capture in captures]}
    page = client.post(reverse("admin:detection_capture_changelist"), data).content.decode()
    assert "<li>Playlists: 7</li>" in page
    assert "ada@example.org" not in page


def test_the_list_asks_as_often_for_many_captures_as_for_few(client, boss):
    client.force_login(boss)
    counts = []
    for _ in range(2):
        for _ in range(10):
            read(boss, "happy")
        with CaptureQueriesContext(connection) as queries:
            page = client.get(reverse("admin:detection_capture_changelist")).content.decode()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert "70%" in page
