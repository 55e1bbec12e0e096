"""`evaluate_detector` from the command line: systems side by side, what is missing by name, figures as files."""

import io
import json
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from detection.management.commands import evaluate_detector
from detection.vision import peer_process, peers, plots, systems
from detection.vision.card import load_card, write_card
from detection.vision.data import hold_out, load_split
from detection.vision.framing import as_frame, framed
from detection.vision.tables import PAPER, table_4_1, table_4_2
from emotune.emotions import EMOTIONS
from tests.vision_files import write_faces, write_model


@pytest.fixture
def folder(tmp_path):
    return write_faces(tmp_path / "faces", {"train": 2, "public_test": 1})


@pytest.fixture
def no_peers(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "PYTHON", tmp_path / "nowhere" / "python")
    monkeypatch.setattr(systems, "MODELS", tmp_path)


def run(*arguments):
    call_command("evaluate_detector", *map(str, arguments))


def test_what_cannot_run_is_named_with_what_to_do_beside_what_can(folder, tmp_path, no_peers, capsys):
    write_model(tmp_path / "emotune")
    run("--data", folder, "--models", "cnn,deepface,fer-haar,fer-mtcnn,emotune", "--crops", "--json")
    printed = capsys.readouterr()
    measured = json.loads(printed.out)
    assert list(measured) == ["cnn", "deepface", "fer-haar", "fer-mtcnn", "emotune"]
    assert "train_detector --model cnn" in measured["cnn"]["missing"]
    for name in ("deepface", "fer-haar", "fer-mtcnn"):
        assert "make peers" in measured[name]["missing"]
        assert f"{name} was not measured" in printed.err
    assert measured["emotune"]["head"] == "labels"
    assert np.sum(measured["emotune"]["confusion"]) == 7


def test_figures_are_written_as_svg_that_a_strict_policy_admits(folder, tmp_path, no_peers, capsys):
    write_model(tmp_path / "emotune")
    run("--data", folder, "--models", "emotune,deepface", "--crops", "--plots", tmp_path / "plots", "--train-accuracy")
    words = capsys.readouterr().out
    assert "| Table 4.1" in words
    assert "| Table 4.2: recall" in words
    drawn = sorted(path.name for path in (tmp_path / "plots").iterdir())
    figures = ["emotune_confusion.svg", "emotune_reliability.svg", "emotune_risk.svg"]
    assert drawn == [*figures, "figure_4_1.svg", "figure_4_2.svg"]
    for name in drawn:
        text = (tmp_path / "plots" / name).read_text()
        ET.fromstring(text)
        assert "style" not in text


def test_without_crops_a_face_is_looked_for_and_missing_ones_are_counted_apart(folder, tmp_path, no_peers, capsys):
    write_model(tmp_path / "emotune")
    run("--data", folder, "--json")
    measured = json.loads(capsys.readouterr().out)["emotune"]
    assert measured["head"] == "served"
    assert measured["no_face"] == 7  # noise shows no face
    assert (measured["accuracy"], np.sum(measured["confusion"])) == (0, 0)


def test_measures_are_written_into_the_card_and_only_those_of_crops(folder, tmp_path, no_peers, capsys):
    model = write_model(tmp_path / "emotune")
    run("--data", folder, "--crops", "--update-card", "--json")
    measured = json.loads(capsys.readouterr().out)["emotune"]
    card = json.loads((model / "card.json").read_text())
    assert card["measures"] == measured["heads"]
    assert card["version"] == "test-1"
    with pytest.raises(CommandError, match="--crops"):
        run("--data", folder, "--update-card")
    write_card(model, replace(load_card(model), data={"name": "others.zip", "train": 9}))
    before = (model / "card.json").read_bytes()
    with pytest.raises(CommandError, match=r"was trained on others\.zip, not on .*faces"):
        run("--data", folder, "--crops", "--update-card")
    assert (model / "card.json").read_bytes() == before
    with pytest.raises(CommandError, match="without flips"):
        run("--data", folder, "--crops", "--flips", "--update-card")


def test_with_flips_each_head_is_asked_about_faces_and_their_mirrored_twins(folder, tmp_path, no_peers, capsys):
    write_model(tmp_path / "emotune", mirrored=True)
    run("--data", folder, "--crops", "--json")
    alone = json.loads(capsys.readouterr().out)["emotune"]["heads"]
    run("--data", folder, "--crops", "--flips", "--json")
    flipped = json.loads(capsys.readouterr().out)["emotune"]["heads"]
    assert flipped["labels"] != alone["labels"]
    assert flipped["crowd"] != alone["crowd"]
    assert flipped["served"] == alone["served"]


def test_measures_of_another_split_are_kept_out_of_the_card(folder, tmp_path, no_peers):
    write_model(tmp_path / "emotune")
    with pytest.raises(CommandError, match="public_test; leave --split out"):
        run("--data", folder, "--crops", "--update-card", "--split", "train")


def test_of_a_data_set_that_a_network_was_trained_on_the_test_is_measured(tmp_path, no_peers, capsys):
    faces = write_faces(tmp_path / "set", {".": 20})
    write_model(tmp_path / "emotune", data={"name": "set"})
    write_model(tmp_path / "stranger", data={"name": "other"})
    run("--data", faces, "--models", tmp_path / "stranger", "--crops", "--json")
    whole = next(iter(json.loads(capsys.readouterr().out).values()))
    assert np.sum(whole["confusion"]) == 140
    run("--data", faces, "--crops", "--json", "--strangers")
    part = json.loads(capsys.readouterr().out)["emotune"]
    assert 0 < np.sum(part["confusion"]) == part["heads"]["served"]["labels"]["strangers"]["count"] < 40
    run("--data", faces, "--crops", "--json", "--split", "train")
    assert "emotune was trained on these pictures" in capsys.readouterr().err


def test_a_network_knows_its_data_by_what_was_held_out_of_them_whatever_they_are_called(tmp_path, no_peers, capsys):
    faces = write_faces(tmp_path / "set", {".": 20})
    crc = hold_out(load_split(faces, "train"), 0.1)[1].fingerprint()
    data = {"other": {"name": "other", "held_out_crc": crc}, "set": {"name": "set", "held_out_crc": crc + 1}}
    for name, told in data.items():
        write_model(tmp_path / name, data=told, training={"held_out": 0.1})
        run("--data", faces, "--models", tmp_path / name, "--crops", "--json", "--split", "train")
        assert ("was trained on these pictures" in capsys.readouterr().err) == (name == "other")
    run("--data", write_faces(tmp_path / "tests", {"test": 1}), "--models", tmp_path / "other", "--crops")


def test_strangers_are_those_without_a_near_duplicate_among_what_a_network_was_trained_on(folder, tmp_path, capsys):
    train = load_split(folder, "train")
    _, held = hold_out(train, 0.5)
    shutil.copy(folder / held.names[0], folder / "public_test" / "happy" / "00000.png")
    ours, other = tmp_path / "ours", tmp_path / "other"
    write_model(ours, data={"held_out_crc": held.fingerprint()}, training={"held_out": 0.5})
    write_model(other, data={"name": "of others"}, training={"held_out": 0.5})
    run("--data", folder, "--models", f"{ours},{other}", "--crops", "--json", "--strangers")
    measured = json.loads(capsys.readouterr().out)
    counts = [measured[str(name)]["heads"]["labels"]["labels"]["strangers"]["count"] for name in (ours, other)]
    assert counts == [7, 6]


@pytest.mark.parametrize("content", ["{", "[]", '{"data": 3}', '{"data": {}, "training": []}'])
def test_a_damaged_card_of_the_plain_network_is_one_line(folder, tmp_path, monkeypatch, content):
    monkeypatch.setattr(evaluate_detector, "MODELS", tmp_path)
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "card.json").write_text(content)
    with pytest.raises(CommandError, match=r"cnn/card\.json") as error:
        run("--data", folder, "--models", "cnn", "--crops")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["cnn", "elsewhere"])
def test_the_folder_of_a_plain_network_is_sent_to_its_name(folder, tmp_path, no_peers, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "card.json").write_text('{"kind": "cnn", "version": "cnn-1", "data": {}, "training": {}}')
    with pytest.raises(CommandError) as error:
        run("--data", folder, "--models", tmp_path / name, "--crops")
    meant = f"measure it as cnn, which is the one at {tmp_path / 'cnn'}"
    assert str(error.value) == f"{tmp_path / name} holds a plain network; {meant}"


def test_a_peer_that_breaks_on_a_picture_is_told_apart_from_one_that_finds_no_face(folder, tmp_path, capsys):
    class Breaking:
        heads: tuple[str, ...] = ("read",)
        parameters = 1

        def read(self, picture):
            raise peers.PeerError("ValueError: no")

        def close(self):
            pass

    figures = systems.evaluate(Breaking(), load_split(folder, "public_test"), lambda _: None, crops=True)
    assert len(figures.errors) == 7
    assert figures.errors[0].endswith("angry/00000.png: ValueError: no")
    answers = io.StringIO()

    def peer(picture):
        raise MemoryError("no room")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"[1, 1]\nabc[1, 1]\nabc")))
        peer_process.serve(peer, answers)
    assert [json.loads(line) for line in answers.getvalue().splitlines()] == [{"error": "MemoryError: no room"}] * 2


def test_a_test_in_affectnets_layout_is_the_papers(tmp_path, no_peers, capsys):
    write_model(tmp_path / "emotune")
    for number in range(8):
        target = tmp_path / "AffectNet" / "val" / str(number)
        target.mkdir(parents=True)
        for i in range(502 if number == 1 else 1):
            Image.new("L", (4, 4), i % 256).save(target / f"{i}.png")
    run("--data", tmp_path / "AffectNet", "--crops", "--json")
    confusion = json.loads(capsys.readouterr().out)["emotune"]["confusion"]
    assert sum(confusion[EMOTIONS.index("happy")]) == 500
    assert np.sum(confusion) == 506


def test_bad_input_is_one_line(folder, tmp_path):
    for arguments in (
        ("--data", tmp_path / "nowhere"),
        ("--data", folder, "--split", "private_test"),
        ("--data", folder, "--models", tmp_path / "nothing"),
    ):
        with pytest.raises(CommandError) as error:
            run(*arguments)
        assert "\n" not in str(error.value)


def test_tables_have_the_papers_figures_beside_ours():
    ours: dict[str, Any] = {"accuracy": 0.5, "recall": dict.fromkeys(EMOTIONS, 0.25), "milliseconds": 3.5, "no_face": 2}
    measured: dict[str, dict[str, Any]] = {"emotune": ours, "deepface": {"missing": "no weights"}}
    first, second = table_4_1(measured).splitlines(), table_4_2(measured).splitlines()
    assert [cell.strip() for cell in first[3].split("|")[2:7]] == ["34.2", "22.8", "35.8", "50.0", "-"]
    assert [cell.strip() for cell in second[2].split("|")[1:7]] == ["neutral", "0.326", "0.348", "0.574", "0.250", "-"]
    assert all(set(figures["recall"]) == set(EMOTIONS) for figures in PAPER.values())


def test_drawings_are_well_formed_and_say_their_values():
    drawings = [
        plots.grouped_bars("Bars <1>", ["a", "b"], {"x & y": [0.1, 0.2], "z": [1, 0]}),
        plots.emotion_bars("Recall", dict.fromkeys(EMOTIONS, 0.5)),
        plots.confusion_matrix("Confusion", np.eye(7, dtype=int).tolist()),
        plots.reliability_diagram("Reliability", [[0.5, 0.4, 0.3], [0.5, 0.9, 0.8]]),
        plots.risk_coverage_curve("Risk", [[0.5, 0.1], [1.0, 0.3]]),
        plots.shares_over_time(
            "Weeks", ["1", "2"], {"happy": [(1, 2), (0, 0)], "sad": [(0, 0)] * 2, "all": [(1, 2)] * 2}
        ),
    ]
    for drawing in drawings:
        assert ET.fromstring(drawing).attrib["role"] == "img"
    assert "b, z: 0.000" in drawings[0]
    assert "sad read as sad: 1 of 1" in drawings[2]
    assert drawings[5].count("<circle") == 3
    assert "happy, 1: 50 % of 2" in drawings[5]
    assert "none yet" in drawings[5]


def test_a_trend_pools_the_last_four_weeks_and_passes_over_those_without_readings():
    values = [(1, 2), (0, 0), (4, 4), (0, 2), (3, 4), (0, 0), (0, 0), (0, 0), (0, 0)]
    pooled = [plots._pooled(values[: i + 1], float(i)) for i in range(len(values))]
    shares = [point and point[1] for point in pooled]
    assert shares == [1 / 2, 1 / 2, 5 / 6, 5 / 8, 7 / 10, 7 / 10, 3 / 6, 3 / 4, None]


def test_a_face_that_was_cut_out_is_put_into_a_frame_and_a_photograph_is_left():
    crop = np.full((48, 48, 3), 200, np.uint8)
    frame = as_frame(crop)
    assert frame.shape == (480, 640, 3)
    assert frame[240, 320].tolist() == [200] * 3
    assert frame[0, 0].tolist() == [110] * 3
    photograph = np.zeros((300, 200, 3), np.uint8)
    assert as_frame(photograph) is photograph
    dark = framed(crop, 100, light=0.2)
    assert dark[240, 320].mean() == pytest.approx(40, abs=12)
    assert dark.std() > framed(crop, 100).std() * 0.2
    assert (framed(crop, 100, turn=45)[240 - 45, 320 - 45] == 110).all()


def test_a_peer_answers_picture_by_picture_and_says_when_it_died():
    if not peers.PYTHON.exists():
        pytest.skip("what `make peers` installs is missing on this machine")
    with peers.Peer("fer-haar", crops=True) as peer:
        assert peer.parameters == 58423
        answer = peer.read(np.full((48, 48, 3), 90, np.uint8))
        assert set(answer.scores or ()) == set(EMOTIONS)
        assert answer.milliseconds > 0
        peer._process.kill()
        with pytest.raises(peers.PeerBroken, match="fer-haar ended"):
            peer.read(np.zeros((48, 48, 3), np.uint8))
