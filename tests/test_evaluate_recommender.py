"""The recommender's evaluation: simulated listeners, the baselines, and the command that prints the figures."""

import json
from dataclasses import replace
from io import StringIO
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from emotune.emotions import ANCHORS, EMOTIONS
from playlists.columns import Columns
from playlists.listeners import Listener, draw_mood
from playlists.listening import rate
from playlists.management.commands import evaluate_recommender
from playlists.plot import learning_curve
from playlists.replay import Ratings, replay
from playlists.simulation import ARMS, LENGTH, History, Result, gain, simulate
from tests.factories import make_track, make_user


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


def test_where_no_track_has_a_genre_there_are_listeners_too():
    bare = replace(CATALOGUE, genre=np.full(len(CATALOGUE.ids), -1, np.int32), genres=())
    assert (Listener(bare, 1).grades(draw_mood(np.random.default_rng(0), 3)) > 0).mean() == pytest.approx(0.2, abs=0.01)


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
    call_command("evaluate_recommender", listeners=2, sessions=7, json=True, plot=plot, stdout=out)
    figures = json.loads(out.getvalue())
    assert figures["sessions"] == 6, "three for each"
    assert "ndcg_at_10_error" in figures["curve"]["with_feedback"]["0"]
    assert set(figures["gain"]["0"]) == {"mean", "error"}
    assert {"coverage", "precision_at_10", "ndcg_at_10", "diversity", "novelty", "regret"} <= set(figures)
    assert figures["with_feedback"]["ndcg_at_10"] == figures["ndcg_at_10"]
    assert {"random", "popularity", "paper", "without_feedback"} <= set(figures)
    assert figures["curve"]["with_feedback"]["0"]["precision_at_10"] >= 0
    assert plot.read_text().startswith("<svg")
    words = StringIO()
    call_command("evaluate_recommender", listeners=2, sessions=2, stdout=words)
    assert "without_feedback" in words.getvalue()
    assert "±" in words.getvalue()


@pytest.mark.django_db
def test_of_one_listener_the_command_tells_no_error(tmp_path):
    for emotion in EMOTIONS:
        for n in range(20):
            make_track(emotion, genre="rock", artist=f"Artist {n}")
    out, words, plot = StringIO(), StringIO(), tmp_path / "curve.svg"
    call_command("evaluate_recommender", listeners=1, sessions=1, json=True, plot=plot, stdout=out)
    figures = json.loads(out.getvalue())
    assert set(figures["gain"]["0"]) == {"mean"}
    assert "ndcg_at_10_error" not in figures["curve"]["with_feedback"]["0"]
    assert plot.read_text().startswith("<svg")
    call_command("evaluate_recommender", listeners=1, sessions=1, stdout=words)
    assert "to NDCG@10 after 0 ratings" in words.getvalue()
    assert "±" not in words.getvalue()


@pytest.mark.django_db
def test_the_command_says_what_company_is_worth():
    for emotion in EMOTIONS:
        for n in range(25):
            make_track(emotion, genre=f"genre {n % 3}", artist=f"Artist {n % 9}")
    out, words = StringIO(), StringIO()
    call_command("evaluate_recommender", company=True, listeners=6, json=True, stdout=out)
    figures = json.loads(out.getvalue())
    before, after = (figures["curve"][arm]["20"]["ndcg_at_10"] for arm in ("content", "with_company"))
    assert figures["gain"]["20"]["mean"] == pytest.approx(after - before)
    assert figures["newcomers"] == 2
    call_command("evaluate_recommender", company=True, listeners=6, stdout=words)
    assert f"{after:.3f}" in words.getvalue()
    with pytest.raises(CommandError, match="ask for more --listeners"):
        call_command("evaluate_recommender", company=True, listeners=1)


@pytest.mark.django_db
def test_a_plot_that_cannot_be_written_is_refused_before_anybody_listens(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "none" / "a.svg", tmp_path / "file" / "a.svg"):
        # the catalogue is empty, which would be said next
        with pytest.raises(CommandError, match="cannot be written"):
            call_command("evaluate_recommender", listeners=1, sessions=1, plot=place)
    with pytest.raises(CommandError, match="no playable track"):
        call_command("evaluate_recommender", listeners=1, sessions=1, plot=tmp_path / "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.django_db
@pytest.mark.parametrize("as_json", [True, False])
def test_figures_are_printed_when_the_plot_fails_after_all(tmp_path, monkeypatch, as_json):
    for emotion in EMOTIONS:
        for n in range(20):
            make_track(emotion, genre="rock", artist=f"Artist {n}")
    monkeypatch.setattr(evaluate_recommender, "learning_curve", lambda _: (tmp_path / "a.svg").mkdir() or "")
    out = StringIO()
    with pytest.raises(CommandError, match="cannot be written: Is a directory"):
        call_command("evaluate_recommender", listeners=1, sessions=1, plot=tmp_path / "a.svg", json=as_json, stdout=out)
    assert "without_feedback" in out.getvalue()


@pytest.mark.parametrize("other", ["replay", "company"])
def test_a_plot_goes_with_simulated_listeners_alone(tmp_path, other):
    with pytest.raises(CommandError, match="--plot draws simulated listeners"):
        call_command("evaluate_recommender", plot=tmp_path / "a.svg", **{other: True})


def test_a_replay_and_a_company_are_not_asked_for_at_once():
    with pytest.raises(CommandError, match="one after the other"):
        call_command("evaluate_recommender", replay=True, company=True)


@pytest.mark.django_db
def test_the_command_says_what_is_missing():
    with pytest.raises(CommandError, match="no playable track for angry"):
        call_command("evaluate_recommender", listeners=1, sessions=1)
    with pytest.raises(CommandError, match="at least one listener"):
        call_command("evaluate_recommender", listeners=0)


def make_fan(likes, dislikes):
    """Somebody who rates tracks of two genres in turns, likes one of them and dislikes the other."""
    order = [row for pair in zip(likes, dislikes, strict=True) for row in pair]
    return Ratings(np.array(order), np.tile([1.0, -1.0], len(likes)), CATALOGUE.vad[order].astype(np.float64))


def test_a_replay_foresees_what_follows_from_earlier_ratings():
    of_genre = [np.flatnonzero(CATALOGUE.genre == code)[:8] for code in (3, 4)]
    found = replay(CATALOGUE, [make_fan(*of_genre)] * 3, seed=0)
    assert found["with_feedback"]["pairs_in_order"] == 1
    assert found["with_feedback"]["ndcg_at_10"] == pytest.approx(1)
    assert found["without_feedback"]["pairs_in_order"] == 0.5  # all lie where the mood asks
    assert found["random"]["people"] == 3


def test_an_arm_that_knows_nothing_is_as_good_as_chance():
    rows = np.flatnonzero(CATALOGUE.genre == 3)[:40]
    words = np.array([1.0, -1.0] * 10 + [1.0] * 10 + [-1.0] * 10)  # in this order the likes come first
    unknown = replace(CATALOGUE, tags=np.zeros_like(CATALOGUE.tags))
    found = replay(unknown, [Ratings(rows, words, CATALOGUE.vad[rows].astype(np.float64))] * 400, seed=0)
    for arm in ("popularity", "without_feedback"):  # all are as popular, and lie where the mood asks
        assert found[arm]["pairs_in_order"] == 0.5
        assert found[arm]["ndcg_at_10"] == pytest.approx(0.5, abs=0.05)
        assert found[arm]["precision_at_10"] == pytest.approx(0.5, abs=0.05)
    assert found == replay(unknown, [Ratings(rows, words, CATALOGUE.vad[rows].astype(np.float64))] * 400, seed=0)


def test_a_replay_counts_nobody_who_said_too_little():
    of_genre = [np.flatnonzero(CATALOGUE.genre == code)[:4] for code in (3, 4)]
    assert replay(CATALOGUE, [make_fan(*of_genre)], seed=0) == {}


def test_gains_are_compared_listener_by_listener():
    one, other = (Result(0.0, {}, {5: values}) for values in ([0.5, 0.7, 0.9], [0.4, 0.6, 0.8]))
    mean, error = gain(one, other)[5]
    assert mean == pytest.approx(0.1)
    assert error == pytest.approx(0)


def test_the_error_of_a_gain_is_that_of_a_sample_and_of_one_listener_there_is_none():
    def of(*values):
        return Result(0.0, {}, {5: list(values)})

    assert gain(of(0.5, 0.9), of(0.4, 0.6))[5] == pytest.approx((0.2, 0.1))
    assert gain(of(0.5), of(0.4))[5][1] is None


@pytest.mark.django_db
def test_the_command_replays_the_ratings_of_the_database():
    with pytest.raises(CommandError, match="Nobody gave 10 ratings"):
        call_command("evaluate_recommender", replay=True)
    user = make_user()
    for n in range(20):
        rate(user=user, track=make_track("sad", genre=f"genre {n % 2}"), value=1 if n % 2 else -1)
    out = StringIO()
    call_command("evaluate_recommender", replay=True, json=True, stdout=out)
    assert json.loads(out.getvalue())["with_feedback"]["pairs_in_order"] == 1
    words = StringIO()
    call_command("evaluate_recommender", replay=True, stdout=words)
    assert "pairs_in_order" in words.getvalue()
