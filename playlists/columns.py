"""The catalogue as columns: what ranking needs to know of every track, as arrays that a process can keep."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from emotune.emotions import EMOTIONS
from playlists.taste import Features

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
CODES = {name: code for code, name in enumerate(EMOTIONS)}

# What a track is good for: it can be played; it is the demonstration's; it can only be linked to; and, which is the
# first or the third by who asks, Spotify alone can play it.
PLAYABLE, DEMO, LINKED, SPOTIFY = 0, 1, 2, 3
# What is asked for where there is no mood: no track has a tone beside it.
NOWHERE = np.full(3, np.nan)
ROWWISE = ("ids", "vad", "emotion", "artist", "genre", "recording", "use", "tags")


@dataclass(frozen=True)
class Columns:
    """All tracks, sorted by emotion and then by id, as arrays of length n; some 50 bytes for each track.

    `vad` is (n, 3) on the 1-9 scale. `emotion` is a code into EMOTIONS, -1 for none; `artist` and `genre` (-1: unknown)
    are codes in the order of the ids; `recording` is the same number for the same Spotify id, 0 for none. `use` is
    PLAYABLE (by the site itself), DEMO, LINKED or SPOTIFY, `tags` how many people's tags a track has. `centres` is
    (7, 3); `company` (artists, d) says by artist who likes them, as `playlists.company` found it, with d = 0 before it
    did.
    """

    ids: npt.NDArray[np.int64]
    vad: npt.NDArray[np.float32]
    emotion: npt.NDArray[np.int8]
    artist: npt.NDArray[np.int32]
    genre: npt.NDArray[np.int32]
    recording: npt.NDArray[np.int64]
    use: npt.NDArray[np.int8]
    tags: npt.NDArray[np.float32]
    genres: tuple[str, ...]
    centres: Floats
    company: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def artists(self) -> int:
        """How many artists there are."""
        return len(self.company)

    @cached_property
    def centre_by_name(self) -> dict[str, tuple[float, float, float]]:
        return {name: (v, a, d) for name, (v, a, d) in zip(EMOTIONS, self.centres.tolist(), strict=True)}

    @cached_property
    def _bounds(self) -> list[int]:
        bounds: list[int] = np.searchsorted(self.emotion, np.arange(len(EMOTIONS) + 1, dtype=np.int8)).tolist()
        return bounds

    # orders as numpy's own kind of index: of another kind, `searchsorted` would copy all of one each time

    @cached_property
    def _by_recording(self) -> Rows:
        return np.argsort(self.recording, kind="stable")

    @cached_property
    def _by_id(self) -> Rows:
        return np.argsort(self.ids, kind="stable")

    @cached_property
    def _playable(self) -> dict[tuple[int, bool], Rows]:
        return {}

    def of(self, emotion: int) -> slice:
        """Return where the tracks of an emotion lie."""
        start, end = self._bounds[emotion : emotion + 2]
        return slice(start, end)

    def uses(self, rows: Rows | slice, *, own_only: bool = False) -> npt.NDArray[np.int8]:
        """Return what each of the rows is good for, PLAYABLE, DEMO or LINKED: `own_only` for who never asks Spotify."""
        use = self.use[rows]
        found: npt.NDArray[np.int8] = np.where(use == SPOTIFY, np.int8(LINKED if own_only else PLAYABLE), use)
        return found

    def playable(self, emotion: int, *, own_only: bool = False) -> Rows:
        """Return the rows of an emotion's tracks that can be played, the demonstration's aside, in their order;
        `own_only` without those that Spotify alone can play."""
        found = self._playable.get((emotion, own_only))
        if found is None:
            within = self.of(emotion)
            found = within.start + np.flatnonzero(self.uses(within, own_only=own_only) == PLAYABLE)
            self._playable[emotion, own_only] = found
        return found

    def only(self, mask: npt.NDArray[np.bool_]) -> "Columns":
        """Return the tracks of a mask (n,) alone; codes keep their meaning."""
        return Columns(
            **{name: getattr(self, name)[mask] for name in ROWWISE},
            genres=self.genres,
            centres=self.centres,
            company=self.company,
        )

    def with_company(self, vectors: npt.NDArray[np.float32]) -> "Columns":
        """Return the same tracks with other company, (artists, d)."""
        return replace(self, company=vectors)

    def rows_of(self, ids: Collection[int]) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """Return the rows of those `ids` (m,) that there are, and which they are, (m,)."""
        wanted = np.fromiter(ids, np.int64, len(ids))
        if not len(self):
            return np.empty(0, np.intp), np.zeros(len(wanted), np.bool_)
        places = np.searchsorted(self.ids, wanted, sorter=self._by_id).clip(max=len(self) - 1)
        rows = self._by_id[places]
        there = self.ids[rows] == wanted
        return rows[there], there

    def same_recordings(self, rows: Rows) -> Rows:
        """Return the rows of all tracks that are one of these or have the Spotify id of one."""
        recordings = self.recording[rows]
        known = np.unique(recordings[recordings != 0])
        starts, ends = (
            np.searchsorted(self.recording, known, side=side, sorter=self._by_recording) for side in ("left", "right")
        )
        found = [self._by_recording[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return np.unique(np.concatenate([rows, *found]))

    def features(self, rows: Rows, around: Floats) -> Features:
        """Return what taste may depend on; `around` (3,) or (rows, 3) is what the mood asks for, nan for no mood."""
        offsets = self.vad[rows] - around
        artist = self.artist[rows].astype(np.intp)
        return Features(
            ids=self.ids[rows],
            offsets=np.where(np.isnan(offsets), 0.0, offsets),
            emotions=self.emotion[rows].astype(np.intp),
            artists=artist,
            genres=self.genre[rows].astype(np.intp),
            company=self.company[artist].astype(np.float64),
        )


class _Names:
    """Numbers for names, in the order in which they come."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, names: Sequence[str]) -> npt.NDArray[np.int32]:
        number = self.numbers
        return np.fromiter((number.setdefault(name, len(number)) for name in names), np.int32, len(names))


def columns_of(batches: Iterable[Sequence[tuple[Any, ...]]], centres: Floats) -> Columns:
    """Return the columns of tracks in order of their ids; `centres` (7, 3) are the emotions'.

    A track is a tuple of id, valence, arousal, dominance, names of emotion, artist and genre, Spotify id (each empty
    where it has none), use, and how many people's tags it has.
    """

    def lists() -> Iterator[Sequence[Any]]:
        for batch in batches:
            ids, valence, arousal, dominance, *names, use, tags = zip(*batch, strict=True)
            yield ids, valence, arousal, dominance, use, tags, *names

    return columns_of_lists(lists(), centres)


def columns_of_lists(batches: Iterable[Sequence[Any]], centres: Floats) -> Columns:
    """Return the columns of tracks in order of their ids, as `columns_of` does, of lists or arrays: ids, valence,
    arousal, dominance, use, numbers of people's tags, and names of emotion, artist and genre, and Spotify ids."""
    artists, genres = _Names(), _Names()
    genres([""])
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    for batch in batches:
        ids, valence, arousal, dominance, use, tags, emotion, artist, genre, spotify_id = batch
        parts.append(
            (
                np.array(ids, np.int64),
                np.array([valence, arousal, dominance], np.float32).T,
                np.array([CODES.get(name, -1) for name in emotion], np.int8),
                artists(artist),
                genres(genre) - 1,
                # equal within this process is all that is asked of these numbers
                np.array([hash(name) if name else 0 for name in spotify_id], np.int64),
                np.array(use, np.int8),
                np.array(tags, np.float32),
            )
        )
    kinds = (np.int64, np.float32, np.int8, np.int32, np.int32, np.int64, np.int8, np.float32)
    joined: list[Any] = [
        np.concatenate([part[n] for part in parts]) if parts else np.empty((0, 3) if n == 1 else 0, kind)
        for n, kind in enumerate(kinds)
    ]
    order = np.argsort(joined[2], kind="stable")
    ids_, vad, codes, by, genre_codes, recording, uses, tag_counts = (column[order] for column in joined)
    return Columns(
        ids=ids_,
        vad=vad,
        emotion=codes,
        artist=by,
        genre=genre_codes,
        recording=recording,
        use=uses,
        tags=tag_counts,
        genres=tuple(genres.numbers)[1:],
        centres=np.asarray(centres, np.float64),
        company=np.zeros((len(artists.numbers), 0), np.float32),
    )
