"""The candidates for a playlist: a few hundred tracks from all over an emotion, found by indexes alone."""

# ruff: noqa: S608 - names of tables and columns are this module's own; values are always parameters

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.models import Max, Q, QuerySet

from catalogue.models import Track
from emotune.emotions import EMOTIONS
from playlists.listeners import Catalogue
from playlists.models import PlaylistTrack
from playlists.ranking import BY_LIKED, DRAWN, NEAREST, PROBES, WINDOWS, Candidates, Taste, favourites
from playlists.taste import Features

Floats = npt.NDArray[np.float64]
Centres = dict[str, tuple[float, float, float]]

TRACKS = Track._meta.db_table  # noqa: SLF001 - a documented API in spite of its name
PLACES = PlaylistTrack._meta.db_table  # noqa: SLF001
# A track counts as shown lately when it has one of so many latest places in anybody's playlists.
SHOWN_PLACES = 20_000
# How far around a journey's point, on each axis, tracks are looked for, how many are taken, and what shuffles them.
REACH = 0.5
PER_POINT = 400
PRIME = 7919
PLAYABLE = ~Q(spotify_id="") | ~Q(audio="")
DEMO = Q(origin=Track.Origin.DEMO)
COLUMNS = ("id", "valence", "arousal", "dominance", "artist", "genre", "spotify_id")


class Row(NamedTuple):
    """What the ranking needs to know of a track."""

    id: int
    valence: float
    arousal: float
    dominance: float
    artist: str
    genre: str
    spotify_id: str


def candidates(emotion: str, *, least: int, seed: int, taste: Taste, centres: Centres) -> Candidates:
    """Return candidates of an emotion, none of them banned: real playable tracks, and only where those are fewer than
    `least` the demonstration's, then those that can only be linked to."""
    rows: dict[int, tuple[Row, bool]] = {}
    newest_place = PlaylistTrack.objects.aggregate(newest=Max("id"))["newest"] or 0
    for row, shown in _windows(emotion, seed, taste, newest_place - SHOWN_PLACES):
        if row.id not in taste.banned and row.spotify_id not in taste.banned_spotify:
            rows[row.id] = (row, shown)
    of_emotion = Track.objects.filter(emotion=emotion).exclude(id__in=taste.banned).order_by("distance", "id")
    for wanted in (PLAYABLE & ~DEMO, DEMO, ~PLAYABLE & ~DEMO):
        if _different([row for row, _ in rows.values()]) < least:
            more = of_emotion.filter(wanted).exclude(spotify_id__in=taste.banned_spotify)
            rows |= {row.id: (row, False) for row in _rows(more) if row.id not in rows}
    ordered = [rows[track_id] for track_id in sorted(rows)]
    found = [row for row, _ in ordered]
    return Candidates(
        vad=np.array([row[1:4] for row in found], np.float64).reshape(-1, 3),
        features=as_features(found, [emotion] * len(found), centres),
        spotify_ids=tuple(row.spotify_id for row in found),
        shown=np.array([shown for _, shown in ordered], np.bool_),
    )


def along(points: Floats, *, seed: int, taste: Taste, centres: Centres) -> Candidates:
    """Return playable tracks around each of the points (m, 3) of a journey, none of them banned; one query. The
    demonstration's are among them only where real ones are too few.

    A track near a point lies about as far from the centre of the point's emotion as the point itself, which is what
    the index knows; of those within reach, some are taken in an order that the seed shuffles.
    """
    reach = max(REACH, float(np.linalg.norm(points[1] - points[0])))
    names, places = list(centres), np.array(list(centres.values()))
    statements: list[str] = []
    values: list[Any] = []
    for n, point in enumerate(points):
        away = np.linalg.norm(places - point, axis=1)
        near = int(away.argmin())
        box = " AND ".join(f"{name} BETWEEN %s AND %s" for name in COLUMNS[1:4])
        statements.append(
            f"SELECT * FROM (SELECT {', '.join(COLUMNS)}, emotion, origin FROM {TRACKS} WHERE emotion = %s AND distance"
            f" BETWEEN %s AND %s AND {box} AND (spotify_id <> '' OR audio <> '')"
            f" ORDER BY (id * %s) %% {PRIME}, id LIMIT {PER_POINT}) AS w{n}"
        )
        values += [names[near], float(away[near]) - 1.8 * reach, float(away[near]) + 1.8 * reach]
        values += [bound for value in point.tolist() for bound in (value - reach, value + reach)]
        values.append(1 + seed % (PRIME - 1))
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(statements), values)
        rows = {row[0]: (Row(*row[:-2]), row[-2], row[-1]) for row in cursor.fetchall()}
    free = [
        rows[i] for i in sorted(rows) if i not in taste.banned and rows[i][0].spotify_id not in taste.banned_spotify
    ]
    real = [(row, emotion) for row, emotion, origin in free if origin != Track.Origin.DEMO]
    kept = real if len(real) >= 3 * len(points) else [(row, emotion) for row, emotion, _ in free]
    return Candidates(
        vad=np.array([row[1:4] for row, _ in kept], np.float64).reshape(-1, 3),
        features=as_features([row for row, _ in kept], [emotion for _, emotion in kept], centres),
        spotify_ids=tuple(row.spotify_id for row, _ in kept),
        shown=np.zeros(len(kept), np.bool_),
    )


def as_features(rows: Sequence[Row], emotions: Sequence[str], centres: Centres) -> Features:
    """Return what taste may depend on; a track without an emotion is as far from none as can be known: 0."""
    vad = np.array([row[1:4] for row in rows], np.float64).reshape(-1, 3)
    centre = np.array([centres.get(emotion, row[1:4]) for emotion, row in zip(emotions, rows, strict=True)], np.float64)
    return Features(
        ids=tuple(row.id for row in rows),
        offsets=vad - centre.reshape(-1, 3),
        emotions=tuple(emotions),
        artists=tuple(row.artist for row in rows),
        genres=tuple(row.genre for row in rows),
    )


def _different(rows: Iterable[Row]) -> int:
    return len({row.spotify_id or row.id for row in rows})


def _rows(tracks: QuerySet[Track]) -> list[Row]:
    return [Row(*row) for row in tracks.values_list(*COLUMNS)[:NEAREST]]


def _windows(emotion: str, seed: int, taste: Taste, shown_after: int) -> list[tuple[Row, bool]]:
    """Return the nearest tracks of an emotion, neighbours of tracks drawn by the seed, and some by liked artists.

    One query, each part of which walks an index for as many rows as it returns: the time does not grow with the
    catalogue. Every track can be drawn, each as likely as another, since random ids are where the windows begin.
    """
    parts: list[tuple[str, list[Any], str, int]] = [("", [], "distance, id", NEAREST)]
    starts = _starts(emotion, np.random.default_rng(seed))
    parts += [("AND (distance, id) >= (%s, %s)", list(start), "distance, id", DRAWN // len(starts)) for start in starts]
    if artists := favourites(taste, seed):
        parts.append((f"AND artist IN ({', '.join(['%s'] * len(artists))})", artists, "id", BY_LIKED))
    shown = f"EXISTS (SELECT 1 FROM {PLACES} AS p WHERE p.track_id = t.id AND p.id > %s)"
    statements: list[str] = []
    values: list[Any] = []
    for n, (condition, given, order, limit) in enumerate(parts):
        # PostgreSQL would read the whole emotion's index beside the artists' few entries if it could use it for both
        of_emotion = "emotion || '' = %s" if order == "id" else "emotion = %s"
        statements.append(
            f"SELECT * FROM (SELECT {', '.join(COLUMNS)}, {shown} AS shown FROM {TRACKS} AS t WHERE {of_emotion}"
            f" AND origin <> %s AND (spotify_id <> '' OR audio <> '') {condition}"
            f" ORDER BY {order} LIMIT {limit}) AS w{n}"
        )
        values += [shown_after, emotion, Track.Origin.DEMO, *given]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(statements), values)
        return [(Row(*row[:-1]), bool(row[-1])) for row in cursor.fetchall()]


def _starts(emotion: str, rng: np.random.Generator) -> list[tuple[float, int]]:
    """Return distance and id of at most WINDOWS tracks of an emotion, drawn without regard to either."""
    newest = Track.objects.aggregate(newest=Max("id"))["newest"] or 0
    probes = rng.integers(1, max(newest, 1) + 1, PROBES).tolist()
    found = Track.objects.filter(id__in=probes, emotion=emotion, distance__isnull=False)
    distance = {track_id: float(value or 0.0) for track_id, value in found.values_list("id", "distance")}
    drawn = dict.fromkeys(probe for probe in probes if probe in distance)
    return [(distance[track_id], track_id) for track_id in list(drawn)[:WINDOWS]]


def whole_catalogue(centres: Centres) -> Catalogue:
    """Return every playable track that has an emotion, the demonstration's aside, for simulations."""
    columns = ("emotion", "distance", "id", "tag_count", *COLUMNS[1:])
    tracks = Track.objects.filter(PLAYABLE).exclude(DEMO).exclude(emotion="")
    codes = {name: code for code, name in enumerate(EMOTIONS)}
    rows = sorted((codes[row[0]], row[1] or 0.0, *row[2:]) for row in tracks.values_list(*columns).iterator(5000))
    artists, genres = sorted({row[7] for row in rows}), sorted({row[8] for row in rows} - {""})
    artist, genre = {name: n for n, name in enumerate(artists)}, {name: n for n, name in enumerate(genres)}
    return Catalogue(
        ids=np.array([row[2] for row in rows], np.int64),
        vad=np.array([row[4:7] for row in rows], np.float64).reshape(-1, 3),
        emotion=np.array([row[0] for row in rows], np.intp),
        genre=np.array([genre.get(row[8], -1) for row in rows], np.intp),
        artist=np.array([artist[row[7]] for row in rows], np.intp),
        genres=tuple(genres),
        artists=tuple(artists),
        spotify_ids=tuple(row[9] for row in rows),
        popularity=np.array([row[3] or 0 for row in rows], np.float64),
        centres=np.array([centres[name] for name in EMOTIONS]),
    )
