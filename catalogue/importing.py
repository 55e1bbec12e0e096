"""Bring a file of MuSe into the catalogue: staged row by row, then merged, or clustered first, in one transaction."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from pathlib import Path

import numpy as np

from catalogue.clustering import TooFewPoints, assign
from catalogue.measures import Floats
from catalogue.methods import DEFAULT_METHOD, METHODS
from catalogue.models import Clustering
from catalogue.moods import mood_of
from catalogue.muse import MuseTrack, Progress, Reject, read_muse
from catalogue.staging import Stage, bulk_write, insert_tagged, merge_tracks, stage_tags, stage_tracks
from catalogue.tagging import (
    MOST_PLACES,
    active_clustering,
    batches,
    clustered_tracks,
    fit_catalogue,
    keep,
    put_in_force,
    regions,
    tag_tracks,
)
from emotune.emotions import EMOTIONS

# A result is small whatever was in the file; `on_reject` is told of every reject.
KEPT_REJECTS = 1000
# With fewer playable tracks a clustering is made only when asked for: seven clusters of them would mean little.
ENOUGH_TO_CLUSTER = 100


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


def import_tracks(
    *, path: Path, progress: Progress | None = None, on_reject: Callable[[Reject], None] | None = None
) -> ImportResult:
    """Bring the tracks of a MuSe file into the catalogue, tagged by the active clustering.

    Whatever goes wrong, and whatever `progress` raises, leaves the catalogue as it was; it is told of the end of the
    file, and again before what was written is made final. Without an active clustering, one is made and activated as
    soon as there are enough tracks. Raises UnreadableFile.
    """
    begin = time.perf_counter()
    taken = rejected = 0
    rejects: list[Reject] = []
    active = active_clustering()
    places: list[Floats] = []
    with stage_tracks() as stage:
        with stage.filling() as add:
            for batch in batches(read_muse(path, progress)):
                tracks = [row for row in batch if isinstance(row, MuseTrack)]
                add(_staged_rows(tracks, active))
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
            created, updated = _merge(stage, places, taken, active)
            if progress:
                progress(taken + rejected, 1.0)
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


def _merge(stage: Stage, places: Sequence[Floats], taken: int, active: Clustering | None) -> tuple[int, int]:
    """Bring what is staged into the catalogue; return how many tracks were created and how many updated."""
    present = active_clustering()
    if not present and taken <= MOST_PLACES and not clustered_tracks().exists() and _insert_clustered(stage, places):
        return taken, 0
    created, updated = merge_tracks(stage)
    # Another clustering may have been activated while the file was read.
    if present and present != active:
        tag_tracks(present)
    return created, updated


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
    clustering = keep(DEFAULT_METHOD, fit, time.perf_counter() - begin)
    labels, distances = assign(found[:, 1:4], *regions(clustering))
    with stage_tags() as tags:
        tags.add_tags(found[:, 0].astype(np.intp), labels, distances)
        tags.complete()
        insert_tagged(stage, tags)
    put_in_force(clustering)
    return True


def _places(tracks: Sequence[MuseTrack]) -> Floats:
    """Return (n, 6): line, valence, arousal, dominance, the emotion that the moods name, and 1 for playable."""
    rows = [(track.line, *track[4:7], _mood(track.seeds), bool(track.spotify_id)) for track in tracks]
    return np.array(rows, dtype=np.float64).reshape(-1, 6)


def _cluster_first() -> None:
    if clustered_tracks().count() < ENOUGH_TO_CLUSTER:
        return
    try:
        fit, seconds = fit_catalogue(DEFAULT_METHOD)
    except TooFewPoints:
        return
    with bulk_write():
        clustering = keep(DEFAULT_METHOD, fit, seconds)
        put_in_force(clustering)
        tag_tracks(clustering)


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


@lru_cache(maxsize=4096)
def _mood(seeds: tuple[str, ...]) -> int:
    return mood_of(seeds)
