"""Bring a file of MuSe into the catalogue: staged row by row, then merged, or clustered first, in one transaction."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from catalogue.clustering import TooFewPoints
from catalogue.methods import DEFAULT_METHOD, METHODS
from catalogue.models import Clustering
from catalogue.muse import Progress, Reject, read_lines
from catalogue.records import UnreadableFile
from catalogue.staging import (
    TrackStage,
    bulk_write,
    count_changes,
    indexed_afterwards,
    merge_tracks,
    places_to_tag,
    stage_tags,
    stage_tracks,
)
from catalogue.tagging import (
    active_clustering,
    clustered_tracks,
    fit_catalogue,
    keep,
    points_of,
    put_in_force,
    tag_tracks,
    tags_of,
)

logger = logging.getLogger(__name__)

# A result is small whatever was in the file; `on_reject` is told of every reject.
KEPT_REJECTS = 1000
# A file with more of them than this, and than rows that are taken, is given up: all its rejects might fill the disk.
MOST_REJECTS = 100_000
# With fewer playable tracks a clustering is made only when asked for: seven clusters of them would mean little.
ENOUGH_TO_CLUSTER = 100
UNCLUSTERED = (
    "The tracks are in the catalogue, but clustering them went wrong, so they have no emotion yet. Cluster them, and"
    " put the clustering in force; the log says what went wrong."
)


@dataclass(frozen=True)
class ImportResult:
    """What an import did. `rejects` are the first of `rejected`; `seconds` count the clustering of a first import.

    `problem` says what went wrong once the tracks were in the catalogue, in a sentence for people.
    """

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    rejects: tuple[Reject, ...]
    seconds: float
    problem: str = ""


def import_tracks(
    *, path: Path, progress: Progress | None = None, on_reject: Callable[[Reject], None] | None = None
) -> ImportResult:
    """Bring the tracks of a MuSe file into the catalogue, tagged by the active clustering.

    Whatever goes wrong, and whatever `progress` raises, leaves the catalogue as it was; it is told of the end of the
    file, and again before what was written is made final. Without an active clustering, one is made and activated as
    soon as there are enough tracks; where those came in before, what goes wrong then is told in the result. Raises
    UnreadableFile.
    """
    begin = time.perf_counter()
    taken = rejected = 0
    rejects: list[Reject] = []
    with stage_tracks() as stage:
        with stage.filling() as add:
            for lines in read_lines(path, progress):
                if lines.taken:
                    add(lines.taken)
                taken += len(lines.taken)
                rejected += len(lines.rejects)
                rejects += lines.rejects[: KEPT_REJECTS - len(rejects)]
                if rejected > max(MOST_REJECTS, taken):
                    raise UnreadableFile(_hopeless(taken, rejects[0]))
                for reject in lines.rejects:
                    if on_reject:
                        on_reject(reject)
        with bulk_write():
            created, updated = _merge(stage, taken)
            if progress:
                progress(taken + rejected, 1.0)
    problem = _cluster_first()
    return ImportResult(
        rows=taken + rejected,
        created=created,
        updated=updated,
        unchanged=taken - created - updated,
        rejected=rejected,
        rejects=tuple(rejects),
        seconds=time.perf_counter() - begin,
        problem=problem,
    )


def _hopeless(taken: int, first: Reject) -> str:
    return (
        f"More than {MOST_REJECTS:,} rows are amiss, and {taken:,} are not: this is no MuSe file, or a damaged one."
        f" The first is line {first.line}: {first.reason}"
    )


def _merge(stage: TrackStage, taken: int) -> tuple[int, int]:
    """Bring what is staged into the catalogue; return how many tracks were created and how many updated."""
    if not clustered_tracks().exists():
        with indexed_afterwards():
            _write(stage, active_clustering() or _cluster_staged(stage, taken), update=False, insert=bool(taken))
        return taken, 0
    created, updated = count_changes(stage)
    if created or updated:
        _write(stage, active_clustering(), update=bool(updated), insert=bool(created))
    return created, updated


def _write(stage: TrackStage, clustering: Clustering | None, *, update: bool, insert: bool) -> None:
    with stage_tags() as tags:
        if clustering:
            tags.add(tags_of(places_to_tag(stage), clustering))
        merge_tracks(stage, tags, update=update, insert=insert)


def _cluster_staged(stage: TrackStage, taken: int) -> Clustering | None:
    """Cluster a first import before it comes in, so that every track is written once; None where that cannot be."""
    begin = time.perf_counter()
    if taken < ENOUGH_TO_CLUSTER:
        return None
    try:
        fit = METHODS[DEFAULT_METHOD](*points_of(stage.name, "spotify_id <> ''"))
    except TooFewPoints:
        return None
    clustering = keep(DEFAULT_METHOD, fit, time.perf_counter() - begin)
    put_in_force(clustering)
    return clustering


def _cluster_first() -> str:
    """Cluster the tracks where nothing is in force and they are enough; return what went wrong, else nothing.

    What was imported is final by now, so nothing is raised as if it were not.
    """
    try:
        if not active_clustering() and clustered_tracks().count() >= ENOUGH_TO_CLUSTER:
            fit, seconds = fit_catalogue(DEFAULT_METHOD)
            with bulk_write():
                clustering = keep(DEFAULT_METHOD, fit, seconds)
                put_in_force(clustering)
                tag_tracks(clustering)
    except TooFewPoints:
        return ""
    except Exception:
        logger.exception("the first clustering went wrong")
        return UNCLUSTERED
    return ""
