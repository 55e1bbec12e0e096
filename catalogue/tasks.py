"""Celery tasks of the catalogue: the id of a job in, nothing out."""

from celery import shared_task


@shared_task(name="catalogue.import_file")
def import_file(job_id: str) -> None:
    from catalogue.work import import_file

    import_file(job_id)


@shared_task(name="catalogue.run_clustering")
def run_clustering(job_id: str) -> None:
    from catalogue.work import run_clustering

    run_clustering(job_id)
