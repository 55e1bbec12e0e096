"""Where emotions lie in the circle of valence and arousal, for drawing."""

from collections.abc import Mapping
from dataclasses import dataclass

from emotune.emotions import BY_NAME, EMOTION_LIST

# The scale of the norms runs from 1 to 9; the circle around its middle touches both ends (Russell 1980).
MIDDLE, RADIUS = 5.0, 4.0


@dataclass(frozen=True)
class Place:
    """A point of the circle: valence and arousal on the scale 1-9, and x and y in hundredths of the circle's radius.

    x grows to the pleasant side, y downwards, as drawings have it.
    """

    name: str
    valence: float
    arousal: float

    @property
    def x(self) -> int:
        return round(100 * (self.valence - MIDDLE) / RADIUS)

    @property
    def y(self) -> int:
        return round(-100 * (self.arousal - MIDDLE) / RADIUS)


ANCHOR_PLACES = tuple(Place(emotion.name, emotion.anchor[0], emotion.anchor[1]) for emotion in EMOTION_LIST)


def place_of(scores: Mapping[str, float], name: str = "") -> Place:
    """Return the mean of the emotions' anchors, each weighted with its probability; `name` is kept with it.

    `scores` are probabilities by emotion, of any positive sum. Raises ValueError where all are zero.
    """
    total = sum(scores.values())
    if total <= 0:
        raise ValueError("no emotion has a probability above zero")
    valence, arousal = (
        sum(score * BY_NAME[emotion].anchor[axis] for emotion, score in scores.items()) / total for axis in (0, 1)
    )
    return Place(name, valence, arousal)
