"""`detect_emotion`: one entry for each picture, JSON alone on stdout, one line for what cannot be."""

import errno
import json
import os

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from skimage.data import astronaut, coffee

from emotune.emotions import EMOTIONS
from tests.vision_files import encoded, write_model

KEYS = {"file", "status", "emotion", "confidence", "scores", "faces", "box", "landmarks", "milliseconds"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    write_model(folder / "model")
    (folder / "face.jpg").write_bytes(encoded(Image.fromarray(astronaut()), "JPEG"))
    (folder / "large.png").write_bytes(encoded(Image.fromarray(astronaut()).resize((2048, 2048))))
    (folder / "coffee.webp").write_bytes(encoded(Image.fromarray(coffee()), "WEBP"))
    (folder / "letter.jpg").write_text("Dear reader, this is no picture.")
    (folder / "empty.png").write_bytes(b"")
    return folder


def detect(capsys, folder, *names, model="model"):
    call_command("detect_emotion", *(str(folder / name) for name in names), "--model", str(folder / model), "--json")
    return json.loads(capsys.readouterr().out)


def test_a_face_is_read_with_every_key(capsys, folder):
    (reading,) = detect(capsys, folder, "face.jpg")
    assert set(reading) == KEYS
    assert reading["file"] == str(folder / "face.jpg")
    assert reading["status"] == "done"
    assert reading["emotion"] in EMOTIONS
    assert list(reading["scores"]) == list(EMOTIONS)
    assert reading["faces"] == 1


def test_the_box_is_in_pixels_of_the_picture(capsys, folder):
    small, large = detect(capsys, folder, "face.jpg", "large.png")
    assert np.array(large["box"]) == pytest.approx(4 * np.array(small["box"]), abs=40)
    assert large["landmarks"]["nose"] == pytest.approx([4 * value for value in small["landmarks"]["nose"]], abs=25)


def test_a_picture_without_a_face_has_no_emotion(capsys, folder):
    (reading,) = detect(capsys, folder, "coffee.webp")
    assert reading["status"] == "no_face"
    assert reading["faces"] == 0
    assert reading["emotion"] is reading["scores"] is reading["box"] is None


def test_an_unreadable_picture_is_an_entry_and_the_others_go_on(capsys, folder):
    letter, face, empty = detect(capsys, folder, "letter.jpg", "face.jpg", "empty.png")
    assert [entry["status"] for entry in (letter, face, empty)] == ["failed", "done", "failed"]
    assert set(letter) == KEYS | {"problem"}
    assert "not a JPEG" in letter["problem"]
    assert "empty" in empty["problem"]
    assert letter["emotion"] is None


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_where_nothing_could_be_read_it_ends_with_status_1_after_saying_why(capsys, folder, how):
    files = [str(folder / name) for name in ("letter.jpg", "empty.png")]
    with pytest.raises(CommandError, match="Nothing could be read") as error:
        call_command("detect_emotion", *files, "--model", str(folder / "model"), *how)
    assert error.value.returncode == 1
    said = capsys.readouterr().out
    assert "not a JPEG" in (json.loads(said)[0]["problem"] if how else said)


def test_words_for_people_are_one_line_for_each_picture(capsys, folder):
    files = [str(folder / name) for name in ("face.jpg", "coffee.webp", "letter.jpg")]
    call_command("detect_emotion", *files, "--model", str(folder / "model"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert any(emotion in lines[0] for emotion in EMOTIONS)
    assert lines[1].endswith("no face found")
    assert "not a JPEG" in lines[2]


def test_a_missing_file_or_model_is_one_clear_line(folder):
    with pytest.raises(CommandError, match=r"nowhere\.jpg: there is no such file") as error:
        call_command("detect_emotion", str(folder / "face.jpg"), str(folder / "nowhere.jpg"))
    assert error.value.returncode == 1
    with pytest.raises(CommandError, match="is a folder; give pictures"):
        call_command("detect_emotion", str(folder))
    with pytest.raises(CommandError, match="no model there"):
        call_command("detect_emotion", str(folder / "face.jpg"), "--model", str(folder / "nowhere"))


def test_a_file_that_may_not_be_looked_at_is_one_clear_line(folder, monkeypatch):
    with pytest.raises(CommandError, match="cannot be read: File name too long"):
        call_command("detect_emotion", str(folder / ("x" * 300)))
    stat = os.stat

    def refuse(path, **options):
        if "locked" in str(path):  # root may enter every folder
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(CommandError, match=r"face\.jpg cannot be read: Permission denied\.$"):
        call_command("detect_emotion", str(folder / "locked" / "face.jpg"))


def test_every_photograph_has_a_face(capsys, folder, data):
    photographs = sorted((data / "faces").glob("*.jpg"))
    known = json.loads((data / "faces" / "faces.json").read_text())
    call_command("detect_emotion", *map(str, photographs), "--model", str(folder / "model"), "--json")
    readings = json.loads(capsys.readouterr().out)
    assert len(readings) == len(photographs) > 10
    for photograph, reading in zip(photographs, readings, strict=True):
        wanted = known[photograph.name]["faces"]
        assert reading["status"] == "done"
        assert reading["faces"] == wanted if wanted else reading["faces"] >= 1
