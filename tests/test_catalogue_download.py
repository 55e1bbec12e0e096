"""`import_muse --download`: through a stand-in of the package that fetches data sets, since tests have no network."""

import json
import sys
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from catalogue.download import DATASET
from catalogue.models import Track
from tests.catalogue_files import muse_row, write_muse

pytestmark = pytest.mark.django_db


@pytest.fixture
def kaggle(monkeypatch, tmp_path):
    """A stand-in for kagglehub that says what it does and gives a folder."""
    asked = []

    def dataset_download(handle: str) -> str:
        asked.append(handle)
        sys.stdout.write("Downloading ...\n")
        return str(tmp_path)

    module = SimpleNamespace(dataset_download=dataset_download, asked=asked)
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("import_muse", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.parametrize("others", [(), ("extra.csv", "muse_v2.csv")])
def test_what_was_downloaded_is_imported_and_json_stands_alone(kaggle, tmp_path, capsys, others):
    write_muse(tmp_path / "muse_v3.csv", muse_row(1), muse_row(2))
    for name in others:
        (tmp_path / name).write_text("a,b\n")
    assert json.loads(command("--download", "--json"))["created"] == 2
    assert kaggle.asked == [DATASET]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("files", [(), ("a.csv", "b.csv")])
def test_a_download_that_holds_no_muse_is_one_line(kaggle, tmp_path, files):
    for name in files:
        (tmp_path / name).write_text("a,b\n")
    with pytest.raises(CommandError, match="Name the one to import"):
        command("--download")


@pytest.mark.parametrize("error", [ConnectionError("no route\nto host"), RuntimeError("")])
def test_without_a_network_it_says_what_to_do(kaggle, error):
    def fail(_handle: str) -> str:
        raise error

    kaggle.dataset_download = fail
    with pytest.raises(CommandError, match="Check the network, or fetch the file and name it") as caught:
        command("--download")
    assert "\n" not in str(caught.value)
    assert not Track.objects.exists()


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(CommandError, match="pip install kagglehub"):
        command("--download")


@pytest.mark.parametrize("arguments", [(), ("muse.csv", "--download")])
def test_it_wants_either_a_file_or_a_download(kaggle, arguments: tuple[str, ...]):
    with pytest.raises(CommandError, match="Name one file, or say --download"):
        command(*arguments)
    assert kaggle.asked == []
