"""Playlists in the database: whether there is one already, and storing a new one.

The statements are written out: Django takes longer to compose them than the database to answer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connection, transaction

from catalogue.models import Track
from detection.models import Capture
from emotune.errors import Gone
from playlists.models import Playlist, PlaylistTrack

if TYPE_CHECKING:
    from accounts.models import User

# The names of this project's own tables, by a documented API.
PLAYLISTS, PLACES, TRACKS = (model._meta.db_table for model in (Playlist, PlaylistTrack, Track))  # noqa: SLF001
FIELDS = [field for field in Playlist._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
NAMES = ("track", "distance", "score", "reason", "rank")
COLUMNS = ", ".join(str(field.column) for field in FIELDS)
FIND = f"""
SELECT l.id, EXISTS (SELECT 1 FROM {PLACES} AS e WHERE e.playlist_id = l.id) FROM {PLAYLISTS} AS l
WHERE l.user_id = %s AND l.emotion = %s AND l.wanted = %s AND l.asked = %s AND
"""  # noqa: S608
OF_CAPTURE, WITHOUT_CAPTURE = "l.capture_id = %s", "l.capture_id IS NULL AND l.seed = %s"
# Places of tracks that have gone since the catalogue was read are left out, and those behind them move up.
FILL = f"""
INSERT INTO {PLACES} (track_id, rank, distance, score, reason, playlist_id)
SELECT t.id, ROW_NUMBER() OVER (ORDER BY p.rank), p.distance, p.score, p.reason, {{playlist}} FROM {{places}}
JOIN {TRACKS} AS t ON t.id = p.track ORDER BY p.rank
"""  # noqa: S608
# One text for any number of places, so that PostgreSQL plans it once.
FROM_JSON = """
made CROSS JOIN json_to_recordset(%s::json)
AS p (track bigint, distance float8, score float8, reason text, rank smallint)
"""
INSERT = f"""
WITH made AS (
    INSERT INTO {PLAYLISTS} ({COLUMNS}) VALUES ({", ".join(["%s"] * len(FIELDS))}) ON CONFLICT DO NOTHING RETURNING id
), filled AS ({FILL.format(playlist="made.id", places=FROM_JSON)})
SELECT id FROM made
"""  # noqa: S608


@dataclass(frozen=True)
class Place:
    """One place of a playlist: which track stands there, how far it is from what was asked for, its score, and why."""

    track_id: int
    distance: float
    score: float
    reason: str


@dataclass(frozen=True)
class Way:
    """What a playlist is made for; there is one for each. `capture` is None for a journey that begins at any emotion,
    `wanted` is empty and `asked` 0 for what is no journey."""

    user: "User"
    capture: Capture | None
    emotion: str
    seed: int
    wanted: str = ""
    asked: int = 0


def find(way: Way) -> tuple[Playlist | None, bool]:
    """Return the playlist that there is already, with its link where it has one, and whether it has tracks."""
    by, of = (OF_CAPTURE, _prepared_id(way.capture)) if way.capture else (WITHOUT_CAPTURE, way.seed)
    with connection.cursor() as cursor:
        cursor.execute(FIND + by, [way.user.pk, way.emotion, way.wanted, way.asked, of])
        found = cursor.fetchone()
    if not found:
        return None, False
    return Playlist.objects.select_related("share").filter(pk=found[0]).first(), bool(found[1])


def store(empty: Playlist | None, way: Way, places: Sequence[Place], target: list[float] | None = None) -> Playlist:
    """Store a playlist, in the empty one where there is one; of two that are made at the same time the first stays.

    Raises Gone where what it is made for was deleted in the meantime.
    """
    playlist = empty or Playlist(**vars(way))
    playlist.target = target
    try:
        if not empty and connection.vendor == "postgresql":
            return playlist if _insert(playlist, places) else _of_another(way)
        with transaction.atomic():
            if not empty:
                playlist.save()
            elif not Playlist.objects.filter(pk=empty.pk).update(target=target):
                return _of_another(way)
            _fill(playlist, places)
    except IntegrityError:
        return _of_another(way)
    return playlist


def _insert(playlist: Playlist, places: Sequence[Place]) -> bool:
    """Insert a playlist and its places by one statement of PostgreSQL's; say whether there was none before it."""
    values = [field.get_db_prep_save(field.pre_save(playlist, add=True), connection) for field in FIELDS]
    rows = [dict(zip(NAMES, row, strict=True)) for row in _rows(places)]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [*values, json.dumps(rows)])
        made = cursor.fetchone()
    if made:
        playlist.pk = made[0]
        playlist._state.adding, playlist._state.db = False, connection.alias  # noqa: SLF001 - a documented API
    return made is not None


def _fill(playlist: Playlist, places: Sequence[Place]) -> None:
    """Write the places of a playlist by one statement."""
    if not places:
        return
    marks = ", ".join(["(%s, %s, %s, %s, %s)"] * len(places))
    rows = f"WITH p ({', '.join(NAMES)}) AS (VALUES {marks})"
    values = [value for row in _rows(places) for value in row]
    with connection.cursor() as cursor:
        cursor.execute(rows + FILL.format(playlist="%s", places="p"), [*values, playlist.pk])


def _rows(places: Sequence[Place]) -> list[tuple[Any, ...]]:
    """Return what NAMES says of each place."""
    return [(p.track_id, p.distance, p.score, p.reason, rank) for rank, p in enumerate(places, start=1)]


def _of_another(way: Way) -> Playlist:
    playlist, _ = find(way)
    if playlist is None:
        raise Gone("This was deleted while its playlist was made.")
    return playlist


def _prepared_id(capture: Capture) -> Any:
    return Capture._meta.pk.get_db_prep_value(capture.pk, connection)  # noqa: SLF001 - a documented API
