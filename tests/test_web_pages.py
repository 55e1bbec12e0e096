"""What holds for pages whatever they show: a session that ended, forms opened as pages, the texts about emotune."""

import pytest
from django.urls import reverse

from tests.factories import make_capture, make_user

pytestmark = pytest.mark.django_db

FORM_PAGE = "http://testserver/captures/new/?camera=no"


def test_a_form_of_a_session_that_ended_leads_to_the_login_and_back_to_its_page(client):
    response = client.post(reverse("detection:name_mood"), {"emotion": "sad"}, headers={"Referer": FORM_PAGE})
    assert response.url == "/accounts/login/?next=/captures/new/%3Fcamera%3Dno"
    page = client.get(response.url).content.decode()
    assert "You are no longer logged in, so that was not done." in page
    assert 'value="/captures/new/?camera=no"' in page


@pytest.mark.parametrize("referer", ["", "https://elsewhere.example/page/", "http://testserver/captures/name/"])
def test_a_form_from_nowhere_leads_back_to_the_first_page(client, referer):
    response = client.post(reverse("detection:name_mood"), {"emotion": "sad"}, headers={"Referer": referer})
    assert response.url == "/accounts/login/?next=/"


LISTEN = '<a class="button quiet" href="/captures/new/">Listen</a>'


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        (FORM_PAGE, FORM_PAGE),
        ("http://testserver/captures/name/", "http://testserver/captures/name/"),
        ("", "/"),
        ("https://elsewhere.example/page/", "/"),
        ("http://elsewhere.example/", "/"),
        ("javascript://testserver/%0aalert(1)", "/"),
        ("//elsewhere.example/", "/"),
    ],
)
def test_a_refused_form_leads_back_to_the_page_that_it_stood_on(client, referer, back):
    client.force_login(make_user())
    response = client.post(reverse("detection:name_mood"), {"emotion": "bored"}, headers={"Referer": referer})
    assert response.status_code == 422
    assert f'<a class="button" href="{back}">Back</a>' in response.content.decode()
    assert LISTEN in response.content.decode()


def test_a_refused_import_or_search_leads_back_to_its_form(client, settings):
    client.force_login(make_user())
    for ask, name, fields in (
        (client.post, "playlists:import", {"kind": ""}),
        (client.get, "playlists:history", {"since": "soon"}),
    ):
        address = f"http://testserver{reverse(name)}"
        page = ask(reverse(name), fields, headers={"Referer": address}).content.decode()
        assert f'<a class="button" href="{address}">Back</a>' in page
    settings.LARGER_BODIES = {reverse("playlists:import"): 10}
    page = client.post(reverse("playlists:import"), {"kind": "x" * 99}, headers={"Referer": FORM_PAGE}).content.decode()
    assert f'<a class="button" href="{FORM_PAGE}">Back</a>' in page


def test_a_search_that_is_refused_does_not_lead_to_itself(client):
    client.force_login(make_user())
    itself = f"{reverse('playlists:history')}?since=soon"
    page = client.get(itself, headers={"Referer": f"http://testserver{itself}"}).content.decode()
    assert '<a class="button" href="/">Back</a>' in page


def test_a_page_that_asks_by_itself_comes_back_to_where_it_was(client):
    capture = make_capture(make_user())
    where = reverse("detection:show", args=[capture.id])
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{where}"}
    response = client.get(reverse("detection:outcome", args=[capture.id]), headers=headers)
    assert response["HX-Redirect"] == f"/accounts/login/?next={where}"


def test_a_page_that_needs_a_login_says_nothing_of_an_ended_session(client):
    response = client.get("/account/")
    assert response.url == "/accounts/login/?next=/account/"
    assert "no longer logged in" not in client.get(response.url).content.decode()


def test_the_address_of_a_form_opened_as_a_page_says_so(client):
    client.force_login(make_user())
    response = client.get(reverse("detection:submit"))
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "This address takes a form" in response.content.decode()


def test_the_texts_tell_how_long_a_picture_lives_as_the_settings_have_it(client):
    page = client.get(reverse("privacy")).content.decode()
    assert "after 5 minutes" in page
    for words in ("AES-256", "Article 9(2)(a)", "Article 50(3)", "never written to a disk", "telemetry"):
        assert words in page, words


def test_how_it_works_tells_its_limits(client):
    page = client.get(reverse("about")).content.decode()
    for words in ("An expression is not a feeling", "It is often wrong", "Article 5(1)(f)", reverse("privacy")):
        assert words in page, words


def test_every_page_leads_to_the_texts_and_to_the_menu(client):
    page = client.get("/").content.decode()
    assert f'href="{reverse("about")}"' in page
    assert f'href="{reverse("privacy")}"' in page
    assert 'popovertarget="menu"' in page


def test_the_menu_names_the_page_that_is_open(client):
    client.force_login(make_user())
    page = client.get(reverse("playlists:browse")).content.decode()
    assert f'<a href="{reverse("playlists:browse")}" aria-current="page">Tracks</a>' in page
    assert page.count("aria-current") == 1
