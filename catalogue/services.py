"""What is done to the catalogue as a whole: importing tracks, clustering them, and putting a clustering in force."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from catalogue.clustering import Fit, TooFewPoints, assign
from catalogue.measures import Floats, Indices
from catalogue.methods import DEFAULT_METHOD, METHODS
from catalogue.models import Clustering, Track
from catalogue.moods import mood_of
from catalogue.muse import MuseTrack, Progress, Reject, read_muse
from catalogue.staging import bulk_write, merge_tags, merge_tracks, stage_tags, stage_tracks
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput

BATCH = 5000
# A result is small whatever was in the file; `on_reject` is told of every reject.
KEPT_REJECTS = 1000
# With fewer playable tracks a clustering is made only when asked for: seven clusters of them would mean little.
ENOUGH_TO_CLUSTER = 100

Item = TypeVar("Item")


@dataclass(frozen=True)
class ImportResult:
    """What an import did. `rejects` are the first of `rejected`; `seconds` count the clustering of a first import."""

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    rejects: tuple[Reject, ...]
    seconds: float


def active_clustering() -> Clustering | None:
    return Clustering.objects.filter(state=Clustering.State.ACTIVE).first()


def import_tracks(
    *, path: Path, progress: Progress | None = None, on_reject: Callable[[Reject], None] | None = None
) -> ImportResult:
    """Bring the tracks of a MuSe file into the catalogue, tagged by the active clustering.

    Whatever goes wrong, and whatever `progress` raises, leaves the catalogue as it was. Without an active clustering,
    one is made and activated as soon as there are enough tracks. Raises UnreadableFile.
    """
    begin = time.perf_counter()
    taken = rejected = 0
    rejects: list[Reject] = []
    active = active_clustering()
    with stage_tracks() as stage:
        for batch in _batches(read_muse(path, progress)):
            tracks = [row for row in batch if isinstance(row, MuseTrack)]
            stage.add(_staged_rows(tracks, active))
            taken += len(tracks)
            for reject in (row for row in batch if isinstance(row, Reject)):
                rejected += 1
                if len(rejects) < KEPT_REJECTS:
                    rejects.append(reject)
                if on_reject:
                    on_reject(reject)
        stage.complete()
        with bulk_write():
            created, updated = merge_tracks(stage)
            # Another clustering may have been activated while the file was read.
            if (present := active_clustering()) and present != active:
                _tag_tracks(present)
    if not active_clustering():
        _cluster_first()
    return ImportResult(
        rows=taken + rejected,
        created=created,
        updated=updated,
        unchanged=taken - created - updated,
        rejected=rejected,
        rejects=tuple(rejects),
        seconds=time.perf_counter() - begin,
    )


def cluster_catalogue(
    *, method: str = DEFAULT_METHOD, activate: bool = False, progress: Progress | None = None
) -> Clustering:
    """Cluster the playable tracks, the demonstration's aside, and keep the outcome as a preview or put it in force."""
    begin = time.perf_counter()
    if method not in METHODS:
        raise InvalidInput(f"There is no method {method!r} of clustering. Choose one of: {', '.join(METHODS)}.")
    fit = METHODS[method](*_points(_clustered().filter(~Q(spotify_id="") | ~Q(audio=""))))
    with bulk_write():
        clustering = Clustering.objects.create(
            method=method,
            parameters=_parameters(fit),
            centroids=dict(zip(EMOTIONS, fit.centroids.tolist(), strict=True)),
            quality=_quality(fit) | {"seconds": round(time.perf_counter() - begin, 3)},
        )
        if activate:
            activate_clustering(clustering=clustering, progress=progress)
    return clustering


def activate_clustering(*, clustering: Clustering, progress: Progress | None = None) -> None:
    """Put a clustering in force: every track gets its tag and distance at once, and the former one is retired."""
    with bulk_write():
        active = Clustering.objects.filter(state=Clustering.State.ACTIVE)
        active.exclude(pk=clustering.pk).update(state=Clustering.State.RETIRED)
        chosen = Clustering.objects.filter(pk=clustering.pk)
        if not chosen.update(state=Clustering.State.ACTIVE, activated_at=timezone.now()):
            raise InvalidInput("This clustering has been deleted. Choose another one.")
        clustering.refresh_from_db()
        _tag_tracks(clustering, progress)


def _cluster_first() -> None:
    if _clustered().count() < ENOUGH_TO_CLUSTER:
        return
    try:
        cluster_catalogue(activate=True)
    except TooFewPoints:
        return


def _tag_tracks(clustering: Clustering, progress: Progress | None = None) -> None:
    found = regions(clustering)
    tracks = _clustered().order_by("id").values_list("id", "valence", "arousal", "dominance")
    total = tracks.count()
    done = 0
    with stage_tags() as stage:
        for batch in _batches(tracks.iterator(chunk_size=BATCH)):
            labels, distances = assign(np.array([row[1:] for row in batch]), *found)
            names = [EMOTIONS[label] for label in labels]
            stage.add(list(zip([row[0] for row in batch], names, distances.tolist(), strict=True)))
            done += len(batch)
            if progress:
                progress(done, done / total)
        stage.complete()
        merge_tags(stage)


def _staged_rows(tracks: Sequence[MuseTrack], active: Clustering | None) -> list[tuple[object, ...]]:
    tags: list[tuple[str, float | None]] = [("", None)] * len(tracks)
    if active and tracks:
        points = np.array([(track.valence, track.arousal, track.dominance) for track in tracks])
        labels, distances = assign(points, *regions(active))
        tags = [(EMOTIONS[label], distance) for label, distance in zip(labels, distances.tolist(), strict=True)]
    return [
        (
            track.line, track.key, track.title, track.artist, track.genre, json.dumps(track.seeds), track.valence,
            track.arousal, track.dominance, track.lastfm_url, track.mbid, track.spotify_id, track.tag_count, *tag,
        )
        for track, tag in zip(tracks, tags, strict=True)
    ]  # fmt: skip


def _clustered() -> QuerySet[Track]:
    """The tracks whose tags come from a clustering; the demonstration's say what they were made for."""
    return Track.objects.exclude(origin=Track.Origin.DEMO)


def _points(tracks: QuerySet[Track]) -> tuple[Floats, Indices]:
    """Return places (n, 3) and the emotions that moods name (n,), -1 where they name none."""
    rows = tracks.order_by("id").values_list("valence", "arousal", "dominance", Cast("seeds", TextField()))
    named = ((valence, arousal, dominance, _mood(seeds)) for valence, arousal, dominance, seeds in rows.iterator(BATCH))
    found = np.fromiter(named, dtype=np.dtype((np.float64, 4)))
    return np.ascontiguousarray(found[:, :3]), found[:, 3].astype(np.intp)


@lru_cache(maxsize=4096)
def _mood(seeds: str) -> int:
    return mood_of(json.loads(seeds))


def regions(clustering: Clustering) -> tuple[Floats, Floats | None]:
    """Return centroids (7, 3) and whitening (3, 3), all that assigning a track needs."""
    whitening = clustering.parameters.get("whitening")
    centroids = np.array([clustering.centroids[emotion] for emotion in EMOTIONS])
    return centroids, None if whitening is None else np.array(whitening)


def _parameters(fit: Fit) -> dict[str, object]:
    return fit.parameters if fit.whitening is None else fit.parameters | {"whitening": fit.whitening.tolist()}


def _quality(fit: Fit) -> dict[str, object]:
    return {
        "silhouette": fit.silhouette,
        "sizes": dict(zip(EMOTIONS, fit.sizes.tolist(), strict=True)),
        "drift": dict(zip(EMOTIONS, fit.drift.tolist(), strict=True)),
    }


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
