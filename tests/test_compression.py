"""Static files are sent compressed to whoever takes it, and are the same when they are unpacked."""

import errno
import gzip
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from emotune.compression import compressed_copy

SHEET = "/static/css/emotune.css"
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def get(client, address, headers=None):
    answer = client.get(address, headers=headers)
    return answer, b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize("address", [SHEET, "/static/js/player.js", "/static/django_htmx/htmx-2.min.js"])
def test_text_is_compressed_and_the_same(client, address):
    original = Path(finders.find(address.removeprefix("/static/")) or "").read_bytes()
    answer, content = get(client, address, GZIP)
    assert (answer["Content-Encoding"], answer["Vary"]) == ("gzip", "Accept-Encoding")
    assert int(answer["Content-Length"]) == len(content) < 0.6 * len(original)
    assert gzip.decompress(content) == original
    assert answer["Content-Type"].startswith("text/")
    assert "max-age" in answer["Cache-Control"]


def test_who_does_not_take_it_gets_the_file_as_it_is(client):
    get(client, SHEET, GZIP)
    answer, content = get(client, SHEET)
    assert "Content-Encoding" not in answer
    assert content == (settings.BASE_DIR / "static/css/emotune.css").read_bytes()


def test_a_browser_that_has_it_is_told_so(client):
    tag = get(client, SHEET, GZIP)[0]["ETag"]
    assert client.get(SHEET, headers={**GZIP, "If-None-Match": tag}).status_code == 304


def test_a_file_of_a_few_hundred_bytes_is_sent_as_it_is(client):
    answer, _ = get(client, "/static/img/never.svg", GZIP)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer


def test_pages_are_not_compressed(client, db):
    assert "Content-Encoding" not in client.get("/", headers=GZIP)


def test_a_copy_is_made_once_and_anew_for_another_content(tmp_path):
    file, folder = tmp_path / "sheet.css", tmp_path / "compressed"
    file.write_text("a { color: red }\n" * 100)
    first = compressed_copy(file, folder)
    assert first
    made = first.stat().st_mtime_ns
    assert compressed_copy(file, folder) == first
    assert first.stat().st_mtime_ns == made
    file.write_text("a { color: tan }\n" * 100)
    second = compressed_copy(file, folder)
    assert second
    assert gzip.decompress(second.read_bytes()) == file.read_bytes()
    assert len(list(folder.iterdir())) == 2


def test_what_does_not_shrink_is_not_kept(tmp_path):
    (tmp_path / "noise.js").write_bytes(os.urandom(4000))
    (tmp_path / "small.js").write_text("1;" * 200)
    for name in ("noise.js", "small.js"):
        assert compressed_copy(tmp_path / name, tmp_path / "compressed") is None
    assert not (tmp_path / "compressed").exists()


def test_a_full_disk_leaves_no_part_behind(tmp_path, monkeypatch):
    def fill(part, packed):
        part.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "sheet.css").write_text("a { color: red }\n" * 100)
    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(OSError, match="No space left"):
        compressed_copy(tmp_path / "sheet.css", tmp_path / "compressed")
    assert list((tmp_path / "compressed").iterdir()) == []


def test_a_folder_that_cannot_be_written_costs_the_compression_only(client, settings, tmp_path):
    (tmp_path / "compressed").write_text("a file in the way")
    settings.DATA_DIR = tmp_path
    answer, content = get(client, SHEET, GZIP)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer
    assert content
