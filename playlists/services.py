"""Make a playlist for a person and a mood, or a journey from one mood to another."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.utils import timezone

from catalogue.models import Track
from detection.models import Capture
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from playlists.columns import CODES, NOWHERE, PLAYABLE, Columns, Floats
from playlists.journeys import Stops, waypoints
from playlists.journeys import plan as plan_journey
from playlists.loading import columns as load_columns
from playlists.models import Playlist, Rating
from playlists.moments import number_of
from playlists.moods import as_this_person, has_moved
from playlists.pool import along, as_candidates, draw
from playlists.profiles import earlier_words, shown_lately, targets_of, taste_of
from playlists.ranking import rank, target_point
from playlists.replay import Ratings
from playlists.storing import Place, Way, find, store
from playlists.taste import believe

if TYPE_CHECKING:
    from accounts.models import User

LENGTH = 15
JOURNEY_LENGTH = 10
NO_MOOD = "There is no mood to play for yet. Choose one of the seven."
PUT_RIGHT = ", as you put readings right before"


@dataclass(frozen=True)
class Recommendation:
    """One recommended track with its place, its score and why it was picked."""

    rank: int
    track: Track
    distance: float
    score: float
    reason: str


def recommend(
    *,
    emotion: str,
    user: "User | None" = None,
    k: int | None = None,
    seed: int = 0,
    weights: Mapping[str, float] | None = None,
) -> list[Recommendation]:
    """Return up to k tracks for an emotion, best first; fewer, or none, when the catalogue has no more.

    Without a k there are as many as the person set, and LENGTH for nobody.
    `weights` are the probabilities of the emotions that the mood is mixed of; without them it is the emotion alone.
    Raises InvalidInput for an unknown emotion or k outside 1..100.
    """
    if emotion not in EMOTIONS:
        raise InvalidInput(f"There is no emotion {emotion!r}. Choose one of {', '.join(EMOTIONS)}.")
    k = length_for(user) if k is None else k
    if not 1 <= k <= 100:
        raise InvalidInput(f"{k} tracks cannot be recommended. Ask for 1 to 100.")
    columns = load_columns()
    target = target_point(weights or {emotion: 1.0}, columns.centre_by_name)
    places = _chosen(columns, emotion, user, target=target, k=k, seed=seed)
    tracks = Track.objects.in_bulk([place.track_id for place in places])
    return [
        Recommendation(rank, tracks[place.track_id], place.distance, place.score, place.reason)
        for rank, place in enumerate(places, start=1)
        if place.track_id in tracks
    ]


def _chosen(
    columns: Columns, emotion: str, user: "User | None", *, target: Floats, k: int, seed: int, mood: str = "your mood"
) -> list[Place]:
    taste = taste_of(user, columns)
    rows = draw(columns, CODES[emotion], taste, target=target, least=k, seed=seed)
    found = as_candidates(columns, rows, target, shown_lately(columns.ids[rows]), own_only=taste.own_only)
    picks = rank(found, taste, target=target, k=k, seed=seed, mood=mood)
    return [Place(int(found.features.ids[pick.index]), pick.distance, pick.score, pick.reason) for pick in picks]


def length_for(user: "User | None") -> int:
    """Return how many tracks a person's playlists have."""
    return user.preferences.tracks if user else LENGTH


def build_playlist(*, capture: Capture) -> Playlist:
    """Return the playlist of a capture and its present mood, made the first time it is asked for.

    It has as many tracks as the person set; one without any is tried again, as there may be tracks by now.
    Raises InvalidInput while the capture has no mood. Two requests at once get the same playlist.
    """
    if not capture.mood:
        raise InvalidInput(NO_MOOD)
    way = Way(capture.user, capture, capture.mood, seed_of(capture))
    return _made_once(way, lambda: _playlist(capture, way.seed))


def _made_once(way: Way, make: Callable[[], tuple[list[Place], list[float] | None]]) -> Playlist:
    """Return the playlist that there is, or store the places, and what they were chosen for, that `make` returns. One
    without tracks is tried again, as the catalogue may have grown."""
    existing, is_filled = find(way)
    return existing if existing and is_filled else store(existing, way, *make())


def _playlist(capture: Capture, seed: int) -> tuple[list[Place], list[float]]:
    weights, words = meant(capture)
    columns = load_columns()
    target = target_point(weights, columns.centre_by_name)
    mood = f"your mood{words}"
    k = length_for(capture.user)
    found = _chosen(columns, capture.mood, capture.user, target=target, k=k, seed=seed, mood=mood)
    return found, target.tolist()


def has_tracks(emotion: str) -> bool:
    """Say whether the catalogue has tracks of an emotion: a person without a playlist for it keeps all of them out."""
    return Track.objects.filter(emotion=emotion).exists()


def build_journey(*, capture: Capture, wanted: str, k: int = JOURNEY_LENGTH) -> Playlist:
    """Return the playlist that leads from a capture's mood to the wanted one, made the first time it is asked for.

    It has at most k tracks, fewer where the moods are near to each other, and none where the catalogue has no way.
    Raises InvalidInput while the capture has no mood, for an unknown emotion, the one that the person is in, or k
    outside 2..30.
    """
    if not capture.mood:
        raise InvalidInput(NO_MOOD)
    _check_journey(capture.mood, wanted, k)
    way = Way(capture.user, capture, capture.mood, seed_of(capture, wanted), wanted, k)
    return _made_once(way, lambda: (_stops(way, *meant(capture)), None))


def build_journey_from(*, user: "User", emotion: str, wanted: str, k: int = JOURNEY_LENGTH) -> Playlist:
    """Return a journey that begins at any of the seven emotions: one a day for a person, two emotions and k.

    Raises InvalidInput for an unknown emotion, twice the same one, or k outside 2..30.
    """
    if emotion not in EMOTIONS:
        raise InvalidInput(f"A journey begins at one of {', '.join(EMOTIONS)}.")
    _check_journey(emotion, wanted, k)
    seed = zlib.crc32(f"{user.pk} {emotion} {wanted} {timezone.now():%Y-%m-%d}".encode()) & 0x7FFFFFFF
    way = Way(user, None, emotion, seed, wanted, k)
    return _made_once(way, lambda: (_stops(way, {emotion: 1.0}), None))


def _check_journey(emotion: str, wanted: str, k: int) -> None:
    if wanted not in EMOTIONS or wanted == emotion:
        others = ", ".join(name for name in EMOTIONS if name != emotion)
        raise InvalidInput(f"A journey leads from {emotion} to another mood. Choose one of {others}.")
    if not 2 <= k <= 30:
        raise InvalidInput(f"A journey of {k} tracks cannot be made. Ask for 2 to 30.")


def _stops(way: Way, weights: Mapping[str, float], words: str = "") -> list[Place]:
    wanted, k, seed = way.wanted, way.asked, way.seed
    columns = load_columns()
    taste = taste_of(way.user, columns)
    centres = columns.centre_by_name
    start, end = target_point(weights, centres), target_point({wanted: 1.0}, centres)
    rows = along(columns, waypoints(start, end, k), taste, seed=seed)
    found = as_candidates(columns, rows, NOWHERE, np.zeros(len(rows), np.bool_))
    liking = believe(taste.evidence, found.features, np.random.default_rng(seed)).mean
    plan = plan_journey(start, end, Stops(found.vad, found.features.artists, found.recordings, liking), k=k, seed=seed)
    ids = found.features.ids[plan.stops].tolist()
    distance = np.linalg.norm(found.vad[plan.stops][:, None] - plan.points, axis=2).min(axis=1)
    return [
        Place(track_id, float(distance[rank - 1]), float(liking[i]), _stage(rank, len(ids), way.emotion, wanted, words))
        for rank, (i, track_id) in enumerate(zip(plan.stops, ids, strict=True), start=1)
    ]


def _stage(place: int, last: int, mood: str, wanted: str, words: str) -> str:
    if place == 1:
        return f"starts where you are: {mood}{words}"
    if place == last:
        return f"arrives: {wanted}"
    return f"step {place} of {last} from {mood} to {wanted}"


def mood_weights(capture: Capture) -> dict[str, float]:
    """Return the probabilities by emotion that a capture's playlist follows.

    A person who picks one of the reader's two likeliest emotions agrees with the reading, which keeps its shade at
    half its weight; any other word of theirs stands alone.
    """
    scores: dict[str, float] = capture.scores or {}
    if not capture.chosen:
        return scores or {capture.mood: 1.0}
    if capture.chosen not in capture.top_two:
        return {capture.chosen: 1.0}
    total = sum(scores.values()) or 1.0
    return {name: 0.5 * score / total + 0.5 * (name == capture.chosen) for name, score in scores.items()}


def meant(capture: Capture) -> tuple[dict[str, float], str]:
    """Return what `mood_weights` says as this person puts readings right, unless they have put this one right, and
    the words that tell them so where that is worth telling."""
    weights = mood_weights(capture)
    if capture.chosen:
        return weights, ""
    moved = as_this_person(weights, earlier_words(capture))
    return moved, PUT_RIGHT if has_moved(weights, moved) else ""


def seed_of(capture: Capture, wanted: str = "") -> int:
    return zlib.crc32(capture.id.bytes + (capture.mood + wanted).encode()) & 0x7FFFFFFF


def real_ratings(columns: Columns) -> list[Ratings]:
    """Return everybody's ratings of tracks that there still are, in the order in which they were given."""
    people: dict[int, list[tuple[int, int, int]]] = {}
    rows_of_all = Rating.objects.order_by("rated_at", "id").values_list("user_id", "track_id", "value", "rated_at")
    for user_id, track_id, value, rated_at in rows_of_all:
        people.setdefault(user_id, []).append((track_id, value, number_of(rated_at)))
    found = []
    for user_id, rated in people.items():
        rows, there = columns.rows_of([track_id for track_id, _, _ in rated])
        values = np.array([value for _, value, _ in rated], np.float64)[there]
        moments = {track_id: moment for (track_id, _, moment), is_there in zip(rated, there, strict=True) if is_there}
        found.append(Ratings(rows, values, targets_of(user_id, moments)))
    return found


def simulation_catalogue() -> Columns:
    """Return the catalogue as simulations need it. Raises InvalidInput where an emotion has no playable track."""
    everything = load_columns()
    columns = everything.only((everything.uses(slice(None)) == PLAYABLE) & (everything.emotion >= 0))
    missing = [name for name, code in CODES.items() if not (columns.emotion == code).any()]
    if missing:
        raise InvalidInput(f"The catalogue has no playable track for {', '.join(missing)}. Import more first.")
    return columns


def delete_journey(*, playlist: Playlist) -> None:
    """Delete a journey; what was heard on it stays. Raises InvalidInput for the playlist of a capture."""
    if not playlist.wanted:
        raise InvalidInput("This is the playlist of a capture and goes with it. Delete the capture.")
    playlist.delete()
