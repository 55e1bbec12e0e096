"""Clusterings and the catalogue's tracks: the points to fit, the row that keeps a fit, the tags that it gives."""

# ruff: noqa: S608 - statements are made of this project's own names alone

import json
import time
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from catalogue.clustering import Fit, assign
from catalogue.logbook import note_change
from catalogue.measures import Floats, Indices
from catalogue.methods import METHODS
from catalogue.models import Clustering, Track
from catalogue.moods import mood_of
from catalogue.muse import Progress
from catalogue.rows import read_blocks
from catalogue.staging import TRACKS, Tags, bulk_write, merge_tags, stage_tags
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput

if TYPE_CHECKING:
    from accounts.models import User

CLUSTERED = f"origin <> '{Track.Origin.DEMO}'"
# Of so many tracks at most the places are held in memory, and a clustering is fitted to at most so many of them.
MOST_PLACES = 200_000


def active_clustering() -> Clustering | None:
    return Clustering.objects.filter(state=Clustering.State.ACTIVE).first()


def clustered_tracks() -> QuerySet[Track]:
    """The tracks whose tags come from a clustering; the demonstration's say what they were made for."""
    return Track.objects.exclude(origin=Track.Origin.DEMO)


def fit_catalogue(method: str) -> tuple[Fit, float]:
    """Fit a method to the playable tracks, the demonstration's aside; return the fit and the seconds that it took."""
    begin = time.perf_counter()
    if method not in METHODS:
        raise InvalidInput(f"There is no method {method!r} of clustering. Choose one of: {', '.join(METHODS)}.")
    fit = METHODS[method](*points_of(TRACKS, f"{CLUSTERED} AND (spotify_id <> '' OR audio <> '')"))
    return fit, time.perf_counter() - begin


def keep(method: str, fit: Fit, seconds: float, user: "User | None" = None) -> Clustering:
    return Clustering.objects.create(
        method=method,
        parameters=fit.parameters if fit.whitening is None else fit.parameters | {"whitening": fit.whitening.tolist()},
        centroids=dict(zip(EMOTIONS, fit.centroids.tolist(), strict=True)),
        quality={
            "silhouette": fit.silhouette,
            "sizes": dict(zip(EMOTIONS, fit.sizes.tolist(), strict=True)),
            "drift": dict(zip(EMOTIONS, fit.drift.tolist(), strict=True)),
            "seconds": round(seconds, 3),
        },
        created_by=user,
    )


def activate_clustering(
    *, clustering: Clustering, user: "User | None" = None, progress: Progress | None = None
) -> None:
    """Put a clustering in force: every track gets its tag and distance at once, and the former one is retired.

    Until all of it is there, readers see the former tags; what `progress` raises leaves them in force.
    """
    with bulk_write():
        put_in_force(clustering, user)
        tag_tracks(clustering, progress)
        note_change(user, clustering, "Put in force: every track is tagged by it.")


def put_in_force(clustering: Clustering, user: "User | None" = None) -> None:
    active = Clustering.objects.filter(state=Clustering.State.ACTIVE)
    active.exclude(pk=clustering.pk).update(state=Clustering.State.RETIRED)
    chosen = Clustering.objects.filter(pk=clustering.pk)
    # a new revision: tracks may have changed since it was last in force
    values = {"activated_at": timezone.now(), "activated_by": user, "revision": uuid4()}
    if not chosen.update(state=Clustering.State.ACTIVE, **values):
        raise InvalidInput("This clustering has been deleted. Choose another one.")
    clustering.refresh_from_db()


def regions(clustering: Clustering) -> tuple[Floats, Floats | None]:
    """Return centroids (7, 3) and whitening (3, 3), all that assigning a track needs."""
    whitening = clustering.parameters.get("whitening")
    centroids = np.array([clustering.centroids[emotion] for emotion in EMOTIONS])
    return centroids, None if whitening is None else np.array(whitening)


def tag_tracks(clustering: Clustering, progress: Progress | None = None) -> None:
    total = clustered_tracks().count()
    places = f"SELECT id, valence, arousal, dominance FROM {TRACKS} WHERE {CLUSTERED}"
    with stage_tags() as stage:
        stage.add(tags_of(places, clustering, total, progress))
        merge_tags(stage)


def tags_of(places: str, clustering: Clustering, total: int = 0, progress: Progress | None = None) -> list[Tags]:
    """Return the tags that a clustering gives to what a query has: id, valence, arousal and dominance."""
    found = regions(clustering)
    tags: list[Tags] = []
    done = 0
    for block in read_blocks(places, numbers=3):
        labels, distances = assign(block.numbers, *found)
        tags.append((block.ids, labels.astype(np.int8), distances))
        done += len(labels)
        if progress and total:
            progress(done, done / max(total, done))
    return tags


def points_of(table: str, where: str) -> tuple[Floats, Indices]:
    """Return places (n, 3) of a table's rows and the emotions that their moods name (n,), -1 where they name none.

    Of more than MOST_PLACES it is an even part.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}")
        thinned = -(-cursor.fetchone()[0] // MOST_PLACES)
    if thinned > 1:
        where += f" AND id % {thinned} = 0"
    places, moods = [np.empty((0, 3))], [np.empty(0, np.intp)]
    seeds = "seeds::text" if connection.vendor == "postgresql" else "seeds"
    query = f"SELECT id, valence, arousal, dominance, {seeds} FROM {table} WHERE {where}"
    for block in read_blocks(query, numbers=3, texts=1):
        places.append(block.numbers)
        moods.append(np.array([*map(_mood_of_text, block.texts[0])], np.intp))
    return np.concatenate(places), np.concatenate(moods)


@lru_cache(maxsize=4096)
def _mood_of_text(seeds: str) -> int:
    """Return the emotion that moods name; they are JSON, or plain words as a list in Python."""
    return mood_of(json.loads(seeds.replace("'", '"') if seeds.startswith("['") else seeds))
