"""Celery tasks of accounts: copies of everything, and what is forgotten by the clock."""

from celery import shared_task


@shared_task(name="accounts.make_export")
def make_export(job_id: str) -> None:
    from accounts.archive import make_export

    make_export(job_id)


@shared_task(name="accounts.forget_old")
def forget_old() -> None:
    from accounts.retention import forget_old

    forget_old()
