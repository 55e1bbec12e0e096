"""Fit company to what all people did, and keep it: the work of a task that runs by the clock."""

import logging

import numpy as np
from django.db import transaction

from playlists.columns import Columns
from playlists.company import Acts, fit
from playlists.loading import columns as load_columns
from playlists.models import CompanyFit, Listen, Rating, Skip
from playlists.profiles import LISTENED, SKIPPED

logger = logging.getLogger(__name__)

BATCH = 20_000


def fit_company() -> CompanyFit | None:
    """Fit company anew and put it in place of the one before; withdraw that one where too few people are left."""
    columns = load_columns()
    found = fit(_acts(columns))
    with transaction.atomic():
        before = list(CompanyFit.objects.values_list("id", flat=True))
        kept = None
        if found:
            kept = CompanyFit.objects.create(
                people=found.people,
                tracks=_one_track_each(columns)[found.artists].tobytes(),
                vectors=found.vectors.astype(np.float32).tobytes(),
            )
        CompanyFit.objects.filter(id__in=before).delete()
    logger.info("company fitted: %s", kept or "too few people")
    return kept


def _acts(columns: Columns) -> Acts:
    """Return what everybody did, by artist. What was done with a track that has gone is left out."""
    rows: list[tuple[int, int, float]] = list(
        Rating.objects.values_list("user_id", "track_id", "value").iterator(BATCH)
    )
    for model, value in ((Listen, LISTENED), (Skip, SKIPPED)):
        acts = model.objects.order_by("id").values_list("user_id", "track_id")
        rows += [(*row, value) for row in acts.iterator(BATCH)]
    places, there = columns.rows_of([track_id for _, track_id, _ in rows])
    return Acts(
        people=np.array([user_id for user_id, *_ in rows], np.int64)[there],
        artists=columns.artist[places].astype(np.intp),
        values=np.array([value for *_, value in rows], np.float64)[there],
    )


def _one_track_each(columns: Columns) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return by artist the id of one of their tracks, by which they are known again when codes have changed."""
    ids = np.zeros(columns.artists, np.int64)
    ids[columns.artist] = columns.ids
    return ids
