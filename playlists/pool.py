"""The candidates for a playlist or a journey: the tracks of which the most is expected, and some drawn at random."""

import numpy as np
import numpy.typing as npt

from playlists.columns import DEMO, LINKED, PLAYABLE, Columns, Rows
from playlists.ranking import WIDTH, Candidates, Taste
from playlists.taste import Leaning, lean

Floats = npt.NDArray[np.float64]

# So many of an emotion's tracks are weighed: those of which the most is expected, and others drawn by the seed.
BEST, DRAWN = 250, 600
# How far around a journey's points tracks are looked for, and how many of them are taken for all points together.
REACH = 0.5
ALONG = 4000


def draw(columns: Columns, emotion: int, taste: Taste, *, target: Floats, least: int, seed: int) -> Rows:
    """Return rows of candidates of an emotion (its code), none of them banned, in their own order.

    Real playable tracks come alone unless they are fewer than `least` different recordings; then come the
    demonstration's, and then those that can only be linked to, each chosen as the playable ones are. `rank` takes them
    in the same order. To who never asks Spotify, what it alone can play is only linked to.
    """
    playable = columns.playable(emotion, own_only=taste.own_only)
    pool = _some(columns, playable[~banned(columns, taste, playable)], taste, target, seed)
    within = columns.of(emotion)
    for fills_up in (DEMO, LINKED):
        if len(pool) >= least and _different(columns, pool) >= least:
            break
        more = within.start + np.flatnonzero(columns.uses(within, own_only=taste.own_only) == fills_up)
        more = more[~banned(columns, taste, more)]
        pool = np.concatenate([pool, _some(columns, more, taste, target, seed)])
    return np.sort(pool)


def banned(columns: Columns, taste: Taste, rows: Rows) -> npt.NDArray[np.bool_]:
    """Return which of the rows, which must be sorted, are a banned track, another of the same recording, or by a banned
    artist."""
    out = np.zeros(len(rows), np.bool_)
    if taste.banned_artists:
        artists = np.zeros(columns.artists, np.bool_)
        artists[list(taste.banned_artists)] = True
        out |= artists[columns.artist[rows]]
    if taste.banned and len(rows):
        tracks = columns.same_recordings(columns.rows_of(taste.banned)[0])
        places = np.searchsorted(rows, tracks).clip(max=len(rows) - 1)
        out[places[rows[places] == tracks]] = True
    return out


def as_candidates(
    columns: Columns, rows: Rows, around: Floats, shown: npt.NDArray[np.bool_], *, own_only: bool = False
) -> Candidates:
    """Return rows as candidates for a mood that asks for `around` (3,); `own_only` for who never asks Spotify."""
    return Candidates(
        vad=columns.vad[rows].astype(np.float64),
        features=columns.features(rows, around),
        genres=columns.genres,
        recordings=columns.recording[rows],
        shown=shown,
        use=columns.uses(rows, own_only=own_only),
    )


def along(columns: Columns, points: Floats, taste: Taste, *, seed: int) -> Rows:
    """Return rows of playable tracks around each of the points (m, 3) of a journey, none of them banned. The
    demonstration's are among them only where real ones are too few, and for who never asks Spotify, what it alone can
    play only where these are too few as well."""
    reach = max(REACH, float(np.linalg.norm(points[1] - points[0])))
    low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
    near = columns.use != LINKED
    for axis in range(3):
        near &= (columns.vad[:, axis] >= low[axis]) & (columns.vad[:, axis] <= high[axis])
    rows = np.flatnonzero(near)
    rows = rows[~banned(columns, taste, rows)]
    use = columns.uses(rows, own_only=taste.own_only)
    for some in (rows[use == PLAYABLE], rows[use != LINKED], rows):
        taken = _around(columns, some, points, reach, seed)
        if len(taken) >= 3 * len(points):
            break
    return taken


def _around(columns: Columns, rows: Rows, points: Floats, reach: float, seed: int) -> Rows:
    """Return some rows around each point: all of them within reach, or as many drawn from those as are wanted."""
    rng = np.random.default_rng(seed)
    vad = columns.vad.take(rows, axis=0)
    per_point = ALONG // len(points)
    taken = []
    for point in points.astype(np.float32):
        found = rows[_away(vad, point) <= reach**2]
        taken.append(found if len(found) <= per_point else rng.choice(found, per_point, replace=False, shuffle=False))
    return np.unique(np.concatenate(taken))


def _some(columns: Columns, rows: Rows, taste: Taste, target: Floats, seed: int) -> Rows:
    if len(rows) <= BEST + DRAWN:
        return rows
    best = np.argpartition(-_expected(columns, rows, lean(taste.evidence), target), BEST)[:BEST]
    drawn = np.random.default_rng(seed).choice(len(rows), DRAWN, replace=False, shuffle=False)
    pool: Rows = rows[np.union1d(best, drawn)]
    return pool


def _expected(columns: Columns, rows: Rows, leaning: Leaning, target: Floats) -> npt.NDArray[np.float32]:
    """Return about what `rank` will expect of the rows, all of one emotion, at a price that allows for all of them:
    `take` needs half of the time of indexing, and less for points."""
    vad = columns.vad.take(rows, axis=0)
    away = _away(vad, target.astype(np.float32))
    by_artist = np.zeros(columns.artists, np.float32)
    np.add.at(by_artist, leaning.artist[0], leaning.artist[1])
    if len(leaning.company) and columns.company.shape[1]:
        by_artist += columns.company @ leaning.company.astype(np.float32)
    by_genre = np.zeros(len(columns.genres) + 1, np.float32)  # the last one, code -1, is the unknown genre
    by_genre[leaning.genre[0]] = leaning.genre[1]
    slope = leaning.slopes[columns.emotion[rows[0]]].astype(np.float32)
    expected = vad @ slope - 0.5 / WIDTH**2 * away
    expected += by_artist.take(columns.artist.take(rows)) + by_genre.take(columns.genre.take(rows))
    return np.asarray(expected, np.float32)


def _away(vad: npt.NDArray[np.float32], point: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the squared distances (n,) of `vad` (n, 3) to a point (3,), by columns: by rows it takes twice as long."""
    away = np.zeros(len(vad), np.float32)
    for axis in range(3):
        apart = vad[:, axis] - point[axis]
        away += apart * apart
    return away


def _different(columns: Columns, rows: Rows) -> int:
    recordings = columns.recording[rows]
    return int((recordings == 0).sum() + len(np.unique(recordings[recordings != 0])))
