"""The command import_muse: figures on stdout, words on stderr, rejects in a file, one clear line for a bad one."""

import csv
import errno
import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalogue.importing import UNCLUSTERED
from catalogue.models import Track
from tests.catalogue_files import muse_row, write_muse

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "muse.csv"


def command(*arguments: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import_muse", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_prints_json_alone_on_stdout(file):
    write_muse(file, muse_row(1), muse_row(2, artist=""))
    out, err = command(file, "--json")
    figures = json.loads(out)
    assert set(figures) == {"rows", "created", "updated", "unchanged", "rejected", "seconds"}
    assert [figures[name] for name in ("rows", "created", "updated", "unchanged", "rejected")] == [2, 1, 0, 0, 1]
    assert "line 3: artist is empty ('Track 2')" in err
    assert "have no emotion yet" in err


def test_the_command_says_it_in_words_too(file):
    out, err = command(write_muse(file, *[muse_row(n) for n in range(1, 151)]))
    assert out.startswith("150 rows, 150 created, 0 updated, 0 unchanged, 0 rejected")
    assert err == ""


def test_the_command_shows_the_first_rejects_and_writes_all_of_them_safe_for_spreadsheets(file, tmp_path):
    write_muse(
        file, *[muse_row(n, artist="") for n in range(1, 31)], muse_row(31, track='=HYPERLINK("x")', genre="x" * 201)
    )
    out, err = command(file, "--rejects", tmp_path / "rejects.csv")
    assert "31 rejected" in out
    assert "and 11 more rejected rows" in err
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as rejects:
        lines = list(csv.reader(rejects))
    assert lines[:2] == [["line", "reason", "title"], ["2", "artist is empty", "Track 1"]]
    assert lines[31] == ["32", "genre is longer than 200 characters", '\'=HYPERLINK("x")']
    assert len(lines) == 32


@pytest.mark.parametrize(
    ("content", "words"), [("", "The file is empty."), ("a,b\n1,2\n", "This is not MuSe"), (None, "No such file")]
)
def test_a_bad_file_is_one_clear_line(file, tmp_path, content, words):
    if content is not None:
        file.write_text(content)
    rejects = tmp_path / "rejects.csv"
    with pytest.raises(CommandError, match=words) as error:
        command(file, "--rejects", rejects)
    assert "\n" not in str(error.value)
    assert list(tmp_path.glob("rejects*")) == []
    assert not Track.objects.exists()


def test_rejects_that_cannot_be_written_stop_the_import_before_it_begins(file, tmp_path):
    write_muse(file, muse_row(1), muse_row(2))
    with pytest.raises(CommandError, match="cannot be written"):
        command(file, "--rejects", tmp_path / "none" / "rejects.csv")
    with pytest.raises(CommandError, match="the very file"):
        command(file, "--rejects", file)
    assert not Track.objects.exists()
    assert file.read_text().startswith("lastfm_url")


def refusing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make a method of paths that fails below a folder that nobody may enter."""

    def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:
        if "locked" in path.parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return method(path, *args, **kwargs)

    return refuse


@pytest.mark.parametrize("place", ["{}/folder", "{}/folder/..", "{}/pipe", ".", "..", "/"])
def test_rejects_go_to_a_file_or_nothing_is_imported(file, tmp_path, place):
    write_muse(file, muse_row(1), muse_row(2, artist=""))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CommandError, match=r"that is no file\. Name one, as in --rejects rejects\.csv\."):
        command(file, "--rejects", place.format(tmp_path))
    assert not Track.objects.exists()
    assert sorted(tmp_path.rglob("*")) == before


def test_rejects_where_nobody_may_look_stop_the_import_in_words(file, tmp_path, monkeypatch):
    write_muse(file, muse_row(1), muse_row(2, artist=""))
    with pytest.raises(
        CommandError, match=r"cannot be written: File name too long\. Name a file where you may write\."
    ):
        command(file, "--rejects", tmp_path / ("x" * 300))

    for name in ("stat", "open"):  # root may enter every folder
        monkeypatch.setattr(Path, name, refusing(getattr(Path, name)))
    with pytest.raises(CommandError, match=r"rejects\.csv cannot be written: Permission denied\."):
        command(file, "--rejects", tmp_path / "locked" / "rejects.csv")
    assert not Track.objects.exists()


def test_rejects_that_are_lost_at_last_are_told_with_what_came_in(file, tmp_path, monkeypatch):
    write_muse(file, muse_row(1), muse_row(2, artist=""))

    def fill_up(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", fill_up)
    words = "The tracks are in the catalogue, but .* could not be written: No space left on device. Import again"
    with pytest.raises(CommandError, match=words):
        command(file, "--rejects", tmp_path / "rejects.csv")
    assert Track.objects.count() == 1
    assert list(tmp_path.glob("rejects*")) == []


def test_tracks_that_cannot_be_clustered_are_told_with_the_figures(file, monkeypatch):
    command(write_muse(file, *[muse_row(n) for n in range(1, 31)]))
    monkeypatch.setattr("catalogue.importing.fit_catalogue", lambda _method: 1 / 0)
    write_muse(file, *[muse_row(n) for n in range(1, 121)])
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as error:
        call_command("import_muse", str(file), stdout=out, stderr=err)
    assert str(error.value) == UNCLUSTERED
    assert out.getvalue().startswith("120 rows, 90 created")
    assert "too few" not in err.getvalue()
    assert Track.objects.count() == 120


def test_of_the_real_defects_every_good_row_comes_in_and_again_changes_nothing(data):
    file = data / "muse" / "muse_defects.csv"
    out, err = command(file, "--json")
    figures = json.loads(out)
    assert [figures[name] for name in ("rows", "created", "updated", "unchanged", "rejected")] == [18, 5, 0, 0, 13]
    assert [f"line {n}: " in err for n in range(2, 20)] == [False] * 3 + [True] * 13 + [False] * 2
    before = list(Track.objects.order_by("id").values())
    again = json.loads(command(file, "--json")[0])
    assert [again[name] for name in ("created", "updated", "unchanged", "rejected")] == [0, 0, 5, 13]
    assert list(Track.objects.order_by("id").values()) == before
