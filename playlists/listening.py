"""What a person does with tracks: rate them, hear them, skip them, never want them again."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from catalogue.models import Track
from emotune.errors import InvalidInput
from playlists.models import Listen, NeverAgain, Playlist, Rating, Skip

if TYPE_CHECKING:
    from accounts.models import User

LISTEN_SOURCES = ("spotify", "audio", "api")


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


def record_skip(*, user: "User", track: Track, playlist: Playlist | None = None) -> Skip:
    """Note that a track was begun and passed over before it counted as heard, which the player decides."""
    return Skip.objects.create(user=user, track=track, playlist=playlist)


def never_again(*, user: "User", track: Track, undo: bool = False, until: datetime | None = None) -> bool:
    """Keep a track out of all of a person's later playlists, for ever or until a moment; `undo` takes that back.

    Returns whether the track is kept out now. The last of several at once wins. Raises InvalidInput for a moment that
    has passed.
    """
    if undo:
        NeverAgain.objects.filter(user=user, track=track).delete()
        return False
    if until is not None and until <= timezone.now():
        raise InvalidInput("That moment has passed. Choose a later one, or none for ever.")
    NeverAgain.objects.bulk_create(
        [NeverAgain(user=user, track=track, until=until)],
        update_conflicts=True,
        unique_fields=["user", "track"],
        update_fields=["until"],
    )
    return True
