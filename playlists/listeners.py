"""Simulated listeners: hidden tastes that drift, and what such a listener thinks of a track."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotune.emotions import EMOTIONS
from playlists.columns import Columns

Floats = npt.NDArray[np.float64]
Grades = npt.NDArray[np.int64]

# How far, in units of the 1-9 scale, what a listener wants for a mood lies from where the mood is, and how much of that
# differs from one emotion to the next; how far from it a track may lie.
OFFSET, OFFSET_BY_EMOTION, WIDTH = 0.6, 0.3, 1.2
# Tastes are few and strong: such a share of genres and artists is loved, and as many are loathed, at this strength.
GENRE_SHARE, GENRE_STRENGTH = 0.12, 1.0
ARTIST_SHARE, ARTIST_STRENGTH = 0.02, 1.0
# Where listeners come in circles: each artist belongs to one circle's scene, of which its members love such a share.
CIRCLES, SCENE_SHARE = 8, 0.5
# What moves from one session to the next, and how often a rating is a slip of the finger.
DRIFT, SLIP = 0.02, 0.05
# The best twentieth of an emotion's tracks is loved (grade 2), the best fifth liked (grade 1).
LOVED, LIKED = 0.95, 0.80


@dataclass(frozen=True)
class Mood:
    """A mood as it is read: the likeliest emotion's code, and the probability of each, (7,)."""

    emotion: int
    weights: Floats


def draw_mood(rng: np.random.Generator, emotion: int) -> Mood:
    """Return a mood whose likeliest emotion is given, as sure as readers of faces tend to be: 0.4 to 1."""
    top = rng.uniform(0.4, 1.0)
    rest = rng.dirichlet(np.full(len(EMOTIONS) - 1, 0.5)) * (1 - top)
    return Mood(emotion, np.insert(np.minimum(rest, top), emotion, top))


class Listener:
    """One person whose taste nobody is told: where they want a mood's music to lie, and which names they love.

    Members of a circle, from 0 to CIRCLES - 1, love many of the same artists, which no property of the tracks tells.
    """

    def __init__(self, columns: Columns, seed: int, circle: int | None = None) -> None:
        self._rng = np.random.default_rng([seed, 1])
        self._columns = columns
        rng = np.random.default_rng([seed, 2])
        by_emotion = OFFSET_BY_EMOTION * rng.normal(size=(len(EMOTIONS), 3))
        self.offset: Floats = OFFSET * rng.normal(size=3) + by_emotion
        self.genre = _few(rng, len(columns.genres), GENRE_SHARE, GENRE_STRENGTH)
        self.artist = _few(rng, columns.artists, ARTIST_SHARE, ARTIST_STRENGTH)
        if circle is not None:
            of_scene = np.random.default_rng(0).integers(CIRCLES, size=columns.artists) == circle
            self.artist[of_scene & (rng.random(columns.artists) < SCENE_SHARE)] = ARTIST_STRENGTH

    def drift(self) -> None:
        """Let a session's time pass."""
        self.offset = self.offset + DRIFT * self._rng.normal(size=3)
        self.genre = self.genre + DRIFT * self._rng.normal(size=len(self.genre))

    def grades(self, mood: Mood) -> Grades:
        """Return what the listener, in that mood, thinks of each track of its emotion: 0, 1 (liked) or 2 (loved)."""
        within = self._columns.of(mood.emotion)
        wish = mood.weights @ self._columns.centres / mood.weights.sum() + self.offset[mood.emotion]
        distance = np.linalg.norm(self._columns.vad[within] - wish, axis=1)
        genre, artist = self._columns.genre[within], self._columns.artist[within]
        of_genre = np.append(self.genre, 0.0)[genre]  # a track without one has the code -1
        liking = -0.5 * (distance / WIDTH) ** 2 + self.artist[artist] + of_genre
        liked, loved = np.quantile(liking, [LIKED, LOVED])
        grades: Grades = (liking > liked).astype(np.int64) + (liking > loved)
        return grades

    def rating(self, grade: int) -> int:
        """Return the rating, 1 or -1, of a track of that grade; now and then it slips."""
        word = 1 if grade else -1
        return -word if self._rng.random() < SLIP else word


def _few(rng: np.random.Generator, n: int, share: float, strength: float) -> Floats:
    likings: Floats = strength * rng.choice([1.0, -1.0, 0.0], size=n, p=[share, share, 1 - 2 * share])
    return likings
