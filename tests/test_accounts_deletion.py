"""The end of an account: no row, file or key of the person is left anywhere, and others keep everything."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from accounts.archive import make_export
from accounts.deletion import NOBODY, delete_account
from accounts.events import record
from accounts.exports import request_export
from accounts.models import AccountEvent, Export, Happening, User
from accounts.services import give_consent, set_preferences
from accounts.tokens import authenticate, create_token
from detection import images
from emotune.cache import PREFIX
from emotune.errors import NotAllowed
from playlists.models import (
    HistoryImport,
    Listen,
    NeverAgain,
    NeverArtist,
    Playlist,
    PlaylistTrack,
    Rating,
    Share,
    Skip,
)
from tests.accounts_site import (
    PASSWORD,
    is_logged_in,
    log_in,
    make_person,
    quick_passwords_and_fresh_limits,  # noqa: F401
    sign_up,
)
from tests.factories import make_capture, make_track

pytestmark = pytest.mark.django_db
PAGE = "/account/delete/"


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def store(redis_url):
    return redis.Redis.from_url(redis_url, decode_responses=True)


@pytest.fixture
def track():
    return make_track()


def live(user: User, track) -> None:
    """Let a person do everything that leaves something."""
    client = Client()
    log_in(client, user.email)
    assert is_logged_in(client)
    give_consent(user=user)
    set_preferences(user=user, tracks=20)
    create_token(user=user, name=f"of {user.email}", scopes=["read"])
    Authenticator.objects.create(user=user, type="recovery_codes", data={"seed": user.email})
    Authenticator.objects.create(user=user, type="webauthn", data={"name": f"phone of {user.email}"})
    stopped_at_the_passkey(user)
    waiting = make_capture(user, source="camera", status="queued", chosen="")
    images.put(waiting.id, [b"a face"])
    playlist = Playlist.objects.create(user=user, capture=make_capture(user), emotion="sad", seed=1)
    PlaylistTrack.objects.create(playlist=playlist, track=track, rank=1, distance=0, score=1, reason="near")
    Share.objects.create(playlist=playlist, token=f"token{user.pk}")
    job = HistoryImport.objects.create(user=user, created_by=user, name=f"{user.email}.json")
    job.file.save(f"{job.pk}.json", ContentFile(user.email.encode()))
    now = timezone.now()
    Listen.objects.bulk_create(
        Listen(user=user, track=track, playlist=playlist, source="api", listened_at=now - timedelta(seconds=n))
        for n in range(3)
    )
    Rating.objects.create(user=user, track=track, value=1)
    Skip.objects.create(user=user, track=track, playlist=playlist)
    NeverAgain.objects.create(user=user, track=track)
    NeverArtist.objects.create(user=user, artist="Somebody")
    make_export(str(request_export(user=user).pk))
    assert Export.objects.get(user=user).file


def stopped_at_the_passkey(user: User) -> Client:
    """Return a browser in which somebody entered the password of a person who has a passkey, and no more."""
    browser = Client()
    assert log_in(browser, user.email).url.startswith("/accounts/2fa/authenticate/")
    return browser


def rows() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in apps.get_models(include_auto_created=True)}


def files_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def keys_in(store: Any) -> set[str]:
    """Return the keys but those of the cache, whose names and values tell nothing: see the test below."""
    return {key for key in store.keys("*") if not key.startswith(PREFIX)}


def traces_of(words: set[str], store: Any, folder: Path) -> list[str]:
    """Return where in tables, files and Redis one of these words stands."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        texts = [session.get_decoded() for session in Session.objects.all()] if model is Session else []
        texts += model._base_manager.values()
        found += [model._meta.label for text in texts if any(word in str(text) for word in words)]
    for file in folder.rglob("*"):
        if file.is_file() and any(word.encode() in file.read_bytes() or word in file.name for word in words):
            found.append(file.name)
    for key in store.keys("*"):
        kind = store.type(key)
        value = store.get(key) if kind == "string" else store.lrange(key, 0, -1) if kind == "list" else ""
        if any(word in key or word in str(value) for word in words):
            found.append(key)
    return found


def identities(user: User) -> set[str]:
    """Return what would betray a person: the address, and the ids of what only they have."""
    named = {user.email, f"token{user.pk}"}
    for model in (Export, HistoryImport):
        named |= {str(pk) for pk in model.objects.filter(user=user).values_list("pk", flat=True)}
    return named | {str(pk) for pk in user.captures.values_list("pk", flat=True)}


def test_nothing_is_left_in_any_table_file_or_key(store, files, track):
    live(make_person("eve@example.org"), track)
    before = rows(), files_in(files), keys_in(store)
    ada = make_person("ada@example.org")
    live(ada, track)
    words = identities(ada)
    found = traces_of(words, store, files)
    assert len(set(found)) > 10, "the search finds nothing"
    assert found.count("sessions.Session") == 2, "a device, and the browser that stopped"
    assert rows() != before[0]
    delete_account(user=ada)
    assert rows() == before[0]
    assert files_in(files) == before[1]
    assert keys_in(store) <= before[2]  # some of those that were there are over by themselves
    assert traces_of(words, store, files) == []
    assert not User.objects.filter(pk=ada.pk).exists()


class TestSessionsThatStoppedOnTheWayIn:
    """They stand in no list of devices, and hold an address; ids are written to the base 36 in some of them."""

    @pytest.fixture
    def ada(self):
        return make_person("ada@example.org", id=36)

    @pytest.fixture
    def eve(self):
        return make_person("eve@example.org", id=int("36", 36))

    def test_a_login_that_waits_for_the_passkey_ends_and_those_of_others_wait_on(self, ada, eve):
        for user in (ada, eve):
            Authenticator.objects.create(user=user, type="webauthn", data={"name": "phone"})
        _, hers = stopped_at_the_passkey(ada), stopped_at_the_passkey(eve)
        delete_account(user=ada)
        assert [session.session_key for session in Session.objects.all()] == [hers.session.session_key]

    def test_sign_ups_that_wait_for_their_link_end(self, settings):
        settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
        first, again, hers = Client(), Client(), Client()
        for browser, email in ((first, "ada@example.org"), (again, "Ada@example.org"), (hers, "eve@example.org")):
            sign_up(browser, email)
        assert first.session["account_login"]["user_pk"]
        assert again.session["account_login"]["email"] == "ada@example.org"
        delete_account(user=User.objects.get(email="ada@example.org"))
        assert [session.session_key for session in Session.objects.all()] == [hers.session.session_key]

    def test_a_session_that_no_list_has_ends_too(self, ada, eve):
        unlisted, hers = Client(), Client()
        for browser, user in ((unlisted, ada), (hers, eve)):
            browser.force_login(user)
        UserSession.objects.all().delete()
        delete_account(user=ada)
        assert [session.session_key for session in Session.objects.all()] == [hers.session.session_key]

    @pytest.mark.parametrize(
        "names", [{"account_authentication_methods_user": "36"}, {"account_login": {"user_pk": "10", "email": None}}]
    )
    def test_each_way_to_name_the_person_is_enough_and_the_number_of_another_is_none(self, client, ada, eve, names):
        session = client.session
        session.update(names)
        session.save()
        delete_account(user=eve)
        assert Session.objects.count() == 1
        delete_account(user=ada)
        assert not Session.objects.exists()

    def test_they_are_read_a_piece_at_a_time(self, ada, eve, monkeypatch):
        monkeypatch.setattr("accounts.personal.PIECE", 1)
        Authenticator.objects.create(user=ada, type="webauthn", data={"name": "phone"})
        for _ in range(3):
            stopped_at_the_passkey(ada)
        log_in(Client(), eve.email)
        delete_account(user=ada)
        assert Session.objects.count() == 1

    def test_what_is_no_session_of_ours_keeps_nobody_from_leaving(self, ada):
        Session.objects.create(session_key="damaged", session_data="x", expire_date=timezone.now())
        delete_account(user=ada)
        assert Session.objects.count() == 1


def test_the_admins_log_does_not_say_any_more_whose_account_it_was():
    boss = make_person("boss@example.org", is_staff=True)
    ada, eve = make_person("ada@example.org"), make_person("eve@example.org")
    for user in (ada, eve):
        address = EmailAddress.objects.get(user=user)
        for row in (user, address):
            LogEntry.objects.log_actions(boss.pk, [row], CHANGE, f"Changed {user.email}.", single_object=True)
    delete_account(user=ada)
    assert list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message")) == [
        *[(NOBODY, "")] * 2,
        *[("eve@example.org", "Changed eve@example.org.")] * 2,
    ]


def test_what_others_did_with_the_persons_help_stays(track):
    from catalogue.models import Clustering

    ada = make_person()
    made = Clustering.objects.create(method="kmeans", centroids={}, created_by=ada)
    delete_account(user=ada)
    made.refresh_from_db()
    assert made.created_by is None


def test_people_who_run_the_site_are_told_what_to_do_first(client):
    boss = make_person("boss@example.org", is_staff=True)
    with pytest.raises(NotAllowed, match="Ask another admin"):
        delete_account(user=boss)
    client.force_login(boss)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    response = client.post(PAGE, {"sure": "on"})
    assert response.status_code == 403
    assert "Ask another admin" in response.content.decode()
    assert User.objects.filter(pk=boss.pk).exists()


def test_redis_being_away_keeps_nobody_from_leaving(settings, monkeypatch):
    from emotune.errors import Unavailable

    def away(_):
        raise Unavailable("The reader cannot be reached just now.")

    ada = make_person()
    make_capture(ada, status="queued", chosen="", source="camera")
    monkeypatch.setattr("detection.images.drop", away)
    delete_account(user=ada)
    assert not User.objects.exists()


class TestPage:
    def test_it_asks_for_the_password_first_and_then_says_what_goes(self, client):
        client.force_login(make_person())
        asked = client.get(PAGE)
        assert asked.url.startswith("/accounts/reauthenticate/")
        assert client.post("/accounts/reauthenticate/", {"password": "wrong", "next": PAGE}).status_code == 200
        assert client.get(PAGE).status_code == 302
        page = client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": PAGE}, follow=True)
        text = page.content.decode()
        assert "Nobody can undo it" in text
        assert "ada@example.org" in text
        assert User.objects.exists()

    def test_a_click_without_the_password_deletes_nothing(self, client):
        client.force_login(make_person())
        assert client.post(PAGE, {"sure": "on"}).url.startswith("/accounts/reauthenticate/")
        assert User.objects.exists()

    def test_the_box_must_be_ticked(self, client):
        client.force_login(make_person())
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        response = client.post(PAGE)
        assert response.status_code == 422
        assert "ticking the box" in response.content.decode()
        assert User.objects.exists()

    def test_it_ends_every_session_and_token_and_says_so(self, client):
        ada = make_person()
        _, secret = create_token(user=ada, name="Laptop", scopes=["read"])
        phone = Client()
        for device in (client, phone):
            log_in(device)
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        done = client.post(PAGE, {"sure": "on"}, follow=True)
        assert done.redirect_chain[-1][0] == "/"
        assert "Your account is deleted" in done.content.decode()
        for device in (client, phone):
            assert not is_logged_in(device)
            assert device.get("/account/").status_code == 302
        assert authenticate(secret) is None
        assert not EmailAddress.objects.exists()
        assert not AccountEvent.objects.exists()

    def test_the_second_of_two_clicks_is_asked_to_log_in(self, client):
        log_in(client, make_person().email)
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        client.post(PAGE, {"sure": "on"})
        assert client.post(PAGE, {"sure": "on"}).url.startswith("/accounts/login/")

    def test_the_address_can_open_an_account_again_and_finds_nothing(self, client, track):
        ada = make_person()
        Rating.objects.create(user=ada, track=track, value=1)
        record(user=ada, kind=Happening.TOKEN_MADE, detail="Laptop")
        delete_account(user=ada)
        client.post("/accounts/signup/", {"email": "ada@example.org", "password1": PASSWORD})
        assert is_logged_in(client)
        assert "Laptop" not in client.get("/account/").content.decode()
        assert not Rating.objects.exists()
