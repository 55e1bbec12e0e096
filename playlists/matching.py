"""Find the track that another service's record means: by Spotify id, by MusicBrainz id, then by artist and title."""

import hashlib
import re
import unicodedata
from array import array
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from playlists.export_records import Music

Known = tuple[int, str, str, str, str]

# What players add to a title for the same recording: who else sings, and that it was made new. The latter stands behind
# a dash, a slash or a bracket, and words for the same edition; "live" is no such word, but another recording.
FEATURING = re.compile(r"(?<![\s(\[])[\s(\[]+(?:feat|featuring|ft)\b\.?.*", re.IGNORECASE | re.DOTALL)
DASHES = r"\-\u2010-\u2015"
EDITION = rf"(?:\d{{4}}|digital(?:ly)?|newly|mono|stereo|original|single|album|version)\b[\s/,{DASHES}]*"
REMASTERED = re.compile(rf"[(\[/{DASHES}]\s*(?:{EDITION}){{0,6}}remaster(?:ed)?\b.*", re.IGNORECASE | re.DOTALL)
# Left out rather than taken for a space: "Don't" and "Dont", "R.E.M." and "REM" are the same.
APOSTROPHES = "'`.\u2019"


class TrackIndex:
    """All tracks of a catalogue by what they can be recognised by, in 16 bytes for each of up to three ways.

    Of several tracks that are recognised by the same, the one with the lowest id is found.
    """

    def __init__(self, tracks: Iterable[Known]) -> None:
        """Take tracks as (id, artist, title, Spotify id, MusicBrainz id); ids may be empty."""
        flat = array("Q")
        for track_id, *names in tracks:
            for key in _keys(*names):
                flat.extend((key, track_id))
        table = np.array(flat, np.uint64).reshape(-1, 2)
        order = np.lexsort((table[:, 1], table[:, 0]))
        self._keys, self._ids = table[order, 0], table[order, 1]

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, music: Music) -> int | None:
        """Return the id of the track that a record means, None when the catalogue does not have it."""
        for key in _keys(music.artist, music.title, music.spotify_id, music.mbid):
            place = int(np.searchsorted(self._keys, np.uint64(key)))
            if place < len(self._keys) and int(self._keys[place]) == key:
                return int(self._ids[place])
        return None


def _keys(artist: str, title: str, spotify_id: str, mbid: str) -> list[int]:
    """Return the keys of a record, the surest first."""
    keys = [_hash(f"spotify:{spotify_id}")] if spotify_id else []
    if mbid:
        keys.append(_hash(f"mbid:{mbid.lower()}"))
    if artist and title:
        keys.append(_hash(f"name:{plain_artist(artist)}\t{plain_title(title)}"))
    return keys


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())


@lru_cache(maxsize=4096)
def plain_artist(name: str) -> str:
    """Return an artist's name without case, accents, punctuation, a leading "the" and whom it features."""
    plain = _plain(FEATURING.sub("", name))
    return plain.removeprefix("the ") or plain


def plain_title(title: str) -> str:
    """Return a title without case, accents, punctuation, whom it features and that it was remastered."""
    return _plain(REMASTERED.sub("", FEATURING.sub("", title)).strip() or title)


def unaccented(text: str) -> str:
    """Return a text in its compatible letters, without the accents upon them."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _plain(text: str) -> str:
    """Return a text's letters and digits, folded, with single spaces; one that has none stays as it is."""
    folded = unaccented(text.casefold().replace("&", " and "))
    kept = "".join(c if c.isalnum() else " " for c in folded if c not in APOSTROPHES)
    return " ".join(kept.split()) or text.strip()
