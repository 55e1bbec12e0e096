"""The recommender's evaluation: simulated listeners, the baselines, and the command that prints the figures."""

import json
from io import StringIO
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from emotune.emotions import ANCHORS, EMOTIONS
from playlists.columns import Columns
from playlists.listeners import Listener, draw_mood
from playlists.plot import learning_curve
from playlists.simulation import ARMS, LENGTH, History, simulate
from tests.factories import make_track


def make_catalogue(each: int = 400) -> Columns:
    rng = np.random.default_rng(1)
    n = each * len(EMOTIONS)
    emotion = np.repeat(np.arange(len(EMOTIONS)), each)
    return Columns(
        ids=np.sort(rng.permutation(n).reshape(-1, each)).ravel(),
        vad=(np.array(ANCHORS)[emotion] + rng.normal(0, 0.8, (n, 3))).astype(np.float32),
        emotion=emotion.astype(np.int8),
        genre=rng.integers(-1, 20, n, np.int32),
        artist=rng.integers(0, 300, n, np.int32),
        recording=np.arange(1, n + 1),
        use=np.zeros(n, np.int8),
        tags=rng.integers(0, 30, n).astype(np.float32),
        genres=tuple(f"genre {i}" for i in range(20)),
        centres=np.array(ANCHORS),
        company=np.zeros((300, 0), np.float32),
    )


CATALOGUE = make_catalogue()


def test_a_mood_has_its_emotion_as_the_likeliest():
    for seed in range(50):
        mood = draw_mood(np.random.default_rng(seed), seed % 7)
        assert mood.weights.argmax() == mood.emotion == seed % 7
        assert len(mood.weights) == 7


def test_a_listener_likes_a_fifth_and_loves_a_twentieth_and_has_a_taste_of_their_own():
    mood = draw_mood(np.random.default_rng(0), 3)
    one, other = (Listener(CATALOGUE, seed).grades(mood) for seed in (1, 2))
    assert (one > 0).mean() == pytest.approx(0.2, abs=0.01)
    assert (one > 1).mean() == pytest.approx(0.05, abs=0.01)
    assert (one != other).any()


def test_a_taste_drifts():
    mood = draw_mood(np.random.default_rng(0), 3)
    listener = Listener(CATALOGUE, 1)
    before = listener.grades(mood)
    for _ in range(50):
        listener.drift()
    assert 0 < (before != listener.grades(mood)).mean() < 0.5


@pytest.mark.parametrize("name", ARMS)
def test_every_recommender_gives_fifteen_different_tracks_of_the_mood(name):
    mood = draw_mood(np.random.default_rng(0), 2)
    rows = ARMS[name](CATALOGUE).recommend(mood, History(), 5)
    assert len(set(rows)) == LENGTH
    assert set(CATALOGUE.emotion[rows]) == {2}
    assert rows == ARMS[name](CATALOGUE).recommend(mood, History(), 5)


def test_feedback_pays_and_the_whole_catalogue_is_used():
    results = simulate(CATALOGUE, listeners=16, sessions=16 * 5, seed=0)
    assert set(results) == set(ARMS)
    learned, plain, paper = (results[name].figures() for name in ("with_feedback", "without_feedback", "paper"))
    assert learned["ratings"] == 20
    assert learned["ndcg_at_10"] > 1.25 * plain["ndcg_at_10"]
    assert learned["ndcg_at_10"] > 2 * paper["ndcg_at_10"]
    assert learned["coverage"] > 0.25 > results["popularity"].figures()["coverage"]
    assert learned["regret"] < plain["regret"]


@pytest.mark.parametrize(("listeners", "sessions"), [(0, 1), (2, 1)])
def test_it_rejects_a_simulation_of_nobody(listeners, sessions):
    with pytest.raises(ValueError, match="must be a listener"):
        simulate(CATALOGUE, listeners=listeners, sessions=sessions, seed=0)


def test_the_curve_is_a_drawing_with_a_line_for_each():
    drawing = learning_curve({"with_feedback": [(0, 0.1, 0.01), (20, 0.4, 0.02)], "a<b": [(0, 0.1, 0.0)]})
    root = ET.fromstring(drawing)
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 2
    assert "with feedback" in drawing
    with pytest.raises(ValueError, match="no point"):
        learning_curve({})


@pytest.mark.django_db
def test_the_command_prints_json_alone_and_draws_the_curve(tmp_path, capsys):
    for emotion in EMOTIONS:
        for n in range(25):
            make_track(emotion, genre=f"genre {n % 3}", artist=f"Artist {n % 9}")
    out = StringIO()
    plot = tmp_path / "curve.svg"
    call_command("evaluate_recommender", listeners=2, sessions=6, json=True, plot=plot, stdout=out)
    figures = json.loads(out.getvalue())
    assert {"coverage", "precision_at_10", "ndcg_at_10", "diversity", "novelty", "regret"} <= set(figures)
    assert figures["with_feedback"]["ndcg_at_10"] == figures["ndcg_at_10"]
    assert {"random", "popularity", "paper", "without_feedback"} <= set(figures)
    assert figures["curve"]["with_feedback"]["0"]["precision_at_10"] >= 0
    assert plot.read_text().startswith("<svg")
    words = StringIO()
    call_command("evaluate_recommender", listeners=2, sessions=2, stdout=words)
    assert "without_feedback" in words.getvalue()


@pytest.mark.django_db
def test_the_command_says_what_is_missing():
    with pytest.raises(CommandError, match="no playable track for angry"):
        call_command("evaluate_recommender", listeners=1, sessions=1)
    with pytest.raises(CommandError, match="at least one listener"):
        call_command("evaluate_recommender", listeners=0)
