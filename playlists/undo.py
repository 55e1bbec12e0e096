"""What was done to the history and can be taken back: signed, so that it may wait in the person's own page."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core import signing
from django.utils import timezone

from catalogue.models import Track
from emotune.errors import InvalidInput
from playlists import listening
from playlists.listening import Heard, Rated, Word
from playlists.models import NeverAgain, NeverArtist
from playlists.moments import EPOCH, moment_of, number_of

if TYPE_CHECKING:
    from accounts.models import User

KEPT = timedelta(hours=1)
TOO_LATE = "That can no longer be undone. Reload the page to see how things stand."


def of_ratings(user: "User", rated: Rated) -> str:
    """Return the token that puts ratings back as they were before a bulk rating."""
    rows = [
        [track_id, word.value, _number(word.rated_at), _text(word.imported_id)]
        for track_id, word in rated.before.items()
    ]
    return _sign(user, ["rated", [rated.value, _number(rated.at), rows]])


def of_listens(user: "User", deleted: Sequence[Heard]) -> str:
    """Return the token that puts deleted listens back."""
    rows = [
        [row.track_id, _number(row.listened_at), row.source, row.playlist_id, _text(row.imported_id)] for row in deleted
    ]
    return _sign(user, ["listens", rows])


def of_never(
    user: "User", before: NeverAgain | NeverArtist | None, *, track: Track | None = None, artist: str = ""
) -> str:
    """Return the token that keeps a track or an artist out as before: as the row says, or not at all."""
    until, known_by = (_number(before.until), before.track_id) if before else (None, None)
    row = [track.pk if track else artist, before is not None, until, known_by]
    return _sign(user, ["track" if track else "artist", [row]])


def undo(*, user: "User", token: str) -> str:
    """Take back what a token of this person's stands for, and return a sentence that says so.

    Raises InvalidInput for a token that is older than KEPT, of an earlier version, another person's or none at all.
    """
    try:
        what, rows = signing.loads(token, salt=_salt(user), max_age=KEPT)
    except signing.BadSignature:
        raise InvalidInput(TOO_LATE) from None
    if what in ("track", "artist"):
        return _keep_as_before(user, what, rows[0])
    if what == "rated":
        return _rate_as_before(user, *rows)
    if what != "listens":  # "ratings" of an earlier version did not say what was written over them
        raise InvalidInput(TOO_LATE)
    heard = [
        Heard(track_id, _moment(at) or EPOCH, source, playlist_id, _id(brought))
        for track_id, at, source, playlist_id, brought in rows
    ]
    back = listening.restore_listens(user=user, listens=heard)
    return f"{back} listen{'' if back == 1 else 's'} came back."


def _rate_as_before(user: "User", value: int, at: int, rows: Sequence[Any]) -> str:
    before = {track_id: Word(was, _moment(then), _id(brought)) for track_id, was, then, brought in rows}
    changed = listening.restore_ratings(user=user, rated=Rated(value, moment_of(at), before))
    if not changed:
        return "The ratings are as they were."
    if changed == len(before):
        return "Nothing was undone: you changed it since, and that stays."
    return f"The ratings are as they were, except {changed} that you changed since."


def _keep_as_before(user: "User", what: str, row: Sequence[Any]) -> str:
    # a token of an earlier version does not say by which track an artist was known
    key, kept, until, known_by = (*row, None)[:4]
    end = _moment(until)
    lasts = kept and (end is None or end > timezone.now())
    if what == "artist" and lasts:
        listening.restore_artist(user=user, artist=key, track_id=known_by, until=end)
    elif what == "artist":
        listening.never_artist(user=user, artist=key, undo=True)
    elif track := Track.objects.filter(pk=key).first():
        listening.never_again(user=user, track=track, undo=not lasts, until=end if lasts else None)
    return "It is kept out as before." if lasts else "It may be played again."


def _sign(user: "User", value: Any) -> str:
    return signing.dumps(value, salt=_salt(user), compress=True)


def _salt(user: "User") -> str:
    return f"playlists.undo.{user.pk}"


def _number(moment: datetime | None) -> int | None:
    return None if moment is None else number_of(moment)


def _moment(number: int | None) -> datetime | None:
    return None if number is None else moment_of(number)


def _text(value: UUID | None) -> str:
    return str(value) if value else ""


def _id(text: str) -> UUID | None:
    return UUID(text) if text else None
