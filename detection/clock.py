"""What is done for captures by the clock."""

from celery import shared_task

from detection import services


@shared_task(name="detection.refresh_unwatched")
def refresh_unwatched() -> None:
    """Send again, or end, what is late though nobody looks at it."""
    services.refresh_unwatched()
