"""Clusterings and the catalogue's tracks: the points to fit, the row that keeps a fit, the tags that it gives."""

import json
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Mod
from django.utils import timezone

from catalogue.clustering import Fit, assign
from catalogue.logbook import note_change
from catalogue.measures import Floats, Indices
from catalogue.methods import METHODS
from catalogue.models import Clustering, Track
from catalogue.moods import mood_of
from catalogue.muse import Progress
from catalogue.staging import bulk_write, merge_tags, stage_tags
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput

if TYPE_CHECKING:
    from accounts.models import User

BATCH = 5000
# Of so many tracks at most the places are held in memory, and a clustering is fitted to at most so many of them.
MOST_PLACES = 200_000

Item = TypeVar("Item")


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
    fit = METHODS[method](*_points(clustered_tracks().filter(~Q(spotify_id="") | ~Q(audio=""))))
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
    if not chosen.update(state=Clustering.State.ACTIVE, activated_at=timezone.now(), activated_by=user):
        raise InvalidInput("This clustering has been deleted. Choose another one.")
    clustering.refresh_from_db()


def regions(clustering: Clustering) -> tuple[Floats, Floats | None]:
    """Return centroids (7, 3) and whitening (3, 3), all that assigning a track needs."""
    whitening = clustering.parameters.get("whitening")
    centroids = np.array([clustering.centroids[emotion] for emotion in EMOTIONS])
    return centroids, None if whitening is None else np.array(whitening)


def tag_tracks(clustering: Clustering, progress: Progress | None = None) -> None:
    found = regions(clustering)
    tracks = clustered_tracks().order_by("id").values_list("id", "valence", "arousal", "dominance")
    total = tracks.count()
    done = 0
    with stage_tags() as stage:
        for batch in batches(tracks.iterator(chunk_size=BATCH)):
            rows = np.array(batch)
            stage.add_tags(rows[:, 0].astype(np.intp), *assign(rows[:, 1:], *found))
            done += len(batch)
            if progress:
                progress(done, done / total)
        stage.complete()
        merge_tags(stage)


def _points(tracks: QuerySet[Track]) -> tuple[Floats, Indices]:
    """Return places (n, 3) and the emotions that moods name (n,), -1 where they name none."""
    if (thinned := -(-tracks.count() // MOST_PLACES)) > 1:
        tracks = tracks.annotate(turn=Mod("id", thinned)).filter(turn=0)
    rows = tracks.order_by("id").values_list("valence", "arousal", "dominance", Cast("seeds", TextField()))
    named = (
        (valence, arousal, dominance, _mood_of_json(seeds))
        for valence, arousal, dominance, seeds in rows.iterator(BATCH)
    )
    found = np.fromiter(named, dtype=np.dtype((np.float64, 4)))
    return np.ascontiguousarray(found[:, :3]), found[:, 3].astype(np.intp)


@lru_cache(maxsize=4096)
def _mood_of_json(seeds: str) -> int:
    return mood_of(json.loads(seeds))


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
