"""The method whose labels keep their meaning: what it finds in made catalogues and in the real sample."""

import numpy as np
import pytest

from catalogue.anchored import ANCHOR_WEIGHT, FLOOR, KNOWN_CENTROIDS, KNOWN_WHITENING, fit_anchored
from catalogue.clustering import TooFewPoints, assign
from catalogue.measures import Floats, Indices
from catalogue.moods import MOOD_WORDS, mood_of
from catalogue.muse import MuseTrack, read_muse
from emotune.emotions import ANCHORS, EMOTIONS
from emotune.errors import InvalidInput

NAMED = [EMOTIONS.index(emotion) for emotion in MOOD_WORDS]


def catalogue(points: int = 4000, seed: int = 1) -> tuple[Floats, Indices]:
    """A cloud about the middle of the scale; a tenth of it named by the nearest of five displaced anchors."""
    random = np.random.default_rng(seed)
    vad = random.normal((5.5, 4.3, 5.4), (1.5, 1.1, 1.1), (points, 3))
    labels = np.array(NAMED)[assign(vad, np.array(ANCHORS)[NAMED] * 0.6 + np.array((2.2, 1.7, 2.1)))[0]]
    return vad, np.where(random.random(points) < 0.1, labels, -1)


@pytest.fixture(scope="module")
def real(data) -> tuple[Floats, Indices]:
    rows = [row for row in read_muse(data / "muse" / "muse_sample_1000.csv") if isinstance(row, MuseTrack)]
    vad = np.array([(row.valence, row.arousal, row.dominance) for row in rows])
    return vad, np.array([mood_of(row.seeds) for row in rows])


def test_every_emotion_holds_at_least_its_floor():
    vad, moods = catalogue()
    fit = fit_anchored(vad, moods)
    assert fit.parameters["start"] == "mood words"
    assert fit.sizes.min() >= (FLOOR - 0.005) * len(vad)


def test_tracks_unlike_the_anchors_move_a_centroid_and_the_anchor_holds_it():
    vad, moods = catalogue()
    fit = fit_anchored(vad, moods)
    happy = EMOTIONS.index("happy")
    tracks = vad[moods == happy]
    expected = (tracks.sum(axis=0) + ANCHOR_WEIGHT * np.array(ANCHORS[happy])) / (len(tracks) + ANCHOR_WEIGHT)
    np.testing.assert_allclose(fit.centroids[happy], expected)


def test_a_centroid_without_mood_words_lies_between_its_anchor_and_the_middle_of_all_tracks():
    vad, moods = catalogue()
    fit = fit_anchored(vad, moods)
    for emotion in set(EMOTIONS) - set(MOOD_WORDS):
        index = EMOTIONS.index(emotion)
        way, gone = vad.mean(axis=0) - ANCHORS[index], fit.centroids[index] - ANCHORS[index]
        assert 0 <= np.linalg.norm(gone) < np.linalg.norm(way)
        np.testing.assert_allclose(np.cross(way, gone), 0, atol=1e-9)


def test_the_same_catalogue_gives_the_same_fit_in_any_order():
    vad, moods = catalogue()
    np.testing.assert_allclose(
        fit_anchored(vad[::-1].copy(), moods[::-1].copy()).centroids, fit_anchored(vad, moods).centroids
    )


def test_with_too_few_mood_words_the_published_means_are_taken():
    vad, moods = catalogue()
    moods[moods == EMOTIONS.index("sad")] = -1
    fit = fit_anchored(vad, moods)
    assert fit.parameters["start"] == "published class means"
    assert fit.whitening is KNOWN_WHITENING
    sad = EMOTIONS.index("sad")
    np.testing.assert_array_equal(fit.centroids[sad], KNOWN_CENTROIDS[sad])


def test_it_refuses_what_cannot_be_clustered():
    with pytest.raises(TooFewPoints):
        fit_anchored(np.array(ANCHORS), np.full(7, -1))
    with pytest.raises(InvalidInput, match="finite"):
        fit_anchored(np.full((10, 3), np.nan), np.full(10, -1))


def test_every_track_at_few_places_still_comes_to_an_end():
    vad = np.repeat(np.random.default_rng(2).normal(5, 1, (9, 3)), 100, axis=0)
    assert fit_anchored(vad, np.full(900, -1)).sizes.sum() == 900


def test_the_real_samples_means_are_the_published_ones(real):
    fit = fit_anchored(*real)
    assert fit.whitening is not None
    np.testing.assert_allclose(fit.whitening, KNOWN_WHITENING, atol=1e-4)
    np.testing.assert_allclose(fit.centroids[NAMED], KNOWN_CENTROIDS[NAMED], atol=1e-3)
    assert fit.sizes.min() >= 0.03 * len(real[0])


@pytest.mark.parametrize(
    ("words", "emotion"),
    [
        (["Cheerful", "road"], "happy"),
        (["happy", "sad"], "sad"),
        (["calm", "angry"], "neutral"),
        (["road", "sexy"], None),
        ([], None),
    ],
)
def test_mood_words_name_an_emotion_and_a_later_list_overrides(words, emotion):
    assert mood_of(words) == (-1 if emotion is None else EMOTIONS.index(emotion))


def test_the_samples_mood_words_are_counted_as_published(real):
    assert np.bincount(real[1][real[1] >= 0], minlength=7).tolist() == [33, 0, 47, 38, 45, 0, 110]
