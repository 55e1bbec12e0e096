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


def columns() -> Columns:
    """Return the columns of the catalogue as it is now; one query while it has not changed.

    Without a clustering in force, the catalogue is small or of no use yet, and is read each time.
    """
    global _kept  # noqa: PLW0603 - one process keeps one catalogue
    newest = Track.objects.order_by("-id").values("id")[:1]
    active = Clustering.objects.filter(state=Clustering.State.ACTIVE).annotate(newest=Subquery(newest))
    state = active.values_list("id", "activated_at", "revision", "newest", "centroids").first()
    if state is None:
        return _read({})
    *version, centroids = state
    kept = _kept
    if kept is None or kept[0] != version:
        with _lock:
            if _kept is None or _kept[0] != version:
                _kept = (version, _read(centroids))
            kept = _kept
    return kept[1]


def _read(centroids: dict[str, Any]) -> Columns:
    centres: Floats = np.array([centroids.get(emotion.name, emotion.anchor) for emotion in EMOTION_LIST], np.float64)
    tracks = Track.objects.order_by("id").annotate(use=USE, tags=Coalesce(F("tag_count"), 0))
    return columns_of(_batches(tracks.values_list(*FIELDS, "use", "tags").iterator(BATCH)), centres)


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
