"""The page about the reader: what its card says, for everybody, read from the disk when it changes."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.test.utils import override_settings
from django.urls import reverse

from detection.model_card import model_page
from detection.templatetags.figures import share, thousands
from detection.vision.card import load_card, write_card
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
        data={"name": "fer2013plus.zip", "train": 27274, "test": 3589},
        unsure_below=0.454,
    )


@pytest.mark.django_db
def test_everybody_may_see_what_the_card_says(client, folder):
    with override_settings(MODEL_DIR=folder):
        response = client.get(reverse("detection:model"))
    assert response.status_code == 200
    words = response.content.decode()
    card = load_card(folder)
    learned = "27,274 pictures of faces (FER2013, with the votes of FER+)"
    for said in ("test-1", "2026-11-22", "1,907,246", learned, "serves their mean", "FER2013&#x27;s labels", "45.4 %"):
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


def test_the_card_is_read_once_until_it_changes(folder):
    before = model_page(folder)
    assert model_page(folder) is before
    write_card(folder, replace(load_card(folder), version="test-2"))
    assert model_page(folder)["card"].version == "test-2"
    (folder / "card.json").unlink()
    assert model_page(folder) == {"card": None}


def page(client, folder, **card):
    write_card(folder, replace(load_card(folder), **card))
    with override_settings(MODEL_DIR=folder):
        response = client.get(f"{reverse('detection:model')}?anew")  # what is kept for strangers has no query
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("blend", "said"),
    [(0.0, "what the one for the label says"), (0.5, "their mean"), (0.75, "both, with a share of 75.0 % for the")],
)
def test_what_a_network_learned_from_and_serves_is_what_its_card_says(client, folder, blend, said):
    taught = {"teachers": ["a", "b"]}
    words = page(client, folder, blend=blend, data={"name": "<AffectNet>", "train": 5}, training=taught)
    assert "and from what 2 earlier networks said of them" in words
    assert "5 pictures of faces (&lt;AffectNet&gt;, with people's votes)" in words
    assert f"serves {said}" in words
    assert "labels of &lt;AffectNet&gt;" in words
    assert "FER" not in words
    assert "<AffectNet>" not in words


@pytest.mark.django_db
def test_a_card_that_tells_little_is_shown_as_far_as_it_goes(client, folder):
    part = {"recall": {"happy": 0.5, "rage": 0.1}, "strangers": {"count": 0, "accuracy": None}, "count": 3}
    cards: tuple[dict[str, Any], ...] = (
        {},
        {"served": {}},
        {"served": {"labels": {}}, "other": {"truth": {}}},
        {"served": {"labels": part}},
        {"served": {"labels": {"confusion": [[1, 2], [3]], "risk": [[0.8, 0.1]], "reliability": [[1, 0.5, 0.5]]}}},
    )
    for measures in cards:
        words = page(client, folder, data={}, training={}, measures=measures)
        assert "None" not in words
        assert "residual,  numbers" in words
    assert "10.0 % of the surest" in words


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_figure_that_is_not_there_is_nothing(nothing):
    assert share(nothing) == thousands(nothing) == ""
    assert (share(0), thousands(27274)) == ("0.0 %", "27,274")


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
