"""Sessions of simulated listeners with a recommender, and the figures that come of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from emotune.emotions import EMOTIONS
from playlists import metrics
from playlists.listeners import Catalogue, Listener, Mood, draw_mood
from playlists.ranking import BY_LIKED, DRAWN, NEAREST, WINDOWS, Candidates, Taste, favourites, rank
from playlists.taste import Evidence, Features

Progress = Callable[[int, float], None]
Rows = npt.NDArray[np.intp]

LENGTH, TOP = 15, 10
RATINGS_PER_SESSION = 5
RATING_NOISE = 0.3
COOLING_PLAYLISTS = 8
SHOWN_PLACES = 20_000
# After so many ratings a listener's seven moods are tried out, without leaving a trace.
CHECKPOINTS = (0, 5, 10, 20, 40)
REPORTED = 20
FIGURES = ("precision_at_10", "ndcg_at_10", "diversity", "novelty", "regret")


@dataclass(frozen=True)
class Result:
    """What came of one recommender: `coverage` of all its sessions, and by number of ratings the figures' means."""

    coverage: float
    curve: dict[int, dict[str, float]]

    def figures(self) -> dict[str, float]:
        """Return coverage and the figures after 20 ratings, or as many as were reached."""
        ratings = max(count for count in self.curve if count <= REPORTED)
        return {"coverage": self.coverage, "ratings": ratings, **self.curve[ratings]}

    def ndcg(self) -> list[tuple[float, float, float]]:
        """Return ratings, mean and standard error of the learning curve's points."""
        return [(count, row["ndcg_at_10"], row["ndcg_at_10_error"]) for count, row in self.curve.items()]


@dataclass
class History:
    """What a recommender knows of one listener: rows of the catalogue, rated and given, the latest last."""

    ratings: dict[int, int] = field(default_factory=dict)
    given: list[list[int]] = field(default_factory=list)


class Recommender:
    """Gives a mood's tracks as rows of the catalogue. `remember` is told what was given to whomever."""

    learns = False

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:
        raise NotImplementedError

    def remember(self, rows: list[int]) -> None:
        """Take note of what was given."""


class Random(Recommender):
    """Any tracks of the emotion."""

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:  # noqa: ARG002
        within = self.catalogue.of(mood.emotion)
        return _draw(np.arange(within.start, within.stop), seed)


class Popular(Recommender):
    """The tracks of the emotion that most people know."""

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:  # noqa: ARG002
        within = self.catalogue.of(mood.emotion)
        order = np.argsort(-self.catalogue.popularity[within], kind="stable")[:LENGTH]
        return [within.start + int(i) for i in order]


class Paper(Recommender):
    """Chitturi and Kapila's: fifteen at random of the emotion's first hundred rows in the catalogue's own order."""

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:  # noqa: ARG002
        within = self.catalogue.of(mood.emotion)
        first = np.argsort(self.catalogue.ids[within], kind="stable")[:100]
        return _draw(within.start + first, seed)


class Ours(Recommender):
    """The ranking that emotune serves, on pools drawn as the database's are, without what was rated."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        self.places = 0
        self.last_shown = np.full(len(catalogue), -SHOWN_PLACES)
        self.offsets = catalogue.vad - catalogue.centres[catalogue.emotion]
        self.by_artist = np.argsort(catalogue.artist, kind="stable")

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:
        taste = self._taste(history)
        rows = self._pool(mood.emotion, taste, seed)
        candidates = Candidates(
            vad=self.catalogue.vad[rows],
            features=self._features(rows),
            spotify_ids=tuple(self.catalogue.spotify_ids[i] for i in rows.tolist()),
            shown=self.places - self.last_shown[rows] < SHOWN_PLACES,
        )
        target = mood.weights @ self.catalogue.centres / mood.weights.sum()
        return [int(rows[pick.index]) for pick in rank(candidates, taste, target=target, k=LENGTH, seed=seed)]

    def remember(self, rows: list[int]) -> None:
        self.last_shown[rows] = self.places
        self.places += len(rows)

    def _pool(self, emotion: int, taste: Taste, seed: int) -> Rows:
        within = self.catalogue.of(emotion)
        starts = np.random.default_rng(seed).integers(within.start, within.stop, WINDOWS)
        parts = [np.arange(within.start, min(within.start + NEAREST, within.stop))]
        parts += [np.arange(start, min(start + DRAWN // WINDOWS, within.stop)) for start in starts]
        for name in favourites(taste, seed):
            theirs = self._by(int(name))
            parts.append(theirs[self.catalogue.emotion[theirs] == emotion][:BY_LIKED])
        return np.unique(np.concatenate(parts))

    def _by(self, artist: int) -> Rows:
        start, end = np.searchsorted(self.catalogue.artist[self.by_artist], [artist, artist + 1])
        return self.by_artist[start:end]

    def _features(self, rows: Rows) -> Features:
        genres = self.catalogue.genre[rows].tolist()
        return Features(
            ids=tuple(rows.tolist()),
            offsets=self.offsets[rows],
            emotions=tuple(EMOTIONS[code] for code in self.catalogue.emotion[rows].tolist()),
            artists=tuple(str(code) for code in self.catalogue.artist[rows].tolist()),
            genres=tuple(self.catalogue.genres[code] if code >= 0 else "" for code in genres),
        )

    def _taste(self, history: History) -> Taste:
        rated = np.array(list(history.ratings), np.intp)
        values = [float(value) for value in history.ratings.values()]
        liked: dict[str, int] = {}
        for row, value in history.ratings.items():
            if value > 0:
                name = str(self.catalogue.artist[row])
                liked[name] = liked.get(name, 0) + 1
        cooling: dict[int, float] = {}
        for age, rows in enumerate(reversed(history.given[-COOLING_PLAYLISTS:])):
            for row in rows:
                cooling.setdefault(row, 1 - age / COOLING_PLAYLISTS)
        return Taste(
            evidence=Evidence.of(self._features(rated), values, [RATING_NOISE] * len(values)),
            liked=liked,
            cooling=cooling,
            banned=frozenset(row for row, value in history.ratings.items() if value < 0),
        )


class OursLearning(Ours):
    """The same, told the ratings."""

    learns = True


ARMS: dict[str, type[Recommender]] = {
    "random": Random,
    "popularity": Popular,
    "paper": Paper,
    "without_feedback": Ours,
    "with_feedback": OursLearning,
}


def simulate(
    catalogue: Catalogue, *, listeners: int, sessions: int, seed: int, progress: Progress | None = None
) -> dict[str, Result]:
    """Let `listeners` have `sessions` in all with each recommender; return what came of it by name.

    Every recommender meets the same listeners in the same moods. A listener rates RATINGS_PER_SESSION of the tracks
    given; at the CHECKPOINTS that are reached, all seven moods are tried out. Means, and the standard error of NDCG@10,
    are over listeners.
    Raises ValueError where an emotion has no track, or for fewer than one listener or session each.
    """
    if listeners < 1 or sessions < listeners:
        raise ValueError("there must be a listener, and a session for each")
    if any(catalogue.of(code).start == catalogue.of(code).stop for code in range(len(EMOTIONS))):
        raise ValueError("every emotion needs a track")
    results: dict[str, Result] = {}
    for n, (name, recommender) in enumerate(ARMS.items()):
        told = _share(progress, n / len(ARMS), 1 / len(ARMS))
        results[name] = _run(recommender(catalogue), listeners, sessions // listeners, seed, told)
    return results


def _run(arm: Recommender, listeners: int, each: int, seed: int, progress: Progress) -> Result:
    given: list[list[int]] = []
    tries: dict[int, list[dict[str, float]]] = {}
    for n in range(listeners):
        for ratings, figures in _live(arm, Listener(arm.catalogue, seed + n), each, [seed, n], given):
            tries.setdefault(ratings, []).append(figures)
        progress(n + 1, (n + 1) / listeners)
    curve = {ratings: _means(figures) for ratings, figures in tries.items()}
    return Result(metrics.coverage(given, len(arm.catalogue)), curve)


def _live(
    arm: Recommender, listener: Listener, sessions: int, seed: list[int], given: list[list[int]]
) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the figures of one listener's checkpoints as they live through their sessions."""
    rng, history = np.random.default_rng(seed), History()
    for session in range(sessions):
        done = session * RATINGS_PER_SESSION
        if done in CHECKPOINTS:
            yield done, _try_out(arm, listener, history, [*seed, session])
        mood = draw_mood(rng, int(rng.integers(len(EMOTIONS))))
        rows = arm.recommend(mood, history, int(rng.integers(2**31)))
        arm.remember(rows)
        given.append(rows)
        history.given.append(rows)
        grades = listener.grades(mood)
        start = arm.catalogue.of(mood.emotion).start
        rated = rng.permutation(LENGTH)[:RATINGS_PER_SESSION]
        for row in [rows[i] for i in rated.tolist() if i < len(rows)] if arm.learns else []:
            history.ratings[row] = listener.rating(int(grades[row - start]))
        listener.drift()


def _try_out(arm: Recommender, listener: Listener, history: History, seed: list[int]) -> dict[str, float]:
    rng = np.random.default_rng([*seed, 3])
    figures = []
    for code in range(len(EMOTIONS)):
        mood = draw_mood(rng, code)
        rows = arm.recommend(mood, history, int(rng.integers(2**31)))[:TOP]
        everything = listener.grades(mood)
        grades = everything[np.array(rows, np.intp) - arm.catalogue.of(code).start]
        found = (
            metrics.precision_at(grades, TOP),
            metrics.ndcg_at(grades, everything, TOP),
            metrics.intra_list_diversity(arm.catalogue.vad[rows]),
            metrics.novelty(rows, arm.catalogue.popularity),
            metrics.regret_at(grades, everything, TOP),
        )
        figures.append(dict(zip(FIGURES, found, strict=True)))
    return {name: float(np.mean([row[name] for row in figures])) for name in FIGURES}


def _means(figures: list[dict[str, float]]) -> dict[str, float]:
    means = {name: float(np.mean([row[name] for row in figures])) for name in FIGURES}
    spread = np.std([row["ndcg_at_10"] for row in figures]) / np.sqrt(len(figures))
    return means | {"ndcg_at_10_error": float(spread)}


def _share(progress: Progress | None, start: float, part: float) -> Progress:
    def told(done: int, share: float) -> None:
        if progress:
            progress(done, start + part * share)

    return told


def _draw(rows: Rows, seed: int) -> list[int]:
    drawn: list[int] = np.random.default_rng(seed).permutation(rows)[:LENGTH].tolist()
    return drawn
