"""Listens as scrobblers submit them in ListenBrainz's words: told apart, found in the catalogue, noted."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q
from django.db.models.functions import Lower
from django.db.models.lookups import GreaterThan
from django.utils import timezone

from catalogue.models import Track
from emotune.errors import InvalidInput
from playlists.export_records import Bad, Listened, Music, record_of
from playlists.listening import MOST_AT_ONCE, Heard, add_listens
from playlists.literals import Literal
from playlists.matching import FEATURING, TrackIndex, plain_artist, unaccented

if TYPE_CHECKING:
    from accounts.models import User

ANY_APOSTROPHE = re.compile("['`\u2019]")
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
    """Return an index of the tracks that some music can mean: those with its ids, and all by the artists of what has no
    track with its ids, as far as one statement finds these. Both are walks of indexes, not of the tracks.

    An import looks through the whole catalogue and finds more: artists in whose spelling there the accents or the
    punctuation stand that the sender left out ("Beyonce" for "Beyoncé", "REM" for "R.E.M.", "AC DC" for "AC/DC"), in
    which "feat." and another name stand, unless the sender writes them the same, and on SQLite those in whose spelling
    there are capitals beyond ASCII, again unless the sender's is the same.
    """
    wanted = list(music)
    tracks = Track.objects.values_list("id", "artist", "title", "spotify_id", "mbid")
    with_ids = list(tracks.filter(_has_an_id_of(wanted)))
    by_ids = TrackIndex(with_ids)
    artists = {item.artist for item in wanted if by_ids.find(replace(item, artist="", title="")) is None}
    spelled = {name for artist in artists for name in (artist, FEATURING.sub("", artist))}
    names = {name for artist in artists for name in _spellings(artist)}
    # as it is spelled, too: SQLite folds the case of ASCII alone
    by_artists = tracks.alias(name=Lower("artist")).filter(Q(name__in=names) | Q(artist__in=spelled))
    return TrackIndex([*with_ids, *by_artists])


def _has_an_id_of(music: Iterable[Music]) -> Q:
    wanted = list(music)
    # the words of the index's own condition: without them the database cannot know that it holds what is looked for
    is_indexed = Q(GreaterThan(F("mbid"), Literal("")))
    mbids = {item.mbid for item in wanted if item.mbid}
    return Q(spotify_id__in={item.spotify_id for item in wanted if item.spotify_id}) | (is_indexed & Q(mbid__in=mbids))


def _spellings(artist: str) -> set[str]:
    """Return the ways, in small letters, in which the catalogue may spell an artist, as far as one way tells another:
    with plain or typographic apostrophes, "and" or "&", with "the" or without, and without accents or punctuation.

    They are at most 24, so that those of MOST_AT_ONCE listens are less than any database takes in one statement.
    """
    name = unicodedata.normalize("NFC", FEATURING.sub("", artist)).lower()
    names = {name, unaccented(name), plain_artist(artist)}
    names = {ANY_APOSTROPHE.sub(sign, each) for each in names for sign in ("'", "\u2019")}
    names = {each.replace(*signs) for each in names for signs in ((" and ", " & "), (" & ", " and "))}
    names = {each.removeprefix("the ") for each in (*names, name, artist.lower())}
    return names | {f"the {each}" for each in names}
