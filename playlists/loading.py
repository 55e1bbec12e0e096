"""The catalogue's columns: read from the database once, and kept by the process until the catalogue changes."""

import json
import threading
from typing import Any

import numpy as np
from django.db import connection

from catalogue.models import Clustering, Track
from catalogue.rows import read_blocks
from emotune.background import in_background
from emotune.emotions import EMOTION_LIST
from playlists.columns import DEMO, LINKED, PLAYABLE, SPOTIFY, Columns, Floats, columns_of_lists
from playlists.company import Company, lay_over
from playlists.models import CompanyFit

# What `columns_of_lists` takes: numbers, then texts.
TRACKS = f"""
SELECT id, valence, arousal, dominance,
    CASE WHEN origin = '{Track.Origin.DEMO}' THEN {DEMO} WHEN audio <> '' THEN {PLAYABLE}
         WHEN spotify_id <> '' THEN {SPOTIFY} ELSE {LINKED} END,
    COALESCE(tag_count, 0), emotion, artist, genre, spotify_id
FROM {Track._meta.db_table}
"""  # noqa: S608, SLF001 - names of this project's own

# Asked for each playlist: written out, since Django takes longer to compose it than the database to answer.
IN_FORCE = f"""
SELECT id, activated_at, revision, (SELECT MAX(id) FROM {Track._meta.db_table}),
    (SELECT MAX(id) FROM {CompanyFit._meta.db_table}), centroids
FROM {Clustering._meta.db_table} WHERE state = '{Clustering.State.ACTIVE}'
"""  # noqa: S608, SLF001 - names of this project's own

_lock = threading.Lock()
_kept: tuple[object, Columns] | None = None
_laid_over: tuple[object, Columns] | None = None


def columns() -> Columns:
    """Return the columns of the catalogue; one query while it has not changed.

    When it has, a thread reads them anew, and whoever asks meanwhile goes on with the former ones. A transaction waits
    for the columns that it sees itself, as does who comes first. Without a clustering in force, the catalogue is small
    or of no use yet, and is read each time.
    """
    state = _in_force()
    if state is None:
        return _read({})
    *version, fit, centroids = state
    kept = _kept
    if kept is None or (kept[0] != version and connection.in_atomic_block):
        kept = _keep(version, centroids)
    elif kept[0] != version:
        in_background("the catalogue's columns", _keep_anew)
    return _with_company(kept[0], kept[1], fit)


def _in_force() -> tuple[Any, ...] | None:
    """Return what columns are kept by, the latest fit of company, and the centroids in force."""
    with connection.cursor() as cursor:
        cursor.execute(IN_FORCE)
        found = cursor.fetchone()
    return (*found[:-1], json.loads(found[-1])) if found else None


def _keep(version: object, centroids: dict[str, Any]) -> tuple[object, Columns]:
    global _kept  # noqa: PLW0603 - one process keeps one catalogue
    with _lock:
        if _kept is None or _kept[0] != version:
            _kept = (version, _read(centroids))
        return _kept


def _keep_anew() -> None:
    if state := _in_force():
        *version, _, centroids = state
        _keep(version, centroids)


def _with_company(version: object, columns: Columns, fit: int | None) -> Columns:
    """Lay the latest fit over the columns, once for each; without one they stay as they are."""
    global _laid_over  # noqa: PLW0603
    if fit is None:
        return columns
    laid_over = _laid_over
    if laid_over is None or laid_over[0] != (version, fit):
        row = CompanyFit.objects.filter(id=fit).first()
        laid_over = _laid_over = ((version, fit), lay_over(columns, company_of(row, columns)) if row else columns)
    return laid_over[1]


def company_of(row: CompanyFit, columns: Columns) -> Company:
    """Return a stored fit by the codes of these columns; artists whose track has gone are left out."""
    tracks = np.frombuffer(row.tracks, np.int64)
    vectors = np.frombuffer(row.vectors, np.float32).reshape(len(tracks), -1)
    rows, there = columns.rows_of(tracks.tolist())
    return Company(columns.artist[rows].astype(np.intp), vectors[there], row.people)


def _read(centroids: dict[str, Any]) -> Columns:
    centres: Floats = np.array([centroids.get(emotion.name, emotion.anchor) for emotion in EMOTION_LIST], np.float64)
    blocks = read_blocks(TRACKS, numbers=5, texts=4)
    return columns_of_lists(((block.ids, *block.numbers.T, *block.texts) for block in blocks), centres)
