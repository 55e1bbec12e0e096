"""Celery tasks of detection: an id in, nothing out; and a worker that says it is ready once it can read."""

import contextlib
import logging
from typing import Any
from uuid import UUID

import billiard
from celery import Task, shared_task
from celery.signals import worker_init, worker_process_init, worker_ready
from django.conf import settings
from kombu.exceptions import OperationalError

from emotune.workers import reads_faces, say_warm

logger = logging.getLogger(__name__)

# Set by the first process of a worker that has loaded its reader; made before the fork, so that they share it.
_warm: list[Any] = []


def send(capture_id: UUID) -> None:
    """Send the task that reads a capture. Raises OperationalError when the broker does not answer."""
    # without `expires`, which would compare two machines' clocks: what is over is not claimed any more
    read_capture.apply_async((str(capture_id),), retry=False)


@worker_init.connect
def expect_warmth(**_: Any) -> None:
    _warm.append(billiard.Event())


@worker_process_init.connect
def warm_up(**_: Any) -> None:
    """Load the reader in each worker process after the fork, so that the first capture does not wait for it."""
    if not reads_faces():
        return
    from detection.reading import reader

    reader()
    logger.info("the reader is warm")  # the launcher waits for these words
    say_warm()
    for event in _warm:
        event.set()


@worker_ready.connect
def wait_until_warm(**_: Any) -> None:
    """Hold back the worker's word that it is ready, and the first capture, until a process can read."""
    if _warm and reads_faces():
        _warm[0].wait(settings.CELERY_WORKER_PROC_ALIVE_TIMEOUT)


@shared_task(name="detection.read_capture", bind=True)
def read_capture(self: Task, capture_id: str) -> None:  # type: ignore[type-arg]
    # Imported by the worker alone: the reader brings ONNX Runtime.
    from detection.reading import read_capture as read

    for unread in read(capture_id, redelivered=bool((self.request.delivery_info or {}).get("redelivered"))):
        with contextlib.suppress(OperationalError):  # whoever looks at the capture sends again
            send(unread)
