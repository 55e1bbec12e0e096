"""The catalogue's columns: read from the database once, and kept by the process until the catalogue changes."""

import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from django.db.models import Case, F, IntegerField, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from catalogue.models import Clustering, Track
from emotune.emotions import EMOTION_LIST
from playlists.columns import DEMO, LINKED, PLAYABLE, Columns, Floats, columns_of
from playlists.company import Company, lay_over
from playlists.models import CompanyFit

BATCH = 20_000
USE = Case(
    When(origin=Track.Origin.DEMO, then=Value(DEMO)),
    When(Q(spotify_id="", audio=""), then=Value(LINKED)),
    default=Value(PLAYABLE),
    output_field=IntegerField(),
)
FIELDS = ("id", "valence", "arousal", "dominance", "emotion", "artist", "genre", "spotify_id")

_lock = threading.Lock()
_kept: tuple[object, Columns] | None = None
_laid_over: tuple[object, Columns] | None = None


def columns() -> Columns:
    """Return the columns of the catalogue as it is now; one query while it has not changed.

    Without a clustering in force, the catalogue is small or of no use yet, and is read each time.
    """
    global _kept  # noqa: PLW0603 - one process keeps one catalogue
    newest = Track.objects.order_by("-id").values("id")[:1]
    fitted = CompanyFit.objects.order_by("-id").values("id")[:1]
    active = Clustering.objects.filter(state=Clustering.State.ACTIVE).annotate(
        newest=Subquery(newest), fitted=Subquery(fitted)
    )
    state = active.values_list("id", "activated_at", "revision", "newest", "fitted", "centroids").first()
    if state is None:
        return _read({})
    *version, fit, centroids = state
    kept = _kept
    if kept is None or kept[0] != version:
        with _lock:
            if _kept is None or _kept[0] != version:
                _kept = (version, _read(centroids))
            kept = _kept
    return _with_company(version, kept[1], fit)


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
    tracks = Track.objects.order_by("id").annotate(use=USE, tags=Coalesce(F("tag_count"), 0))
    return columns_of(_batches(tracks.values_list(*FIELDS, "use", "tags").iterator(BATCH)), centres)


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
