"""Celery tasks of accounts: copies of everything, and what is forgotten by the clock."""

from celery import shared_task

from emotune.retention import LIMIT_S


@shared_task(name="accounts.make_export")
def make_export(job_id: str) -> None:
    from accounts.archive import make_export

    make_export(job_id)


@shared_task(name="accounts.forget_old", acks_late=False, soft_time_limit=LIMIT_S, time_limit=LIMIT_S + 60)
def forget_old() -> None:
    from accounts.retention import forget_old

    forget_old()
