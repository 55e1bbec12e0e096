"""Celery tasks of playlists: the id of a job in or nothing at all, and nothing out."""

from celery import shared_task


@shared_task(name="playlists.import_history")
def import_history(job_id: str) -> None:
    from playlists.import_work import import_history

    import_history(job_id)


@shared_task(name="playlists.fit_company")
def fit_company() -> None:
    from playlists.company_work import fit_company as fit

    fit()
