"""What is thrown away by the clock."""

from celery import shared_task
from django.core.management import call_command


@shared_task(name="emotune.clear_sessions")
def clear_sessions() -> None:
    """Forget sessions that have ended."""
    call_command("clearsessions")


@shared_task(name="emotune.forget_submissions")
def forget_submissions() -> None:
    """Forget what requests with an Idempotency-Key made, of people who sent none since."""
    from emotune.api.idempotency import forget_old_submissions

    forget_old_submissions()
