"""The first page, and what holds for the frame of every page."""

import re

import pytest
from django.template.loader import render_to_string

from detection.templatetags.emotions import adjective, percent
from emotune.emotions import EMOTIONS
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_stranger_reads_what_happens_to_a_face_before_signing_up(client):
    page = client.get("/").content.decode()
    assert "Your picture is not stored." in page
    assert "emotion recognition system" in page
    assert "/accounts/signup/" in page
    assert "/history/" not in page


def test_a_person_who_is_logged_in_goes_on_to_listen(client):
    client.force_login(make_user())
    page = client.get("/").content.decode()
    assert "/captures/new/" in page
    assert "/history/" in page
    assert "/accounts/signup/" not in page


def test_no_page_needs_inline_scripts_or_styles(client):
    response = client.get("/")
    page = response.content.decode()
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", page)


def test_htmx_is_told_to_need_neither_eval_nor_inline_styles(client):
    page = client.get("/").content.decode()
    assert '"includeIndicatorStyles": false' in page
    assert '"allowEval": false' in page
    assert "hx-headers" not in page  # a stranger's page is the same for all
    client.force_login(make_user())
    assert re.search(r'hx-headers=\'{"X-CSRFToken": "\w+"}\'', client.get("/").content.decode())


def test_what_is_not_there_says_so(client):
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_the_page_of_a_fault_needs_no_request():
    assert "Something went wrong" in render_to_string("500.html")
    assert "That request was not understood" in render_to_string("400.html")


def test_every_emotion_has_an_adjective():
    assert [adjective(name) for name in EMOTIONS][1:3] == ["disgusted", "afraid"]
    assert adjective("unheard of") == "unheard of"


@pytest.mark.parametrize(
    ("probability", "words"), [(0.931, "93"), (0.999, "99"), (1.0, "99"), (0.004, "0"), (None, "")]
)
def test_a_reading_is_never_called_certain(probability, words):
    assert percent(probability) == words
