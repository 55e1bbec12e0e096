"""What a person did, read by one query, and what it says of their taste."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.utils import timezone

from catalogue.models import Track
from detection.models import Capture, Status
from playlists.columns import NOWHERE, Columns, Floats
from playlists.models import Listen, NeverAgain, NeverArtist, Playlist, PlaylistTrack, Rating, Skip
from playlists.moments import NUMBER, number_of
from playlists.ranking import COOLING_PLAYLISTS, RATING_NOISE, SHOWN_PLACES, Taste, evidence_of
from playlists.taste import Evidence

if TYPE_CHECKING:
    from accounts.models import User

# So many of the tracks that a person rated, heard or skipped last speak for their taste. So many places are kept for
# those rated last, lest who hears much loses their own words. So many listens are still in a person's ears.
LATEST, RATED = 200, 100
COOLING_LISTENS = 60
# What was heard or given longer ago, as imported listens mostly were, is in nobody's ears any more.
FORGOTTEN_AFTER = timedelta(days=30)
# What an act says of a track, and the variance of that word: a listener may let a track run that they do not care for.
LISTENED, SKIPPED = 0.4, -0.4
ACT_NOISE = 2.0
SAYS = {
    "like": (1.0, RATING_NOISE),
    "dislike": (-1.0, RATING_NOISE),
    "listen": (LISTENED, ACT_NOISE),
    "skip": (SKIPPED, ACT_NOISE),
}
# The preference of who never asks Spotify.
OWN_ONLY = "own_only"

# Each part walks an index for as many rows as it returns; the latest act comes first.
ACTS = """
SELECT kind, track_id, id, {moment} FROM (
SELECT * FROM (SELECT 'like' AS kind, track_id, rated_at AS moment, id FROM {rating} WHERE user_id = %(user)s
               AND value = 1 ORDER BY rated_at DESC, id DESC LIMIT {latest}) AS likes
UNION ALL SELECT 'dislike', track_id, rated_at, id FROM {rating} WHERE user_id = %(user)s AND value = -1
UNION ALL SELECT * FROM (SELECT 'listen', track_id, listened_at, id FROM {listen} WHERE user_id = %(user)s
                         ORDER BY listened_at DESC, id DESC LIMIT {latest}) AS listens
UNION ALL SELECT * FROM (SELECT 'skip', track_id, skipped_at, id FROM {skip} WHERE user_id = %(user)s
                         ORDER BY skipped_at DESC, id DESC LIMIT {latest}) AS skips
UNION ALL SELECT 'never', track_id, created_at, id FROM {never} WHERE user_id = %(user)s
          AND (until IS NULL OR until > %(now)s)
UNION ALL SELECT 'artist', COALESCE((SELECT MIN(t.id) FROM {track} AS t WHERE t.artist = n.artist), track_id),
          created_at, id FROM {never_artist} AS n WHERE user_id = %(user)s AND (until IS NULL OR until > %(now)s)
UNION ALL SELECT 'place', e.track_id, l.created_at, l.id FROM {place} AS e JOIN (
    SELECT id, created_at FROM {playlist} WHERE user_id = %(user)s ORDER BY created_at DESC, id DESC LIMIT {playlists}
    ) AS l ON e.playlist_id = l.id
) AS acts WHERE track_id IS NOT NULL ORDER BY moment DESC, id DESC
"""
TABLES = {
    "rating": Rating,
    "listen": Listen,
    "skip": Skip,
    "never": NeverAgain,
    "never_artist": NeverArtist,
    "place": PlaylistTrack,
    "playlist": Playlist,
    "track": Track,
    "capture": Capture,
}
NAMES = {name: model._meta.db_table for name, model in TABLES.items()}  # noqa: SLF001 - a documented API
# The sign of a percentage is written twice where there are parameters.
STATEMENT = {
    vendor: ACTS.format(
        latest=LATEST, playlists=COOLING_PLAYLISTS, moment=number.format("moment").replace("%", "%%"), **NAMES
    )
    for vendor, number in NUMBER.items()
}


SHOWN = """
SELECT DISTINCT track_id FROM {place} {among} id > (SELECT COALESCE(MAX(id), 0) FROM {place}) - {places}
"""
AMONG = {
    "sqlite": "WHERE track_id IN ({ids}) AND",
    # PostgreSQL weighs each of so many ids when it plans, and then goes through all of the latest places. Of what a
    # SELECT returns it knows nothing, and looks each up in the index.
    "postgresql": "JOIN unnest((SELECT '{{{ids}}}'::bigint[])) AS wanted (track) ON track_id = wanted.track WHERE",
}


# What the playlists that gave a person these tracks were chosen for, and when, the latest last.
TARGETS = """
SELECT e.track_id, {moment}, l.target FROM {place} AS e JOIN {playlist} AS l ON l.id = e.playlist_id
WHERE l.user_id = {user} AND l.target IS NOT NULL AND e.track_id IN ({ids}) ORDER BY e.id
"""
# So many of a person's latest captures tell what readings mean for them. Nobody let a reading stand of which the reader
# was not sure: they were asked for a word and gave none.
WORDS = 200
EARLIER = """
SELECT emotion, chosen FROM {capture} WHERE user_id = %s AND emotion <> '' AND (status = '{done}' OR chosen <> '')
AND id <> %s
ORDER BY created_at DESC LIMIT {words}
"""


class Act(NamedTuple):
    """Something a person did with a track, or a place that it had in a playlist, whose `id` it is then; `moment` is its
    number (playlists.moments). `row` is the track's in the columns."""

    row: int
    kind: str
    track_id: int
    id: int
    moment: int


def taste_of(user: "User | None", columns: Columns) -> Taste:
    """Return what a person's acts say; nobody has no taste. Computed anew each time, so that undoing leaves nothing."""
    if user is None:
        return Taste()
    acts = _acts(user, columns)
    remembered = number_of(timezone.now() - FORGOTTEN_AFTER)
    return Taste(
        evidence=_evidence(user, acts, columns),
        liked=_by_artist(_of(acts, "like"), columns),
        liked_tracks=frozenset(act.track_id for act in _of(acts, "like")),
        cooling=_cooling([act for act in acts if act.moment > remembered]),
        banned=frozenset(act.track_id for act in _of(acts, "never", "dislike")),
        banned_artists=frozenset(_by_artist(_of(acts, "artist"), columns)),
        own_only=user.preferences.playback == OWN_ONLY,
    )


def _of(acts: Sequence[Act], *kinds: str) -> list[Act]:
    return [act for act in acts if act.kind in kinds]


def _acts(user: "User", columns: Columns) -> list[Act]:
    """Return a person's acts on tracks that there still are, the latest first."""
    with connection.cursor() as cursor:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        cursor.execute(STATEMENT[connection.vendor], {"user": user.pk, "now": now})
        found = cursor.fetchall()
    rows, there = columns.rows_of([act[1] for act in found])
    return [Act(row, *act) for row, act in zip(rows.tolist(), compress(found, there.tolist()), strict=True)]


def _by_artist(acts: Sequence[Act], columns: Columns) -> dict[int, int]:
    counts: dict[int, int] = {}
    for artist in columns.artist[[act.row for act in acts]].tolist():
        counts[artist] = counts.get(artist, 0) + 1
    return counts


def _evidence(user: "User", acts: Sequence[Act], columns: Columns) -> Evidence:
    words = _words(acts)
    features = columns.features(
        np.array([act.row for act in words], np.intp), targets_of(user.pk, {act.track_id: act.moment for act in words})
    )
    said = [SAYS[act.kind] for act in words]
    return evidence_of(features, [value for value, _ in said], [noise for _, noise in said])


def _words(acts: Sequence[Act]) -> list[Act]:
    """Return the act that speaks for each of the LATEST tracks: its rating, or else its latest listen or skip. The
    RATED latest ratings are among them, however much was heard since."""
    said, rated = _of(acts, *SAYS), _of(acts, "like", "dislike")
    word = {act.track_id: act for act in reversed(said)} | {act.track_id: act for act in rated}
    latest_first = list(dict.fromkeys(act.track_id for act in said))
    kept = {act.track_id for act in rated[:RATED]}
    others = [track_id for track_id in latest_first if track_id not in kept]
    kept.update(others[: LATEST - len(kept)])
    return [word[track_id] for track_id in latest_first if track_id in kept]


def targets_of(user_id: int, moments: Mapping[int, int]) -> Floats:
    """Return (n, 3): the mood for which each track was last given before something was done with it; nowhere for one
    that was found otherwise. `moments` are the numbers of that, by the track's id."""
    found: dict[int, str] = {}
    if moments:
        given = NUMBER[connection.vendor].format("l.created_at")
        with connection.cursor() as cursor:
            cursor.execute(TARGETS.format(user=user_id, ids=_written(moments), moment=given, **NAMES))
            found = {track_id: target for track_id, at, target in cursor.fetchall() if at <= moments[track_id]}
    points = [json.loads(found[track_id]) if track_id in found else NOWHERE for track_id in moments]
    return np.array(points, np.float64).reshape(-1, 3)


def _written(ids: Iterable[int]) -> str:
    return ",".join(map(str, ids))


def earlier_words(capture: Capture) -> list[tuple[str, str]]:
    """Return of a person's other captures, the latest first, what was read and what they chose instead, if anything."""
    this = Capture._meta.pk.get_db_prep_value(capture.pk, connection)  # noqa: SLF001 - a documented API
    with connection.cursor() as cursor:
        cursor.execute(EARLIER.format(words=WORDS, done=Status.DONE, **NAMES), [capture.user_id, this])
        return list(cursor.fetchall())


def _cooling(acts: Sequence[Act]) -> dict[int, float]:
    """Return by track how fresh it is in a person's memory: 1 for the latest, fading evenly with each one since."""
    order: dict[int, int] = {}
    cooling: dict[int, float] = {}
    for act in _of(acts, "place"):
        age = order.setdefault(act.id, len(order)) / COOLING_PLAYLISTS
        cooling[act.track_id] = max(cooling.get(act.track_id, 0.0), 1 - age)
    for place, act in enumerate(_of(acts, "listen")[:COOLING_LISTENS]):
        cooling[act.track_id] = max(cooling.get(act.track_id, 0.0), 1 - place / COOLING_LISTENS)
    return cooling


def shown_lately(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which of the tracks (n,), in order of their ids, were given to anybody lately; one query, by an index."""
    shown = np.zeros(len(ids), np.bool_)
    if not len(ids):
        return shown
    among = AMONG[connection.vendor].format(ids=_written(ids.tolist()))
    with connection.cursor() as cursor:
        cursor.execute(SHOWN.format(places=SHOWN_PLACES, among=among, **NAMES))
        found = np.array([row[0] for row in cursor.fetchall()], np.int64)
    shown[np.searchsorted(ids, found)] = True
    return shown
