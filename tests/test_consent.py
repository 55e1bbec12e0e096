"""Consent to the camera: given once, withdrawn at any time, asked again when its text changes."""

import re

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import CONSENT_VERSION, Consent
from accounts.services import give_consent, withdraw_consent
from detection.models import Capture
from tests.factories import make_user

CONSENT = "/account/consent/"
SHOWN = {"version": CONSENT_VERSION}
WITHDRAW = "/account/consent/withdraw/"


@pytest.fixture
def ada(client):
    user = make_user(email="ada@example.org")
    client.force_login(user)
    return user


@pytest.mark.django_db
class TestServices:
    def test_consent_is_kept_with_its_version_and_time(self):
        user, before = make_user(), timezone.now()
        consent = give_consent(user=user)
        assert consent.version == CONSENT_VERSION
        assert before <= consent.given_at <= timezone.now()
        assert user.allows_camera

    def test_nobody_agreed_from_the_start(self):
        assert not make_user().allows_camera

    def test_agreeing_twice_is_agreeing_once(self):
        user = make_user()
        assert give_consent(user=user) == give_consent(user=user)
        assert Consent.objects.count() == 1

    def test_agreeing_in_another_window_at_the_same_moment_leaves_one_row(self, monkeypatch):
        user = make_user()
        find, misses = QuerySet.get, iter([True])

        def look(queryset, *args, **kwargs):
            """Find nothing the first time, and let the other window be faster than the INSERT that follows."""
            if queryset.model is Consent and next(misses, False):
                Consent.objects.create(user=user, version=CONSENT_VERSION)
                raise Consent.DoesNotExist
            return find(queryset, *args, **kwargs)

        monkeypatch.setattr(QuerySet, "get", look)
        assert give_consent(user=user).pk == Consent.objects.values_list("pk", flat=True)[0]
        assert Consent.objects.count() == 1

    def test_the_database_refuses_a_second_consent_in_force(self):
        consent = give_consent(user=make_user())
        with pytest.raises(IntegrityError), transaction.atomic():
            Consent.objects.create(user=consent.user, version=consent.version)

    def test_withdrawing_keeps_the_row_and_ends_it(self):
        user = make_user()
        given = give_consent(user=user)
        assert withdraw_consent(user=user) == 1
        given.refresh_from_db()
        assert given.withdrawn_at is not None
        assert given.withdrawn_at >= given.given_at
        assert not user.allows_camera

    def test_withdrawing_drops_the_pictures_that_wait(self, monkeypatch, django_capture_on_commit_callbacks):
        dropped = []
        monkeypatch.setattr("detection.images.drop", lambda *captures: dropped.extend(captures))
        user, other = make_user(), make_user()
        waiting = [Capture.objects.create(user=person, source="upload") for person in (user, other)]
        Capture.objects.create(user=user, source="upload", status="done")
        with django_capture_on_commit_callbacks(execute=True):
            assert withdraw_consent(user=user) == 0
        assert dropped == []
        give_consent(user=user)
        with django_capture_on_commit_callbacks(execute=True):
            withdraw_consent(user=user)
        assert dropped == [waiting[0].id]

    def test_withdrawing_twice_keeps_the_first_time(self):
        user = make_user()
        give_consent(user=user)
        withdraw_consent(user=user)
        first = Consent.objects.get().withdrawn_at
        assert withdraw_consent(user=user) == 0
        assert Consent.objects.get().withdrawn_at == first

    def test_agreeing_again_adds_to_the_history(self):
        user = make_user()
        give_consent(user=user)
        withdraw_consent(user=user)
        give_consent(user=user)
        assert user.allows_camera
        assert Consent.objects.count() == 2

    def test_it_ends_consents_to_earlier_texts_too(self):
        user = make_user()
        Consent.objects.create(user=user, version="2020-01")
        give_consent(user=user)
        assert withdraw_consent(user=user) == 2

    def test_one_person_agrees_for_nobody_else(self):
        one, other = make_user(), make_user()
        give_consent(user=one)
        assert not other.allows_camera
        withdraw_consent(user=other)
        assert one.allows_camera

    def test_agreement_to_an_earlier_text_does_not_count(self):
        user = make_user()
        Consent.objects.create(user=user, version="2020-01")
        assert not user.allows_camera


@pytest.mark.django_db
class TestPages:
    def test_the_text_answers_first_whether_pictures_are_stored(self, client, ada):
        text = client.get(CONSENT).content.decode()
        headings = re.findall(r"<h2>(.*?)</h2>", text)
        assert headings[0] == "Do you store my picture?"
        assert text.index(headings[0]) < text.index("<strong>No.</strong>") < text.index(headings[1])

    def test_the_text_says_how_long_pictures_are_held(self, client, ada):
        assert django_settings.CAPTURE_TTL.total_seconds() == 5 * 60
        assert "for at most five minutes" in client.get(CONSENT).content.decode()

    def test_the_text_names_the_law_the_limits_and_the_way_without_a_camera(self, client, ada):
        text = client.get(CONSENT).content.decode()
        for words in (
            "Article 50(3)",
            "Article 5(1)(f)",
            "An expression is not a feeling",
            f"Version {CONSENT_VERSION}",
        ):
            assert words in text
        assert reverse("detection:new") + "?camera=no" in text
        assert reverse("accounts:profile") in text

    def test_the_way_without_a_camera_stands_first_until_one_agreed(self, client, ada):
        way = f'<p><a class="button quiet" href="{reverse("detection:new")}?camera=no">Name my mood instead</a></p>'
        text = client.get(CONSENT).content.decode()
        assert re.search(rf"</h1>\s*{re.escape(way)}", text)
        Consent.objects.create(user=ada, version="2020-01")
        assert way in client.get(CONSENT).content.decode()
        give_consent(user=ada)
        assert way not in client.get(CONSENT).content.decode()

    def test_looking_is_not_agreeing(self, client, ada):
        client.get(CONSENT)
        assert not ada.allows_camera

    def test_agreeing_leads_to_the_camera(self, client, ada):
        assert client.post(CONSENT, SHOWN).url == reverse("detection:new")
        assert ada.allows_camera
        assert client.get(reverse("detection:new")).status_code == 200

    def test_agreeing_leads_back_to_the_page_that_asked(self, client, ada):
        page = client.get(CONSENT, {"next": "/account/"}).content.decode()
        assert '<input type="hidden" name="next" value="/account/">' in page
        assert client.post(CONSENT, {**SHOWN, "next": "/account/"}).url == "/account/"

    def test_the_form_says_which_text_it_stands_below(self, client, ada):
        page = client.get(CONSENT).content.decode()
        assert f'<input type="hidden" name="version" value="{CONSENT_VERSION}">' in page

    @pytest.mark.parametrize("form", [{}, {"version": ""}, {"version": "2020-01"}])
    def test_agreeing_to_another_text_than_the_present_one_is_agreeing_to_none(self, client, ada, form):
        response = client.post(CONSENT, {**form, "next": "/account/"})
        page = response.content.decode()
        assert response.status_code == 422
        assert "This text has changed since you opened the page. Please read it once more." in page
        assert f'name="version" value="{CONSENT_VERSION}"' in page
        assert '<input type="hidden" name="next" value="/account/">' in page
        assert not Consent.objects.exists()

    @pytest.mark.parametrize(
        "target", ["https://example.com/", "//example.com", "javascript:alert(1)", "http:///x.com"]
    )
    def test_it_ignores_a_foreign_next(self, client, ada, target):
        assert client.post(CONSENT, {**SHOWN, "next": target}).url == reverse("detection:new")

    def test_it_does_not_ask_a_person_who_agreed(self, client, ada):
        give_consent(user=ada)
        text = client.get(CONSENT).content.decode()
        assert "You agreed to this on" in text
        assert "I agree</button>" not in text

    def test_a_person_who_agreed_to_an_earlier_text_is_asked_again(self, client, ada):
        Consent.objects.create(user=ada, version="2020-01")
        assert client.get(reverse("detection:new")).url.startswith(CONSENT)
        assert "This text has changed since you agreed" in client.get(CONSENT).content.decode()
        client.post(CONSENT, SHOWN)
        assert client.get(reverse("detection:new")).status_code == 200

    def test_withdrawing_closes_the_camera_and_the_profile_says_so(self, client, ada):
        give_consent(user=ada)
        page = client.post(WITHDRAW, follow=True).content.decode()
        assert "emotune may not read pictures of you" in page
        assert client.get(reverse("detection:new")).url.startswith(CONSENT)

    def test_withdrawing_takes_a_click_and_not_a_link(self, client, ada):
        give_consent(user=ada)
        assert client.get(WITHDRAW).status_code == 405
        assert ada.allows_camera

    def test_strangers_are_asked_to_log_in(self, client):
        login = reverse("account_login")
        assert client.get(CONSENT).url == f"{login}?next={CONSENT}"
        assert client.post(CONSENT).url.startswith(login)
        assert client.post(WITHDRAW).url.startswith(login)
        assert not Consent.objects.exists()

    def test_other_pages_of_the_web_cannot_agree_for_a_person(self, ada):
        client = Client(enforce_csrf_checks=True)
        client.force_login(ada)
        assert client.post(CONSENT).status_code == 403
        assert not ada.allows_camera
