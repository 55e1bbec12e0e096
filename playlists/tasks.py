"""Celery tasks of playlists: the id of a job in or nothing at all, and nothing out."""

from celery import shared_task

# Millions of acts take minutes, where other tasks have seconds.
FIT_LIMIT_S = 600


@shared_task(name="playlists.import_history")
def import_history(job_id: str) -> None:
    from playlists.import_work import import_history

    import_history(job_id)


# Acknowledged as it begins: after a minute the broker would send it to a second worker. What is cut off or lost is made
# up for six hours later.
@shared_task(name="playlists.fit_company", acks_late=False, soft_time_limit=FIT_LIMIT_S, time_limit=FIT_LIMIT_S + 60)
def fit_company() -> None:
    from playlists.company_work import fit_company as fit

    fit()
