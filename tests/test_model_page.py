"""The page about the reader: what its card says, for everybody, with no request to a disk but the first."""

import json

import numpy as np
import pytest
from django.test.utils import override_settings
from django.urls import reverse

from detection.model_card import model_page
from detection.vision.card import load_card
from detection.vision.data import Split
from detection.vision.evaluation import measure_truths
from detection.vision.sources import PictureSource
from emotune.emotions import EMOTIONS
from tests.vision_files import write_model


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(7), 10)
    votes = np.eye(7, dtype=np.float32)[labels]
    split = Split(PictureSource(tmp_path), tuple(map(str, range(70))), labels, votes)
    read = rng.dirichlet(np.ones(7), 70) + np.eye(7)[labels] * (rng.random(70) < 0.6)[:, None]
    measures = measure_truths(read / read.sum(axis=1, keepdims=True), split, np.arange(70) % 5 > 0)
    return write_model(
        tmp_path / "model",
        measures={"labels": measures, "served": measures},
        training={"date": "2026-11-22", "parameters": 1907246},
        data={"train": 27274, "test": 3589},
        unsure_below=0.454,
    )


@pytest.mark.django_db
def test_everybody_may_see_what_the_card_says(client, folder):
    with override_settings(MODEL_DIR=folder):
        response = client.get(reverse("detection:model"))
    assert response.status_code == 200
    words = response.content.decode()
    card = load_card(folder)
    for said in ("test-1", "2026-11-22", "1,907,246", "27,274", "45.4 %", "not for"):
        assert said in words
    accuracy = card.measures["served"]["labels"]["accuracy"]
    assert f"{100 * accuracy:.1f} %" in words
    strangers = card.measures["served"]["labels"]["strangers"]["accuracy"]
    assert strangers != accuracy
    assert f'<td class="number">{100 * strangers:.1f} %</td>' in words
    assert "20.0 % of the pictures have a near-duplicate" in words
    assert words.count('class="drawing"') == 6
    assert "style=" not in words
    assert "press &ldquo;That is not right&rdquo;" in words
    for name in EMOTIONS:
        assert f'<th scope="col" class="number">{name}</th>' in words


def test_the_card_is_read_once(folder):
    before = model_page(folder)
    (folder / "card.json").unlink()
    assert model_page(folder) is before


def test_a_card_of_an_earlier_training_has_no_curves(folder):
    card = json.loads((folder / "card.json").read_text())
    for truths in card["measures"].values():
        for found in truths.values():
            for name in ("reliability", "risk", "strangers"):
                del found[name]
    (folder / "card.json").write_text(json.dumps(card))
    assert model_page(folder)["twins"] is None
    served = model_page(folder)["served"]
    assert [one.reliability_svg + one.risk_svg for one in served] == ["", ""]
    assert "<svg" in served[0].recall_svg


def test_a_card_that_comes_later_is_shown(tmp_path):
    assert model_page(tmp_path / "later") == {"card": None}
    write_model(tmp_path / "later")
    assert model_page(tmp_path / "later")["card"].version == "test-1"


@pytest.mark.django_db
def test_without_a_model_the_page_says_so(client, tmp_path):
    with override_settings(MODEL_DIR=tmp_path / "nothing"):
        response = client.get(reverse("detection:model"))
    assert response.status_code == 200
    assert "No reader is installed" in response.content.decode()
