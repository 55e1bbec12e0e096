"""Celery tasks of detection: an id in, nothing out."""

import logging
from typing import Any

from celery import Task, current_app, shared_task
from celery.signals import worker_process_init

logger = logging.getLogger(__name__)


@worker_process_init.connect
def warm_up(**_: Any) -> None:
    """Load the reader in each worker process after the fork, so that the first capture does not wait for it.

    A worker that takes long jobs alone reads no face, and stays light.
    """
    if current_app.conf.task_default_queue not in current_app.amqp.queues.consume_from:
        return
    from detection.reading import reader

    reader()
    logger.info("the reader is warm")  # the launcher waits for these words


@shared_task(name="detection.read_capture", bind=True)
def read_capture(self: Task, capture_id: str) -> None:  # type: ignore[type-arg]
    # Imported by the worker alone: the reader brings TensorFlow.
    from detection.reading import read_capture as read

    read(capture_id, redelivered=bool((self.request.delivery_info or {}).get("redelivered")))
