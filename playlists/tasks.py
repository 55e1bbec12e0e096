"""Celery tasks of playlists: the id of a job in, nothing out."""

from celery import shared_task


@shared_task(name="playlists.import_history")
def import_history(job_id: str) -> None:
    from playlists.import_work import import_history

    import_history(job_id)
