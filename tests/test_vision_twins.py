"""Near-duplicates of training pictures take no part in calibration."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from detection.vision.data import load_split
from detection.vision.evaluation import measure_truths
from detection.vision.recipe import Recipe
from detection.vision.twins import strangers, without_twins
from emotune.emotions import EMOTIONS
from tests.vision_files import write_faces


@pytest.fixture
def split(tmp_path):
    return load_split(write_faces(tmp_path / "faces", {"train": 4}), "train")


def halves(split):
    return split.subset(np.arange(0, len(split), 2)), split.subset(np.arange(1, len(split), 2))


def paint(split, index, picture):
    Image.fromarray(picture).save(split.source.path / split.names[index])


def test_a_brighter_copy_of_a_training_picture_is_a_twin(split):
    held, kept = halves(split)
    rng = np.random.default_rng(1)
    for part in (held, kept):
        for i in range(len(part)):
            paint(part, i, rng.integers(0, 200, (48, 48), dtype=np.uint8))
    paint(held, 3, kept.pictures([5])[0] + np.uint8(40))
    left = without_twins(held, kept)
    assert left.names == held.names[:3] + held.names[4:]
    assert left.labels.tolist() == np.delete(held.labels, 3).tolist()


def test_pictures_stay_when_all_of_them_have_a_twin(split):
    assert without_twins(split, split).names == split.names


def test_what_is_right_is_counted_apart_for_pictures_without_a_twin_and_without_a_tie(split):
    held, kept = halves(split)
    paint(held, 3, kept.pictures([5])[0])
    known = strangers(held, kept)
    assert np.flatnonzero(~known).tolist() == [3]
    votes = np.eye(7, dtype=np.float32)[held.labels]
    votes[0, :2] = 0.5  # a tie
    votes[1] = np.nan  # nobody saw one of the seven
    read = np.eye(7)[held.labels]
    read[3] = np.roll(read[3], 1)
    measured = measure_truths(read, replace(held, votes=votes), known)
    assert measured["labels"]["accuracy"] == pytest.approx(13 / 14)
    assert measured["labels"]["strangers"] == {"count": 13, "accuracy": 1}
    assert (measured["crowd"]["count"], measured["crowd"]["strangers"]["count"]) == (13, 12)
    assert measured["crowd"]["untied"] == {"count": 12, "accuracy": pytest.approx(11 / 12)}


def test_rare_emotions_count_more_up_to_the_bound(split):
    from detection.vision.batches import make_targets, make_weights

    few = split.subset(np.flatnonzero((split.labels != EMOTIONS.index("disgust")) | (np.arange(len(split)) % 4 == 0)))
    weights = make_weights(few, make_targets(few, Recipe()), Recipe(rare=1.5))["labels"]
    assert weights[few.labels == EMOTIONS.index("disgust")] == pytest.approx(1.5)
    assert weights[few.labels == EMOTIONS.index("happy")] == pytest.approx(1)


def test_pictures_without_votes_teach_the_crowd_head_nothing(split):
    from detection.vision.batches import make_targets, make_weights

    weights = make_weights(split, make_targets(split, Recipe()), Recipe())
    assert not weights["crowd"].any()
    assert weights["labels"].all()
