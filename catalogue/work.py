"""What a worker does for an Import and for a ClusteringRun."""

import io
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
from emotune.jobs import Run, running

GONE = "The uploaded file is not there any more. Please upload it again."


def import_file(job_id: str) -> None:
    job = Import.objects.filter(pk=job_id).first()
    with running(job) as run:
        if job and run:
            _import(job, run)


def _import(job: Import, run: Run) -> None:
    def progress(rows: int, share: float) -> None:
        if share < 1:
            run.step(rows, round(rows / share) if share else None, "reading rows")
        else:
            run.step(rows, rows, "writing the catalogue")

    if not job.file or not job.file.storage.exists(job.file.name or ""):
        raise InvalidInput(GONE)
    with tempfile.TemporaryFile() as rejects, io.TextIOWrapper(rejects, encoding="utf-8", newline="") as text:
        result = import_tracks(path=Path(job.file.path), progress=progress, on_reject=RejectsWriter(text))
        text.flush()
        _keep_result(job, result, File(rejects))


def _keep_result(job: Import, result: ImportResult, rejects: "File[bytes]") -> None:
    for name in ("rows", "created", "updated", "unchanged", "rejected"):
        setattr(job, name, getattr(result, name))
    if result.rejected:
        job.rejects.save(f"{job.pk}-rejects.csv", rejects, save=False)
    job.save(update_fields=["rows", "created", "updated", "unchanged", "rejected", "rejects"])


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
    run.check()
    with transaction.atomic():
        job.clustering = keep(job.method, fit, seconds, job.created_by)
        job.save(update_fields=["clustering"])
        note_addition(job.created_by, job.clustering, "Made as a preview.")
    run.step(0, None, "comparing it with the tags in force")
    preview_of(clustering=job.clustering)  # kept, so that the page need not wait for it


def _activate(job: ClusteringRun, run: Run) -> None:
    if not job.clustering:
        raise InvalidInput("This clustering has been deleted. Choose another one.")

    def progress(done: int, share: float) -> None:
        note = "tagging the tracks" if share < 1 else "writing the tags"
        run.step(done, round(done / share) if share else None, note)

    activate_clustering(clustering=job.clustering, user=job.created_by, progress=progress)
