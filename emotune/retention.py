"""What is thrown away by the clock."""

from celery import shared_task
from django.core.management import call_command


@shared_task(name="emotune.clear_sessions")
def clear_sessions() -> None:
    """Forget sessions that have ended."""
    call_command("clearsessions")
