"""Importing by page: an admin uploads a file, a worker imports it, a page follows it, and nothing is left behind."""

import csv
import errno
import gzip
import io
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from catalogue import work
from catalogue.importing import UNCLUSTERED
from catalogue.models import Import, Track
from catalogue.services import import_tracks
from catalogue.work import import_file
from emotune import jobs
from emotune.jobs import JobState, Run
from tests.catalogue_files import V3, muse_row, muse_text, write_muse
from tests.factories import make_user

pytestmark = pytest.mark.django_db

ADD = "/admin/catalogue/import/add/"
ROWS = [muse_row(n) for n in range(1, 31)]


@pytest.fixture(autouse=True)
def files(settings, tmp_path) -> Path:
    folder: Path = tmp_path / "files"
    folder.mkdir()
    settings.MEDIA_ROOT = settings.FILE_UPLOAD_TEMP_DIR = folder
    return folder


@pytest.fixture
def admin(db):
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def admin_client(client, admin):
    client.force_login(admin)
    return client


def upload(client, content: bytes | str, name: str = "muse.csv", **fields: str):
    content = content.encode() if isinstance(content, str) else content
    return client.post(ADD, {"file": SimpleUploadedFile(name, content), **fields}, follow=True)


def finished(job: Import) -> Import:
    import_file(str(job.pk))
    job.refresh_from_db()
    return job


def lying_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.rglob("*") if file.is_file())


def page_of(client, job: Import) -> str:
    words: str = client.get(reverse("admin:catalogue_import_change", args=[job.pk])).content.decode()
    return words


def test_the_address_is_the_one_that_takes_large_bodies():
    assert reverse("admin:catalogue_import_add") == ADD
    assert settings.LARGER_BODIES[ADD] > 200 * 1024**2


def test_a_file_is_imported_by_a_worker_and_let_go(admin, admin_client, files):
    page = upload(admin_client, muse_text(*ROWS))
    job = Import.objects.get()
    assert b"Waiting for a worker" in page.content
    assert (job.name, job.created_by, lying_in(files)) == ("muse.csv", admin, [str(job.pk)])
    assert Path(job.file.path).stat().st_mode & 0o077 == 0
    job = finished(job)
    assert (job.state, job.rows, job.created, job.rejected) == (JobState.DONE, 30, 30, 0)
    assert Track.objects.count() == 30
    assert lying_in(files) == []
    assert "The import is done." in page_of(admin_client, job)
    assert LogEntry.objects.get().get_edited_object() == job


def zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("muse.csv", data)
    return packed.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, zipped], ids=["gzip", "zip"])
def test_a_packed_file_is_imported(admin_client, pack):
    upload(admin_client, pack(muse_text(*ROWS).encode()), "muse.csv.gz")
    assert finished(Import.objects.get()).created == 30


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "This is not MuSe"),
        (b"\n\n", "The file is empty."),
        (gzip.compress(V3.encode() + bytes(80 * 1024**2)), "unpacks to more than 100 times its size"),
        (b"title,singer\na,b\n", "its first line must name the columns"),
        (muse_text(*ROWS)[:-40], "The file is cut off in the middle of line 31."),
        (gzip.compress(muse_text(*ROWS).encode())[:-30], "The file is cut off"),
    ],
    ids=["not a CSV", "empty", "bomb", "other columns", "mid-row", "gzip cut off"],
)
def test_a_bad_file_is_one_line_and_changes_nothing(admin_client, files, content, line):
    upload(admin_client, content)
    job = finished(Import.objects.get())
    assert job.state == JobState.FAILED
    assert line in job.error
    assert "\n" not in job.error
    page = page_of(admin_client, job)
    assert line in page
    assert "Upload a file again" in page
    assert not Track.objects.exists()
    assert lying_in(files) == []


@pytest.mark.parametrize("fields", [{"file": SimpleUploadedFile("muse.csv", b"")}, {}], ids=["no bytes", "no file"])
def test_nothing_at_all_is_refused_at_once(admin_client, fields):
    page = admin_client.post(ADD, fields)
    assert page.status_code == 422
    assert b"errornote" in page.content
    assert not Import.objects.exists()


def test_the_defects_that_copies_of_muse_have_are_told_by_line_and_can_be_downloaded(admin_client, data):
    upload(admin_client, (data / "muse" / "muse_defects.csv").read_bytes(), "muse_defects.csv")
    job = finished(Import.objects.get())
    assert (job.state, job.rows) == (JobState.DONE, 18)
    assert (job.created, job.rejected) == (5, 13)
    answer = admin_client.get(reverse("admin:catalogue_import_rejects", args=[job.pk]))
    assert answer["Content-Disposition"] == 'attachment; filename="rejects.csv"'
    rejects = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [reject["line"] for reject in rejects][:3] == ["5", "6", "7"]
    assert all(reject["reason"] for reject in rejects)
    page = page_of(admin_client, job)
    assert "<td>valence_tags is 10.2, outside 0 to 9</td><td>Valence Out Of Range</td>" in page
    assert "<script>alert" not in page
    job.rejects.storage.delete(str(job.rejects.name))  # as where a database was restored without its files
    assert admin_client.get(reverse("admin:catalogue_import_rejects", args=[job.pk])).status_code == 404
    assert "outside 0 to 9" not in page_of(admin_client, job)


def full_disk(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_import_whose_rejects_cannot_be_kept_is_done_and_says_so(admin_client, monkeypatch):
    upload(admin_client, muse_text(*ROWS, muse_row(31, artist="")))
    monkeypatch.setattr(FileSystemStorage, "_save", full_disk)
    job = finished(Import.objects.get())
    assert (job.state, job.rows, job.created, job.rejected) == (JobState.DONE, 31, 30, 1)
    assert job.error == work.REJECTS_LOST
    assert not job.rejects
    assert Track.objects.count() == 30
    page = page_of(admin_client, job)
    assert "The import is done." in page
    assert work.REJECTS_LOST in page
    assert "nothing was changed" not in page


def test_an_import_whose_tracks_cannot_be_clustered_is_done_and_says_so(admin_client, monkeypatch):
    import_tracks(path=write_muse(Path(settings.MEDIA_ROOT) / "first.csv", *ROWS))
    upload(admin_client, muse_text(*[muse_row(n) for n in range(1, 121)], muse_row(121, artist="")))
    monkeypatch.setattr("catalogue.importing.fit_catalogue", lambda _method: 1 / 0)
    job = finished(Import.objects.get())
    assert (job.state, job.rows, job.created, job.unchanged) == (JobState.DONE, 121, 90, 30)
    assert job.error == UNCLUSTERED
    assert job.has_rejects
    assert UNCLUSTERED in page_of(admin_client, job)
    assert set(Track.objects.values_list("emotion", flat=True)) == {""}


def test_both_are_told_and_a_note_fits(admin_client, monkeypatch):
    assert len(f"{work.REJECTS_LOST} {UNCLUSTERED}") <= (Import._meta.get_field("error").max_length or 0)
    import_tracks(path=write_muse(Path(settings.MEDIA_ROOT) / "first.csv", *ROWS))
    upload(admin_client, muse_text(*[muse_row(n) for n in range(1, 121)], muse_row(121, artist="")))
    monkeypatch.setattr("catalogue.importing.fit_catalogue", lambda _method: 1 / 0)
    monkeypatch.setattr(FileSystemStorage, "_save", full_disk)
    assert finished(Import.objects.get()).error == f"{work.REJECTS_LOST} {UNCLUSTERED}"


def test_without_rejects_a_full_disk_is_no_matter_once_the_tracks_are_in(admin_client, monkeypatch):
    upload(admin_client, muse_text(*ROWS))
    monkeypatch.setattr(FileSystemStorage, "_save", full_disk)
    assert (finished(Import.objects.get()).state, Import.objects.get().error) == (JobState.DONE, "")


def test_rejects_cannot_be_had_where_there_are_none_or_by_strangers(admin_client, client):
    upload(admin_client, muse_text(*ROWS))
    job = finished(Import.objects.get())
    address = reverse("admin:catalogue_import_rejects", args=[job.pk])
    assert admin_client.get(address).status_code == 404
    client.force_login(make_user(is_staff=True))
    assert client.get(address).status_code == 403


def test_the_same_file_again_changes_nothing(admin_client):
    for expected in ((30, 0), (0, 30)):
        upload(admin_client, muse_text(*ROWS))
        job = finished(Import.objects.all()[0])
        assert (job.created, job.unchanged) == expected


def test_a_form_sent_twice_is_one_import(admin_client, files):
    ticket = str(admin_client.get(ADD).context["ticket"])
    pages = [upload(admin_client, muse_text(*ROWS), ticket=ticket) for _ in range(2)]
    assert Import.objects.count() == 1
    assert pages[0].redirect_chain == pages[1].redirect_chain
    assert len(lying_in(files)) == 1


def test_a_queued_import_is_cancelled_at_once_and_twice_is_once(admin_client, files):
    upload(admin_client, muse_text(*ROWS))
    job = Import.objects.get()
    cancel = reverse("admin:catalogue_import_cancel", args=[job.pk])
    for _ in range(2):
        page = admin_client.post(cancel, follow=True)
        assert b"It was cancelled. Nothing was changed." in page.content
    assert admin_client.get(cancel).status_code == 405
    assert LogEntry.objects.filter(object_id=job.pk, change_message="Asked to stop.").count() == 1
    assert finished(job).state == JobState.CANCELLED
    assert lying_in(files) == []
    assert not Track.objects.exists()


def test_an_import_cancelled_before_its_last_step_changes_nothing(admin_client, monkeypatch):
    upload(admin_client, muse_text(*ROWS))
    job = Import.objects.get()
    written: list[str] = []

    def step(self: Run, done: int, total: int | None = None, note: str = "") -> None:
        if Track.objects.exists() and not written:
            written.append(note)
            jobs.request_cancel(Import.objects.get(pk=job.pk))
        self.check()

    monkeypatch.setattr(Run, "step", step)
    assert finished(job).state == JobState.CANCELLED
    assert written == ["writing the catalogue"]
    assert not Track.objects.exists()


def test_the_page_shows_how_far_it_is_and_stops_asking_when_it_is_over(admin_client, monkeypatch):
    upload(admin_client, muse_text(*ROWS))
    job = Import.objects.get()
    seen = []
    progress = reverse("admin:catalogue_import_progress", args=[job.pk])

    def read(**given):
        given["progress"](15, 0.5)
        seen.append(admin_client.get(progress, headers={"HX-Request": "true"}).content.decode())
        return import_tracks(**given)

    monkeypatch.setattr(work, "import_tracks", read)
    finished(job)
    seen.append(admin_client.get(progress, headers={"HX-Request": "true"}).content.decode())
    assert "Reading rows: 15 of about 30" in seen[0]
    assert 'value="50"' in seen[0]
    assert "hx-get" in seen[0]
    assert f'id="cancel-{job.pk}"' in seen[0]  # htmx gives the focus back to what has an id
    assert "hx-get" not in seen[1]
    assert "<html" not in seen[0]


def test_without_javascript_the_page_reloads_itself_while_it_is_open(admin_client):
    upload(admin_client, muse_text(*ROWS))
    job = Import.objects.get()
    reload = '<noscript><meta http-equiv="refresh"'
    assert reload in page_of(admin_client, job)
    assert reload not in page_of(admin_client, finished(job))


def test_a_file_that_has_gone_is_one_line(admin_client):
    upload(admin_client, muse_text(*ROWS))
    job = Import.objects.get()
    Path(job.file.path).unlink()
    assert finished(job).error == "The uploaded file is not there any more. Please upload it again."


def test_an_open_import_cannot_be_deleted_and_its_rejects_go_with_it(admin_client, files):
    upload(admin_client, muse_text(*ROWS, muse_row(1)))
    job = Import.objects.get()
    delete = reverse("admin:catalogue_import_delete", args=[job.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    assert lying_in(files) == [str(job.pk)]
    finished(job)
    assert len(lying_in(files)) == 1
    assert admin_client.post(delete, {"post": "yes"}).status_code == 302
    assert lying_in(files) == []


def test_who_may_not_import_sends_in_vain_and_nothing_is_kept(client, files):
    for user in (make_user(), make_user(is_staff=True)):
        client.force_login(user)
        assert upload(client, muse_text(*ROWS)).status_code in (200, 403)
        assert not Import.objects.exists()
        assert lying_in(files) == []


def test_who_may_only_look_sees_the_list_and_cancels_nothing(admin_client, client):
    upload(admin_client, muse_text(*ROWS))
    job = Import.objects.get()
    viewer = make_user(is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_import"))
    client.force_login(viewer)
    assert b"muse.csv" in client.get(reverse("admin:catalogue_import_changelist")).content
    assert "Cancel" not in page_of(client, job)
    assert client.post(reverse("admin:catalogue_import_cancel", args=[job.pk])).status_code == 403


def test_a_form_of_another_site_is_refused(admin, files):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    assert upload(client, muse_text(*ROWS)).status_code == 403
    assert not Import.objects.exists()
    token = client.get(ADD).cookies["csrftoken"].value
    assert upload(client, muse_text(*ROWS), csrfmiddlewaretoken=token).status_code == 200
    assert Import.objects.count() == 1


def test_a_file_over_the_limit_is_told_so(admin_client, settings, monkeypatch):
    settings.LARGER_BODIES = {ADD: 1024}
    monkeypatch.setattr("emotune.uploads.drain", lambda _request: None)
    page = upload(admin_client, muse_text(*ROWS))
    assert page.status_code == 413
    assert b"up to 0 MB are read" in page.content
    assert not Import.objects.exists()


def test_an_address_that_is_no_import_is_not_found(admin_client):
    for address in ("0", "00000000-0000-0000-0000-000000000000"):
        assert admin_client.get(f"/admin/catalogue/import/{address}/change/").status_code == 404
