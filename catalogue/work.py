"""What a worker does for an Import and for a ClusteringRun."""

import io
import logging
import tempfile
from pathlib import Path

from django.core.files import File
from django.db import transaction

from catalogue.importing import ImportResult, import_tracks
from catalogue.logbook import note_addition
from catalogue.models import ClusteringRun, Import
from catalogue.previews import preview_of
from catalogue.rejects import RejectsWriter
from catalogue.tagging import activate_clustering, fit_catalogue, keep
from emotune.errors import InvalidInput
from emotune.jobs import JobState, Run, running

logger = logging.getLogger(__name__)

GONE = "The uploaded file is not there any more. Please upload it again."
REJECTS_LOST = (
    "The tracks are in the catalogue, but the list of rows that were not taken could not be kept: there may be no room"
    " on the disk. Import the file again to get it."
)


def import_file(job_id: str) -> None:
    job = Import.objects.filter(pk=job_id).first()
    note = ""
    with running(job) as run:
        if job and run:
            note = _import(job, run)
    if note:  # a job ends without a word where nothing is raised
        Import.objects.filter(pk=job_id, state=JobState.DONE).update(error=note)


def _import(job: Import, run: Run) -> str:
    """Import the file; return what is amiss though the tracks are in the catalogue, in sentences for people."""

    def progress(rows: int, share: float) -> None:
        if share < 1:
            run.step(rows, round(rows / share) if share else None, "reading rows")
        else:
            run.step(rows, rows, "writing the catalogue")

    if not job.file or not job.file.storage.exists(job.file.name or ""):
        raise InvalidInput(GONE)
    result: ImportResult | None = None
    try:
        with tempfile.TemporaryFile() as rejects, io.TextIOWrapper(rejects, encoding="utf-8", newline="") as text:
            result = import_tracks(path=Path(job.file.path), progress=progress, on_reject=RejectsWriter(text))
            _keep_counts(job, result)
            if result.rejected:
                text.flush()
                job.rejects.save(f"{job.pk}-rejects.csv", File(rejects), save=False)
                job.save(update_fields=["rejects"])
    except Exception:
        if not result:
            raise
        logger.exception("the rejects of import %s are lost", job.pk)
        return f"{REJECTS_LOST if result.rejected else ''} {result.problem}".strip()
    return result.problem


def _keep_counts(job: Import, result: ImportResult) -> None:
    for name in Import.COUNTS:
        setattr(job, name, getattr(result, name))
    job.save(update_fields=Import.COUNTS)


def run_clustering(job_id: str) -> None:
    job = ClusteringRun.objects.filter(pk=job_id).first()
    with running(job) as run:
        if job and run:
            (_activate if job.activates else _cluster)(job, run)


def _cluster(job: ClusteringRun, run: Run) -> None:
    if job.clustering:
        return  # an earlier attempt came so far
    run.step(0, None, "reading and clustering the tracks")
    fit, seconds = fit_catalogue(job.method)
    run.step(0, None, "keeping it, and comparing it with the tags in force")  # the last moment to cancel it
    with transaction.atomic():
        job.clustering = keep(job.method, fit, seconds, job.created_by)
        job.save(update_fields=["clustering"])
        note_addition(job.created_by, job.clustering, "Made as a preview.")
    preview_of(clustering=job.clustering)  # kept, so that the page need not wait for it


def _activate(job: ClusteringRun, run: Run) -> None:
    if not job.clustering:
        raise InvalidInput("This clustering has been deleted. Choose another one.")

    def progress(done: int, share: float) -> None:
        note = "tagging the tracks" if share < 1 else "writing the tags"
        run.step(done, round(done / share) if share else None, note)

    activate_clustering(clustering=job.clustering, user=job.created_by, progress=progress)
