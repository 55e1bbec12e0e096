"""What playlists do for a person: make one for a mood, take a rating, note a listen."""

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalogue.models import Track
from detection.models import Capture
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from playlists import queries
from playlists.models import Listen, Playlist, PlaylistTrack, Rating
from playlists.ranking import rank

if TYPE_CHECKING:
    from accounts.models import User

LENGTH = 15
LISTEN_SOURCES = ("spotify", "audio", "api")


@dataclass(frozen=True)
class Recommendation:
    """One recommended track with its place, its score and why it was picked."""

    rank: int
    track: Track
    distance: float
    score: float
    reason: str


def recommend(*, emotion: str, user: "User | None" = None, k: int = LENGTH, seed: int = 0) -> list[Recommendation]:
    """Return up to k tracks for an emotion, best first; fewer, or none, when the catalogue has no more.

    Raises InvalidInput for an unknown emotion or k outside 1..100.
    """
    if emotion not in EMOTIONS:
        raise InvalidInput(f"There is no emotion {emotion!r}. Choose one of {', '.join(EMOTIONS)}.")
    if not 1 <= k <= 100:
        raise InvalidInput(f"{k} tracks cannot be recommended. Ask for 1 to 100.")
    candidates = queries.candidates(emotion, least=k)
    picks = rank(candidates, queries.taste(user), emotion=emotion, k=k, seed=seed)
    tracks = Track.objects.in_bulk([candidates.ids[pick.index] for pick in picks])
    return [
        Recommendation(
            rank=place,
            track=tracks[candidates.ids[pick.index]],
            distance=float(candidates.distance[pick.index]),
            score=pick.score,
            reason=pick.reason,
        )
        for place, pick in enumerate(picks, start=1)
        if candidates.ids[pick.index] in tracks
    ]


def build_playlist(*, capture: Capture, k: int = LENGTH) -> Playlist:
    """Return the playlist of a capture and its present mood, made the first time it is asked for.

    Raises InvalidInput while the capture has no mood. Two requests at once get the same playlist.
    """
    if not capture.mood:
        raise InvalidInput("There is no mood to play for yet. Choose one of the seven.")
    existing = Playlist.objects.filter(capture=capture, emotion=capture.mood).first()
    if existing is not None:
        return existing
    seed = zlib.crc32(capture.id.bytes + capture.mood.encode()) & 0x7FFFFFFF
    found = recommend(emotion=capture.mood, user=capture.user, k=k, seed=seed)
    try:
        return _store(capture, found, seed)
    except IntegrityError:
        return Playlist.objects.get(capture=capture, emotion=capture.mood)


@transaction.atomic
def _store(capture: Capture, found: list[Recommendation], seed: int) -> Playlist:
    playlist = Playlist.objects.create(user=capture.user, capture=capture, emotion=capture.mood, seed=seed)
    PlaylistTrack.objects.bulk_create(
        PlaylistTrack(
            playlist=playlist,
            track=item.track,
            rank=item.rank,
            distance=item.distance,
            score=item.score,
            reason=item.reason,
        )
        for item in found
    )
    return playlist


def rate(*, user: "User", track: Track, value: int) -> int:
    """Store a person's rating of a track: 1 likes it, -1 does not, 0 takes the rating back. Returns the value.

    The last of several at once wins. Raises InvalidInput for any other value.
    """
    if value not in (-1, 0, 1):
        raise InvalidInput("A rating is 1 (like), -1 (dislike) or 0 (none).")
    if value == 0:
        Rating.objects.filter(user=user, track=track).delete()
    else:
        Rating.objects.bulk_create(
            [Rating(user=user, track=track, value=value, rated_at=timezone.now())],
            update_conflicts=True,
            unique_fields=["user", "track"],
            update_fields=["value", "rated_at"],
        )
    return value


def record_listen(*, user: "User", track: Track, source: str, playlist: Playlist | None = None) -> Listen:
    """Note that a track was heard: 30 seconds or half of it, which the player decides."""
    if source not in LISTEN_SOURCES:
        raise InvalidInput(f"A listen comes from one of {', '.join(LISTEN_SOURCES)}.")
    return Listen.objects.create(user=user, track=track, playlist=playlist, source=source)
