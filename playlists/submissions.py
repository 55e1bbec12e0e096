"""Listens as scrobblers submit them in ListenBrainz's words: told apart, found in the catalogue, noted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from catalogue.models import Track
from emotune.errors import InvalidInput
from playlists.export_records import Bad, Listened, Music, record_of
from playlists.listening import MOST_AT_ONCE, Heard, add_listens
from playlists.matching import FEATURING, TrackIndex

if TYPE_CHECKING:
    from accounts.models import User

SINGLE, PLAYING_NOW, IMPORT = "single", "playing_now", "import"


@dataclass(frozen=True)
class Submitted:
    """How many listens were sent, how many of them are of music in the catalogue, and how many of those are new."""

    received: int = 0
    recognised: int = 0
    new: int = 0


def record_submission(*, user: "User", kind: str, payload: Sequence[Any]) -> Submitted:
    """Note what a scrobbler submits; what plays now is none yet. Music that the catalogue lacks is left out.

    Raises InvalidInput, and notes nothing, for more than MOST_AT_ONCE and for a listen that cannot be read.
    """
    if kind == PLAYING_NOW:
        return Submitted(received=len(payload))
    if len(payload) > MOST_AT_ONCE or (kind == SINGLE and len(payload) != 1):
        raise InvalidInput(f"A submission of the type {kind} has {'one listen' if kind == SINGLE else MOST_AT_ONCE}.")
    records = [_record(value, place) for place, value in enumerate(payload)]
    index = _index_for(record.music for record in records)
    found = [(record, index.find(record.music)) for record in records]
    heard = [Heard(track_id, record.at) for record, track_id in found if track_id is not None]
    return Submitted(len(payload), len(heard), add_listens(user=user, listens=heard) if heard else 0)


def _record(value: Any, place: int) -> Listened:
    try:
        record = record_of(value, f"payload {place}", timezone.now())
    except Bad as reason:
        raise InvalidInput(f"payload[{place}]: {reason}.") from None
    if not isinstance(record, Listened):
        raise InvalidInput(f"payload[{place}]: this is no listen.")
    return record


def _index_for(music: Iterable[Music]) -> TrackIndex:
    """Return an index of the tracks that some music can mean: those with its ids, and all by its artists."""
    wanted = list(music)
    spelled = {name for item in wanted for name in (item.artist, FEATURING.sub("", item.artist))}
    names = {name.lower() for name in spelled}
    names |= {name.removeprefix("the ") for name in names} | {f"the {name}" for name in names}
    # as it is spelled, too: SQLite folds the case of ASCII alone
    condition = Q(name__in=names) | Q(artist__in=spelled)
    condition |= Q(spotify_id__in={item.spotify_id for item in wanted if item.spotify_id})
    condition |= Q(mbid__in={item.mbid for item in wanted if item.mbid})
    tracks = Track.objects.alias(name=Lower("artist")).filter(condition)
    return TrackIndex(tracks.values_list("id", "artist", "title", "spotify_id", "mbid"))
