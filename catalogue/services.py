"""What is done to the catalogue as a whole: importing tracks, clustering them, and putting a clustering in force."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, repeat
from pathlib import Path
from typing import TypeVar

import numpy as np
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Mod
from django.utils import timezone

from catalogue.clustering import Fit, TooFewPoints, assign
from catalogue.measures import Floats, Indices
from catalogue.methods import DEFAULT_METHOD, METHODS
from catalogue.models import Clustering, Track
from catalogue.moods import mood_of
from catalogue.muse import MuseTrack, Progress, Reject, read_muse
from catalogue.staging import Stage, bulk_write, insert_tagged, merge_tags, merge_tracks, stage_tags, stage_tracks
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput

BATCH = 5000
# A result is small whatever was in the file; `on_reject` is told of every reject.
KEPT_REJECTS = 1000
# Of so many tracks at most the places are held in memory, and a clustering is fitted to at most so many of them.
MOST_PLACES = 200_000
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
    places: list[Floats] = []
    with stage_tracks() as stage:
        for batch in _batches(read_muse(path, progress)):
            tracks = [row for row in batch if isinstance(row, MuseTrack)]
            stage.add(_staged_rows(tracks, active))
            taken += len(tracks)
            if not active and taken <= MOST_PLACES:
                places.append(_places(tracks))
            for reject in (row for row in batch if isinstance(row, Reject)):
                rejected += 1
                if len(rejects) < KEPT_REJECTS:
                    rejects.append(reject)
                if on_reject:
                    on_reject(reject)
        stage.complete()
        with bulk_write():
            present = active_clustering()
            if present or taken > MOST_PLACES or _clustered().exists() or not _insert_clustered(stage, places):
                created, updated = merge_tracks(stage)
            else:
                created, updated = taken, 0
            # Another clustering may have been activated while the file was read.
            if present and present != active:
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
        clustering = _keep(method, fit, begin)
        if activate:
            activate_clustering(clustering=clustering, progress=progress)
    return clustering


def activate_clustering(*, clustering: Clustering, progress: Progress | None = None) -> None:
    """Put a clustering in force: every track gets its tag and distance at once, and the former one is retired."""
    with bulk_write():
        _put_in_force(clustering)
        _tag_tracks(clustering, progress)


def _put_in_force(clustering: Clustering) -> None:
    active = Clustering.objects.filter(state=Clustering.State.ACTIVE)
    active.exclude(pk=clustering.pk).update(state=Clustering.State.RETIRED)
    chosen = Clustering.objects.filter(pk=clustering.pk)
    if not chosen.update(state=Clustering.State.ACTIVE, activated_at=timezone.now()):
        raise InvalidInput("This clustering has been deleted. Choose another one.")
    clustering.refresh_from_db()


def _keep(method: str, fit: Fit, begin: float) -> Clustering:
    return Clustering.objects.create(
        method=method,
        parameters=_parameters(fit),
        centroids=dict(zip(EMOTIONS, fit.centroids.tolist(), strict=True)),
        quality=_quality(fit) | {"seconds": round(time.perf_counter() - begin, 3)},
    )


def _insert_clustered(stage: Stage, places: Sequence[Floats]) -> bool:
    """Cluster a first import before it comes in, so that every track is written once; say whether it could be done."""
    begin = time.perf_counter()
    found = np.concatenate(places) if places else np.empty((0, 6))
    playable = found[found[:, 5] == 1]
    if len(found) < ENOUGH_TO_CLUSTER:
        return False
    try:
        fit = METHODS[DEFAULT_METHOD](np.ascontiguousarray(playable[:, 1:4]), playable[:, 4].astype(np.intp))
    except TooFewPoints:
        return False
    clustering = _keep(DEFAULT_METHOD, fit, begin)
    labels, distances = assign(found[:, 1:4], *regions(clustering))
    with stage_tags() as tags:
        lines = found[:, 0].astype(int).tolist()
        rows = zip(lines, [EMOTIONS[label] for label in labels], distances.tolist(), strict=True)
        for batch in _batches(rows):
            tags.add(batch)
        tags.complete()
        insert_tagged(stage, tags)
    _put_in_force(clustering)
    return True


def _places(tracks: Sequence[MuseTrack]) -> Floats:
    """Return (n, 6): line, valence, arousal, dominance, the emotion that the moods name, and 1 for playable."""
    rows = [(track.line, *track[4:7], _mood(track.seeds), bool(track.spotify_id)) for track in tracks]
    return np.array(rows, dtype=np.float64).reshape(-1, 6)


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


def _staged_rows(tracks: Sequence[MuseTrack], active: Clustering | None) -> list[tuple[str | float | None, ...]]:
    tags: Iterable[tuple[str, float | None]] = repeat(("", None), len(tracks))
    if active and tracks:
        points = np.array([track[4:7] for track in tracks])
        labels, distances = assign(points, *regions(active))
        tags = [
            (EMOTIONS[label], distance) for label, distance in zip(labels.tolist(), distances.tolist(), strict=True)
        ]
    return [(*track[:8], _json(track.seeds), *track[9:], *tag) for track, tag in zip(tracks, tags, strict=True)]


@lru_cache(maxsize=4096)
def _json(words: tuple[str, ...]) -> str:
    return json.dumps(words)


def _clustered() -> QuerySet[Track]:
    """The tracks whose tags come from a clustering; the demonstration's say what they were made for."""
    return Track.objects.exclude(origin=Track.Origin.DEMO)


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
def _mood(seeds: tuple[str, ...]) -> int:
    return mood_of(seeds)


@lru_cache(maxsize=4096)
def _mood_of_json(seeds: str) -> int:
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
