"""A copy of everything: made by a worker in bounded memory, for its owner alone, and for thirty days."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.db.models import CASCADE, ForeignKey, OneToOneField
from django.utils import timezone

from accounts import archive
from accounts.archive import file_name, make_export
from accounts.exports import NOT_MADE, PER_DAY, TRIED_PER_DAY, delete_export, exports_of, request_export
from accounts.models import Export, User
from accounts.retention import forget_old
from accounts.tokens import create_token
from emotune.errors import TooMany
from emotune.jobs import JobState, progress_of, running
from emotune.personal import declared
from playlists.models import Listen, Rating
from tests.accounts_site import make_person
from tests.api_site import bearing, check_problem, token_of
from tests.factories import make_capture, make_track, make_user

pytestmark = pytest.mark.django_db
EXPORTS = "/account/exports/"


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def ada(client):
    user = make_person("ada@example.org")
    client.force_login(user)
    return user


def made(user) -> Export:
    export = request_export(user=user)
    make_export(str(export.pk))
    export.refresh_from_db()
    return export


def failed(user) -> Export:
    export = request_export(user=user)
    Export.objects.filter(pk=export.pk).update(state=JobState.FAILED, finished_at=timezone.now())
    export.refresh_from_db()
    return export


def opened(export) -> zipfile.ZipFile:
    with default_storage.open(export.file.name) as file:
        return zipfile.ZipFile(io.BytesIO(file.read()))


def lines(export, name) -> list[dict[str, Any]]:
    return [json.loads(line) for line in opened(export).read(f"{name}.jsonl").decode().splitlines()]


def table(export, name) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(opened(export).read(f"{name}.csv").decode())))


class TestWhatIsInIt:
    def test_everything_is_there_twice_and_nothing_of_others(self, ada):
        eve = make_user()
        for user in (ada, eve):
            make_capture(user, scores={"sad": 0.75}, source="camera")
            Rating.objects.create(user=user, track=make_track(title="Ärger, “Glück”\n泣"), value=1)
            Listen.objects.create(user=user, track=make_track(), source="api")
        export = made(ada)
        assert export.state == JobState.DONE
        assert [row["scores"] for row in lines(export, "captures")] == [{"sad": 0.75}]
        assert json.loads(table(export, "captures")[0]["scores"]) == {"sad": 0.75}
        for read in (lines, table):
            assert [row["title"] for row in read(export, "ratings")] == ["Ärger, “Glück”\n泣"]
            assert len(read(export, "listens")) == 1
            assert [row["email"] for row in read(export, "account")] == ["ada@example.org"]
        everything = b"".join(opened(export).read(name) for name in opened(export).namelist())
        assert eve.email.encode() not in everything
        assert export.rows == sum(len(lines(export, kind.name)) for kind in declared() if kind.columns)

    def test_secrets_are_not_in_it(self, ada):
        token, secret = create_token(user=ada, name="Laptop", scopes=["read"])
        export = made(ada)
        everything = b"".join(opened(export).read(name) for name in opened(export).namelist()).decode()
        assert "Laptop" in everything
        for hidden in (secret, token.fingerprint, ada.password):
            assert hidden not in everything

    def test_a_spreadsheet_takes_no_text_for_a_formula(self, ada):
        create_token(user=ada, name='=HYPERLINK("http://example.com")', scopes=["read"])
        export = made(ada)
        assert table(export, "api_tokens")[0]["name"] == '\'=HYPERLINK("http://example.com")'
        assert lines(export, "api_tokens")[0]["name"] == '=HYPERLINK("http://example.com")'

    def test_times_keep_their_microseconds(self, ada):
        listened_at = timezone.now().replace(microsecond=123456)
        Listen.objects.create(user=ada, track=make_track(), source="api", listened_at=listened_at)
        assert lines(made(ada), "listens")[0]["listened_at"] == listened_at.isoformat()

    def test_every_kind_of_rows_that_names_a_person_is_declared(self):
        """A new model that belongs to a person is exported too, or named here with a reason."""
        elsewhere = {
            "sessions.Session",  # as devices
            "account.EmailConfirmation",  # links on their way to an address
        }
        kept = {kind.of(User(pk=1)).model for kind in declared()}
        owned = {
            model._meta.label
            for model in apps.get_models()
            for field in model._meta.get_fields()
            if isinstance(field, ForeignKey | OneToOneField)
            and field.related_model is User
            and field.remote_field.on_delete is CASCADE
            and model not in kept
            and not model._meta.auto_created
        }
        assert owned - elsewhere == set()


class TestMaking:
    def test_two_clicks_are_one_export(self, ada):
        assert request_export(user=ada) == request_export(user=ada)
        assert Export.objects.count() == 1

    def test_there_is_a_most_of_them_a_day(self, ada):
        for _ in range(PER_DAY):
            made(ada)
        with pytest.raises(TooMany) as refused:
            request_export(user=ada)
        assert 24 * 3600 - 60 < (refused.value.retry_after or 0) <= 24 * 3600
        asked = ada.events.filter(kind="export_asked")
        asked.filter(pk=asked.last().pk).update(happened_at=timezone.now() - timedelta(hours=23))
        with pytest.raises(TooMany) as refused:
            request_export(user=ada)
        assert 3600 - 60 < (refused.value.retry_after or 0) <= 3600
        asked.filter(pk=asked.last().pk).update(happened_at=timezone.now() - timedelta(hours=25))
        assert request_export(user=ada)

    def test_who_deletes_copies_may_not_have_more_of_them(self, ada):
        for _ in range(PER_DAY):
            delete_export(export=made(ada))
        with pytest.raises(TooMany):
            request_export(user=ada)

    def test_those_that_could_not_be_made_leave_the_others_of_the_day(self, ada):
        for _ in range(PER_DAY):
            failed(ada)
            made(ada)
        with pytest.raises(TooMany, match=f"{PER_DAY} copies"):
            request_export(user=ada)
        asked = ada.events.filter(kind="export_asked").order_by("happened_at")
        assert [event.detail for event in asked] == [NOT_MADE, ""] * PER_DAY

    def test_nor_do_they_once_they_are_deleted(self, ada):
        for _ in range(PER_DAY):
            delete_export(export=failed(ada))
        assert request_export(user=ada)

    def test_there_is_a_most_of_those_too(self, ada):
        for _ in range(TRIED_PER_DAY):
            failed(ada)
        with pytest.raises(TooMany, match="attempts") as refused:
            request_export(user=ada)
        assert 24 * 3600 - 60 < (refused.value.retry_after or 0) <= 24 * 3600

    def test_the_next_copy_is_promised_for_when_the_oldest_that_was_made_is_a_day_old(self, ada):
        for _ in range(2):
            failed(ada)
        for _ in range(PER_DAY):
            made(ada)
        long_ago = timezone.now() - timedelta(hours=23)
        Export.objects.filter(state=JobState.FAILED).update(created_at=long_ago)
        ada.events.filter(detail=NOT_MADE).update(happened_at=long_ago)
        with pytest.raises(TooMany) as refused:
            request_export(user=ada)
        assert 24 * 3600 - 60 < (refused.value.retry_after or 0) <= 24 * 3600

    def test_workers_that_cannot_be_reached_use_nothing_up(self, ada, monkeypatch, django_capture_on_commit_callbacks):
        monkeypatch.setattr("emotune.jobs._send", lambda _: False)
        for _ in range(PER_DAY + 1):
            with django_capture_on_commit_callbacks(execute=True):
                export = request_export(user=ada)
            export.refresh_from_db()
            assert export.state == JobState.FAILED

    def test_copies_from_before_the_clock_was_set_back_count_against_no_limit(self, ada):
        for _ in range(PER_DAY):
            made(ada)
        ada.events.update(happened_at=timezone.now() + timedelta(days=365))
        assert request_export(user=ada)

    def test_making_it_twice_is_once(self, ada):
        export = made(ada)
        make_export(str(export.pk))
        assert default_storage.listdir("exports")[1] == [f"{export.pk}.zip"]

    def test_what_an_interrupted_attempt_left_is_replaced(self, ada):
        export = request_export(user=ada)
        default_storage.save(file_name(export), io.BytesIO(b"half a zip"))
        make_export(str(export.pk))
        export.refresh_from_db()
        assert export.file.name == file_name(export)
        assert lines(export, "account")

    def test_it_stops_when_asked_and_leaves_nothing(self, ada, monkeypatch):
        from emotune.jobs import Cancelled

        monkeypatch.setattr("emotune.jobs.Run.step", lambda *_: (_ for _ in ()).throw(Cancelled))
        export = made(ada)
        assert export.state == JobState.CANCELLED
        assert not default_storage.exists(file_name(export))

    def test_an_account_that_was_deleted_meanwhile_leaves_no_file(self, ada, monkeypatch):
        from accounts.deletion import delete_account

        write = archive.write_archive
        export = request_export(user=ada)

        def write_and_delete(*arguments):
            rows = write(*arguments)
            delete_account(user=ada)
            return rows

        monkeypatch.setattr(archive, "write_archive", write_and_delete)
        make_export(str(export.pk))
        assert not Export.objects.exists()
        assert not default_storage.exists(file_name(export))

    def test_it_tells_how_far_it_is(self, ada):
        make_capture(ada)
        export = made(ada)
        assert progress_of(export).total == 2 * export.rows


class TestKeeping:
    def test_after_thirty_days_it_goes_by_the_clock(self, ada):
        export, fresh = made(ada), made(ada)
        Export.objects.filter(pk=export.pk).update(finished_at=timezone.now() - timedelta(days=30))
        forget_old()
        assert list(Export.objects.all()) == [fresh]
        assert not default_storage.exists(file_name(export))
        assert default_storage.exists(file_name(fresh))

    def test_and_when_somebody_looks(self, client, ada):
        export = made(ada)
        Export.objects.update(finished_at=timezone.now() - timedelta(days=30))
        assert client.get(f"{EXPORTS}{export.pk}/").status_code == 404
        assert not default_storage.exists(file_name(export))

    def test_others_keep_theirs_when_somebody_looks(self, ada):
        export = made(make_user())
        Export.objects.update(finished_at=timezone.now() - timedelta(days=31))
        exports_of(user=ada)
        assert default_storage.exists(file_name(export))

    def test_deleting_it_takes_the_file(self, ada):
        export = made(ada)
        delete_export(export=export)
        assert not default_storage.exists(file_name(export))
        assert not Export.objects.exists()


class TestPages:
    def test_from_asking_to_the_file(self, client, ada):
        page = client.post(EXPORTS, follow=True).content.decode()
        assert "Your copy waits for a worker" in page
        assert 'hx-trigger="every 1500ms"' in page
        export = Export.objects.get()
        make_export(str(export.pk))
        part = client.get(EXPORTS, HTTP_HX_REQUEST="true").content.decode()
        assert "<html" not in part
        assert "hx-trigger" not in part
        link = re.search(r'href="(/account/exports/[^"]+)" download', part)
        assert link
        response = client.get(link[1])
        assert response["Content-Type"] == "application/zip"
        assert response["Content-Disposition"].startswith("attachment; filename=")
        assert "no-store" in response["Cache-Control"]
        assert zipfile.is_zipfile(io.BytesIO(b"".join(response.streaming_content)))
        assert ada.events.filter(kind="export_fetched").count() == 1

    def test_the_list_is_sent_again_only_when_something_changed_and_the_end_is_announced(self, client, ada):
        def polled(page):
            return client.get(re.findall(r'hx-get="([^"]+)"', page)[0].replace("&amp;", "&"), HTTP_HX_REQUEST="true")

        older, export = made(ada), request_export(user=ada)
        page = client.get(EXPORTS).content.decode()
        assert polled(page).status_code == 204
        for name in (f"look-{export.pk}", f"stop-{export.pk}", f"download-{older.pk}", f"delete-{older.pk}"):
            assert f'id="{name}"' in page
        with running(export) as run:
            assert run
            run.step(1, 4, "rows of listens")
            page = polled(page).content.decode()
            assert "25 %: rows of listens" in page
            assert "toasts" not in page
            assert polled(page).status_code == 204
        page = polled(page).content.decode()
        assert '<div id="toasts" hx-swap-oob="innerHTML"><div class="toast"><p>Your copy is made' in page
        assert "hx-get" not in page
        for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
            assert 'hx-swap-oob="' not in client.get(EXPORTS, **headers).content.decode()

    def test_a_strangers_copy_is_not_there(self, client, ada):
        export = made(make_user())
        assert client.get(f"{EXPORTS}{export.pk}/").status_code == 404
        assert client.post(f"{EXPORTS}{export.pk}/delete/").status_code == 404
        assert str(export.pk) not in client.get(EXPORTS).content.decode()
        assert default_storage.exists(file_name(export))

    def test_one_that_is_not_made_cannot_be_taken(self, client, ada):
        export = request_export(user=ada)
        assert client.get(f"{EXPORTS}{export.pk}/").status_code == 404

    def test_one_whose_file_is_gone_is_no_error(self, client, ada):
        export = made(ada)
        default_storage.delete(file_name(export))
        assert client.get(f"{EXPORTS}{export.pk}/").status_code == 404

    def test_one_under_way_can_be_stopped(self, client, ada):
        export = request_export(user=ada)
        assert client.get(f"{EXPORTS}{export.pk}/delete/").status_code == 405
        assert "Stopped." in client.post(f"{EXPORTS}{export.pk}/delete/", follow=True).content.decode()
        make_export(str(export.pk))
        assert not Export.objects.exists()

    def test_who_is_not_logged_in_is_asked_to(self, client):
        export = made(make_user())
        for address in (EXPORTS, f"{EXPORTS}{export.pk}/"):
            assert client.get(address).url.startswith("/accounts/login/")


class TestTokens:
    def test_one_that_may_only_read_stops_and_deletes_nothing(self, client, ada):
        export = request_export(user=ada)
        address = f"/api/v1/me/exports/{export.pk}"
        reads, listens = (bearing(token_of(ada, *scopes)) for scopes in (["read"], ["read", "listen"]))
        assert client.get(address, headers=reads).status_code == 200
        for method, below in (("post", "/cancel"), ("delete", "")):
            refused = getattr(client, method)(address + below, headers=reads)
            assert "has not the scope listen" in check_problem(refused, 403)["detail"]
        export.refresh_from_db()
        assert not export.is_over
        assert client.post(f"{address}/cancel", headers=listens).json()["state"] == "cancelled"
        assert client.delete(address, headers=listens).status_code == 204
        assert not Export.objects.exists()
