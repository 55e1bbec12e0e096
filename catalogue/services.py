"""What is done to the catalogue as a whole: importing tracks, clustering them, and putting a clustering in force."""

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.core.files import File
from django.db import IntegrityError, transaction

from catalogue.importing import ImportResult, import_tracks
from catalogue.logbook import note_addition, note_change
from catalogue.methods import DEFAULT_METHOD, METHODS
from catalogue.models import Clustering, ClusteringRun, Import
from catalogue.muse import Progress
from catalogue.previews import preview_of
from catalogue.staging import bulk_write
from catalogue.tagging import activate_clustering, active_clustering, fit_catalogue, keep, regions
from catalogue.tasks import import_file, run_clustering
from emotune import jobs
from emotune.errors import InvalidInput

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import User

__all__ = [
    "ImportResult", "activate_clustering", "active_clustering", "cluster_catalogue", "import_tracks", "preview_of",
    "regions", "submit_activation", "submit_clustering", "submit_import",
]  # fmt: skip

LONGEST_NAME = 200


def cluster_catalogue(
    *, method: str = DEFAULT_METHOD, activate: bool = False, progress: Progress | None = None
) -> Clustering:
    """Cluster the playable tracks, the demonstration's aside, and keep the outcome as a preview or put it in force."""
    fit, seconds = fit_catalogue(method)
    with bulk_write():
        clustering = keep(method, fit, seconds)
        if activate:
            activate_clustering(clustering=clustering, progress=progress)
    return clustering


def submit_import(*, user: "User | None", file: "File[bytes]", job_id: UUID | None = None) -> Import:
    """Keep a file of MuSe until a worker has imported it; return the job.

    The same `job_id` again, as when a form is sent twice, gives the same job. Raises InvalidInput for an empty file.
    """
    if not file.size:
        raise InvalidInput("The file is empty.")
    job = Import(pk=job_id or uuid4(), name=(file.name or "file")[-LONGEST_NAME:], created_by=user)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        return Import.objects.get(pk=job.pk, created_by=user)
    try:
        job.file.save(str(job.pk), file)
    except OSError:  # there is no room
        job.delete()
        raise
    note_addition(user, job, "Uploaded.")
    jobs.submit(job, import_file)
    return job


def submit_clustering(*, user: "User | None", method: str, job_id: UUID | None = None) -> ClusteringRun:
    """Let a worker cluster the catalogue; the outcome is a preview. Raises InvalidInput for an unknown method."""
    if method not in METHODS:
        raise InvalidInput(f"There is no method {method!r} of clustering. Choose one of: {', '.join(METHODS)}.")
    run = ClusteringRun(pk=job_id or uuid4(), method=method, created_by=user)
    return _submit_run(run, ClusteringRun.objects.filter(pk=run.pk, created_by=user))


def submit_activation(*, user: "User | None", clustering: Clustering) -> ClusteringRun:
    """Let a worker put a clustering in force; one that is already being put in force is not sent twice."""
    activations = ClusteringRun.objects.filter(clustering=clustering, activates=True)
    if run := activations.filter(state__in=jobs.OPEN).first():
        return jobs.refresh(run)
    run = ClusteringRun(method=clustering.method, activates=True, clustering=clustering, created_by=user)
    return _submit_run(run, activations)  # of two at once the second finds the first one's, which may be over by now


def _submit_run(run: ClusteringRun, same: "QuerySet[ClusteringRun]") -> ClusteringRun:
    """Send a run to the workers; where the database has it already, return the latest of `same`."""
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        if there := same.first():
            return there
        raise
    jobs.submit(run, run_clustering)
    return run


def cancel_job(*, user: "User", job: Import | ClusteringRun) -> None:
    """Ask for the end of an import or a run, and write down who did. Raises Unavailable as `jobs` does."""
    if not job.is_over:
        note_change(user, job, "Asked to stop.")
    jobs.request_cancel(job)
