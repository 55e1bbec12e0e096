"""Files that nobody knows any more are thrown away by the clock; what a row names, and what is young, stays."""

import os
import time

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import TemporaryUploadedFile

from accounts.models import Export
from accounts.tasks import forget_old
from catalogue.models import Import
from emotune.retention import LIMIT_S, ORPHANED_S, clear_sessions, forget_files, forget_submissions
from playlists.imports import submit_history_import
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    return tmp_path


def left(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def a_day_later(folder):
    """Make every file that there is older than it may be."""
    old = time.time() - ORPHANED_S - 1
    for path in folder.rglob("*"):
        os.utime(path, (old, old))


@pytest.fixture
def jobs_with_files():
    """A job of each kind, with all the files that it may have."""
    export = Export.objects.create(user=make_user(), state="done")
    export.file.save(f"{export.pk}.zip", ContentFile(b"everything"))
    history = submit_history_import(user=make_user(), file=ContentFile(b"listens", "listens.jsonl"))
    catalogue = Import.objects.create(name="muse.csv")
    catalogue.file.save(str(catalogue.pk), ContentFile(b"tracks"))
    catalogue.rejects.save(f"{catalogue.pk}-rejects.csv", ContentFile(b"line,reason,title"))
    return [export, history, catalogue]


def test_what_rows_name_stays_however_old_it_is(folder, jobs_with_files):
    before = left(folder)
    assert len(before) == 4
    a_day_later(folder)
    assert forget_files() == 0
    assert left(folder) == before


def test_what_no_row_names_goes_after_a_day(folder, jobs_with_files):
    """As when the process that wrote it was killed before its row, or an account was deleted while it was written."""
    for job in jobs_with_files:
        type(job).objects.all().delete()
    assert forget_files() == 0, "their rows may be on the way"
    assert len(left(folder)) == 4
    a_day_later(folder)
    clear_sessions()
    assert left(folder) == set()


def test_files_go_even_when_sessions_take_too_long(folder, jobs_with_files, monkeypatch):
    def exceed(_command):
        raise SoftTimeLimitExceeded

    for job in jobs_with_files:
        type(job).objects.all().delete()
    a_day_later(folder)
    monkeypatch.setattr("emotune.retention.call_command", exceed)
    with pytest.raises(SoftTimeLimitExceeded):
        clear_sessions()
    assert left(folder) == set()


@pytest.mark.parametrize("task", [clear_sessions, forget_submissions, forget_old])
def test_it_has_minutes_and_goes_to_one_worker_alone(task):
    assert task.soft_time_limit == LIMIT_S > settings.CELERY_TASK_TIME_LIMIT
    assert task.time_limit == LIMIT_S + 60
    assert not task.acks_late


def test_uploads_of_a_web_process_that_was_killed_go_after_a_day(folder):
    coming_in = [TemporaryUploadedFile(name, "application/zip", 7, None) for name in ("listens.zip", "listens")]
    (folder / "mine.txt").write_text("nothing of emotune's")
    assert len(left(folder)) == 3
    assert forget_files() == 0
    a_day_later(folder)
    assert forget_files() == 2
    assert left(folder) == {"mine.txt"}
    for upload in coming_in:
        upload.close()  # which finds that its file has gone


def test_folders_that_were_never_needed_are_no_error(folder):
    assert list(folder.iterdir()) == []
    assert forget_files() == 0
