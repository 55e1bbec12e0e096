"""Fit company to what all people did, and keep it: the work of a task that runs by the clock."""

# ruff: noqa: S608 - statements are made of this project's own names and numbers alone

import logging

import numpy as np
from django.db import connection, transaction

from catalogue.rows import read_blocks
from playlists.columns import Columns
from playlists.company import ENOUGH_ACTS, ENOUGH_PEOPLE, Acts, fit
from playlists.loading import columns as load_columns
from playlists.models import CompanyFit, Listen, Rating, Skip
from playlists.profiles import LISTENED, SKIPPED

logger = logging.getLogger(__name__)

# Where acts lie, and what each of them is worth.
ACTS = tuple(
    (model._meta.db_table, value)  # noqa: SLF001 - a documented API
    for model, value in ((Rating, "value"), (Listen, LISTENED), (Skip, SKIPPED))
)
PEOPLE_WHO_COUNT = f"""
SELECT COUNT(*) FROM (
    SELECT user_id FROM ({" UNION ALL ".join(f"SELECT user_id FROM {table}" for table, _ in ACTS)}) AS a
    GROUP BY user_id HAVING COUNT(*) >= {ENOUGH_ACTS}
) AS p
"""


def fit_company() -> CompanyFit | None:
    """Fit company anew and put it in place of the one before; withdraw that one where too few people are left."""
    made = _fit() if _people_who_count() >= ENOUGH_PEOPLE else None
    with transaction.atomic():
        before = list(CompanyFit.objects.values_list("id", flat=True))
        if made:
            made.save()
        CompanyFit.objects.filter(id__in=before).delete()
    logger.info("company fitted: %s", made or "too few people")
    return made


def _people_who_count() -> int:
    """Let the database count who did enough; where they are too few, as in most installations, nothing else is read."""
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE_WHO_COUNT)
        return int(cursor.fetchone()[0])


def _fit() -> CompanyFit | None:
    columns = load_columns()
    found = fit(_acts(columns), enough=ENOUGH_PEOPLE)
    if found is None:
        return None
    return CompanyFit(
        people=found.people,
        tracks=_one_track_each(columns)[found.artists].tobytes(),
        vectors=found.vectors.astype(np.float32).tobytes(),
    )


def _acts(columns: Columns) -> Acts:
    """Return what everybody did, by artist, read block by block: there may be many millions of acts.

    What was done with a track that has gone is left out.
    """
    people, artists, values = [np.empty(0, np.int64)], [np.empty(0, np.intp)], [np.empty(0)]
    for table, value in ACTS:
        for block in read_blocks(f"SELECT id, user_id, track_id, {value} FROM {table}", numbers=3):
            rows, there = columns.rows_of(block.numbers[:, 1].astype(np.int64).tolist())
            artists.append(columns.artist[rows].astype(np.intp))
            people.append(block.numbers[there, 0].astype(np.int64))
            values.append(block.numbers[there, 2])
    return Acts(np.concatenate(people), np.concatenate(artists), np.concatenate(values))


def _one_track_each(columns: Columns) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return by artist the id of one of their tracks, by which they are known again when codes have changed."""
    ids = np.zeros(columns.artists, np.int64)
    ids[columns.artist] = columns.ids
    return ids
