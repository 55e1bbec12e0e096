"""Sessions of simulated listeners with a recommender, and the figures that come of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from emotune.emotions import EMOTIONS
from playlists import metrics
from playlists.columns import Columns, Floats, Rows
from playlists.company import Acts, fit, lay_over
from playlists.listeners import CIRCLES, Listener, Mood, draw_mood
from playlists.pool import as_candidates, draw
from playlists.ranking import COOLING_PLAYLISTS, RATING_NOISE, SHOWN_PLACES, Taste, evidence_of, rank

Progress = Callable[[int, float], None]

LENGTH, TOP = 15, 10
RATINGS_PER_SESSION = 5
# After so many ratings a listener's seven moods are tried out, without leaving a trace.
CHECKPOINTS = (0, 5, 10, 20, 40)
REPORTED = 20
FIGURES = ("precision_at_10", "ndcg_at_10", "diversity", "novelty", "regret")


@dataclass(frozen=True)
class Result:
    """What came of one recommender: `coverage` of all its sessions, and by number of ratings the figures' means, with
    the standard error of NDCG@10 where there are two listeners or more, and in `each` the NDCG@10 of each listener."""

    coverage: float
    curve: dict[int, dict[str, float]]
    each: dict[int, list[float]] = field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        """Return coverage and the figures after 20 ratings, or as many as were reached."""
        ratings = max(count for count in self.curve if count <= REPORTED)
        return {"coverage": self.coverage, "ratings": ratings, **self.curve[ratings]}

    def ndcg(self) -> list[tuple[float, float, float]]:
        """Return ratings, mean and standard error (0 where there is none) of the learning curve's points."""
        return [(count, row["ndcg_at_10"], row.get("ndcg_at_10_error", 0.0)) for count, row in self.curve.items()]


@dataclass
class History:
    """What a recommender knows of one listener: rows of the catalogue, rated (and what the mood was then) and given,
    the latest last."""

    ratings: dict[int, int] = field(default_factory=dict)
    targets: dict[int, Floats] = field(default_factory=dict)
    given: list[list[int]] = field(default_factory=list)


class Recommender:
    """Gives a mood's tracks as rows of the catalogue. `remember` is told what was given to whomever."""

    learns = False

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:
        raise NotImplementedError

    def remember(self, rows: list[int]) -> None:
        """Take note of what was given."""


class Random(Recommender):
    """Any tracks of the emotion."""

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:  # noqa: ARG002
        within = self.columns.of(mood.emotion)
        return _draw(np.arange(within.start, within.stop), seed)


class Popular(Recommender):
    """The tracks of the emotion that most people know."""

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:  # noqa: ARG002
        within = self.columns.of(mood.emotion)
        order = np.argsort(-self.columns.tags[within], kind="stable")[:LENGTH]
        return [within.start + int(i) for i in order]


class Paper(Recommender):
    """Chitturi and Kapila's: fifteen at random of the emotion's first hundred rows in the catalogue's own order."""

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:  # noqa: ARG002
        within = self.columns.of(mood.emotion)
        first = np.argsort(self.columns.ids[within], kind="stable")[:100]
        return _draw(within.start + first, seed)


class Ours(Recommender):
    """What emotune serves, without what was rated."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(columns)
        self.places = 0
        self.last_shown = np.full(len(columns), -SHOWN_PLACES)

    def recommend(self, mood: Mood, history: History, seed: int) -> list[int]:
        taste = self._taste(history)
        target = target_of(mood, self.columns)
        rows = draw(self.columns, mood.emotion, taste, target=target, least=LENGTH, seed=seed)
        candidates = as_candidates(self.columns, rows, target, self.places - self.last_shown[rows] < SHOWN_PLACES)
        return [int(rows[pick.index]) for pick in rank(candidates, taste, target=target, k=LENGTH, seed=seed)]

    def remember(self, rows: list[int]) -> None:
        self.last_shown[rows] = self.places
        self.places += len(rows)

    def _taste(self, history: History) -> Taste:
        rated = np.array(list(history.ratings), np.intp)
        targets = np.array([history.targets[row] for row in history.ratings]).reshape(-1, 3)
        values = [float(value) for value in history.ratings.values()]
        liked: dict[int, int] = {}
        for row, value in history.ratings.items():
            if value > 0:
                artist = int(self.columns.artist[row])
                liked[artist] = liked.get(artist, 0) + 1
        cooling: dict[int, float] = {}
        for age, rows in enumerate(reversed(history.given[-COOLING_PLAYLISTS:])):
            for row in rows:
                cooling.setdefault(int(self.columns.ids[row]), 1 - age / COOLING_PLAYLISTS)
        return Taste(
            evidence=evidence_of(self.columns.features(rated, targets), values, [RATING_NOISE] * len(values)),
            liked=liked,
            cooling=cooling,
            banned=frozenset(self.columns.ids[[row for row, value in history.ratings.items() if value < 0]].tolist()),
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
    columns: Columns, *, listeners: int, sessions: int, seed: int, progress: Progress | None = None
) -> dict[str, Result]:
    """Let `listeners` have `sessions` in all with each recommender; return what came of it by name.

    Each listener has as many of the sessions; those that `listeners` does not divide are left out. Every recommender
    meets the same listeners in the same moods. A listener rates RATINGS_PER_SESSION of the tracks given; at the
    CHECKPOINTS that are reached, all seven moods are tried out. Means, and the standard error of NDCG@10, are over
    listeners.
    Raises ValueError where an emotion has no track, or for fewer than one listener or session each.
    """
    if listeners < 1 or sessions < listeners:
        raise ValueError("there must be a listener, and a session for each")
    if any(columns.of(code).start == columns.of(code).stop for code in range(len(EMOTIONS))):
        raise ValueError("every emotion needs a track")
    results: dict[str, Result] = {}
    for n, (name, recommender) in enumerate(ARMS.items()):
        told = _share(progress, n / len(ARMS), 1 / len(ARMS))
        results[name] = _run(recommender(columns), listeners, sessions // listeners, seed, told)
    return results


def simulate_company(
    columns: Columns, *, listeners: int, newcomers: int, sessions: int, seed: int, progress: Progress | None = None
) -> dict[str, Result]:
    """Let `listeners` in circles have `sessions` each with what emotune serves, fit company to their ratings, and let
    `newcomers` to the same circles have theirs without company and with it; return what came of these by name.

    Raises ValueError where the listeners are too few to fit company to.
    """
    people: list[int] = []
    ratings: dict[int, int]
    artists: list[int] = []
    values: list[float] = []
    arm = OursLearning(columns)
    for n in range(listeners):
        history = History()
        listener = Listener(columns, seed + n, n % CIRCLES)
        for _ in _live(arm, listener, sessions, [seed, n], [], history=history, checkpoints=()):
            pass
        ratings = history.ratings
        people += [n] * len(ratings)
        artists += columns.artist[list(ratings)].tolist()
        values += map(float, ratings.values())
        _share(progress, 0, 0.6)(n + 1, (n + 1) / listeners)
    company = fit(
        Acts(np.array(people, np.int64), np.array(artists, np.intp), np.array(values, np.float64)), seed=seed, enough=2
    )
    if company is None:
        raise ValueError("too few listeners did enough")
    results = {}
    for n, (name, known) in enumerate({"content": columns, "with_company": lay_over(columns, company)}.items()):
        told = _share(progress, 0.6 + 0.2 * n, 0.2)
        results[name] = _run(OursLearning(known), newcomers, sessions, seed + listeners, told, circles=True)
    return results


def gain(one: Result, other: Result) -> dict[int, tuple[float, float | None]]:
    """Return by number of ratings how much more NDCG@10 `one` has than `other`, over the same listeners: the mean of
    the differences listener by listener, and its standard error, which is what is called noise; None for one listener,
    of whom nobody knows how others differ."""
    gains = {}
    for count in one.each:
        differences = np.array(one.each[count]) - np.array(other.each[count])
        gains[count] = (float(differences.mean()), _error(differences))
    return gains


def _error(values: Floats) -> float | None:
    """Return the standard error of the mean of values (n,), None for a single one."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def _run(
    arm: Recommender, listeners: int, each: int, seed: int, progress: Progress, *, circles: bool = False
) -> Result:
    given: list[list[int]] = []
    tries: dict[int, list[dict[str, float]]] = {}
    for n in range(listeners):
        listener = Listener(arm.columns, seed + n, n % CIRCLES if circles else None)
        for ratings, figures in _live(arm, listener, each, [seed, n], given, history=History()):
            tries.setdefault(ratings, []).append(figures)
        progress(n + 1, (n + 1) / listeners)
    curve = {ratings: _means(figures) for ratings, figures in tries.items()}
    ndcg = {ratings: [row["ndcg_at_10"] for row in figures] for ratings, figures in tries.items()}
    return Result(metrics.coverage(given, len(arm.columns)), curve, ndcg)


def _live(
    arm: Recommender,
    listener: Listener,
    sessions: int,
    seed: list[int],
    given: list[list[int]],
    *,
    history: History,
    checkpoints: tuple[int, ...] = CHECKPOINTS,
) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the figures of one listener's checkpoints as they live through their sessions."""
    rng = np.random.default_rng(seed)
    for session in range(sessions):
        done = session * RATINGS_PER_SESSION
        if done in checkpoints:
            yield done, _try_out(arm, listener, history, [*seed, session])
        mood = draw_mood(rng, int(rng.integers(len(EMOTIONS))))
        rows = arm.recommend(mood, history, int(rng.integers(2**31)))
        arm.remember(rows)
        given.append(rows)
        history.given.append(rows)
        grades = listener.grades(mood)
        start = arm.columns.of(mood.emotion).start
        rated = rng.permutation(LENGTH)[:RATINGS_PER_SESSION]
        for row in [rows[i] for i in rated.tolist() if i < len(rows)] if arm.learns else []:
            history.ratings[row] = listener.rating(int(grades[row - start]))
            history.targets[row] = target_of(mood, arm.columns)
        listener.drift()


def target_of(mood: Mood, columns: Columns) -> Floats:
    """Return the point (3,) that a mood stands for, as `playlists.ranking.target_point` does by name."""
    point: Floats = mood.weights @ columns.centres / mood.weights.sum()
    return point


def _try_out(arm: Recommender, listener: Listener, history: History, seed: list[int]) -> dict[str, float]:
    rng = np.random.default_rng([*seed, 3])
    figures = []
    for code in range(len(EMOTIONS)):
        mood = draw_mood(rng, code)
        rows = arm.recommend(mood, history, int(rng.integers(2**31)))[:TOP]
        everything = listener.grades(mood)
        grades = everything[np.array(rows, np.intp) - arm.columns.of(code).start]
        found = (
            metrics.precision_at(grades, TOP),
            metrics.ndcg_at(grades, everything, TOP),
            metrics.intra_list_diversity(arm.columns.vad[rows].astype(np.float64)),
            metrics.novelty(rows, arm.columns.tags.astype(np.float64)),
            metrics.regret_at(grades, everything, TOP),
        )
        figures.append(dict(zip(FIGURES, found, strict=True)))
    return {name: float(np.mean([row[name] for row in figures])) for name in FIGURES}


def _means(figures: list[dict[str, float]]) -> dict[str, float]:
    means = {name: float(np.mean([row[name] for row in figures])) for name in FIGURES}
    error = _error(np.array([row["ndcg_at_10"] for row in figures]))
    return means if error is None else means | {"ndcg_at_10_error": error}


def _share(progress: Progress | None, start: float, part: float) -> Progress:
    def told(done: int, share: float) -> None:
        if progress:
            progress(done, start + part * share)

    return told


def _draw(rows: Rows, seed: int) -> list[int]:
    drawn: list[int] = np.random.default_rng(seed).permutation(rows)[:LENGTH].tolist()
    return drawn
