"""The worker's side of a capture: take it, read the face, write the outcome, drop the pictures."""

import logging
from functools import cache
from pathlib import Path

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from detection import claims, images
from detection.models import Capture, Status
from detection.vision.pictures import UnreadablePicture, decode
from detection.vision.reader import FRAME_SIDE, Reader, Reading
from emotune.errors import Unavailable

logger = logging.getLogger(__name__)

TOO_SLOW = "Reading this picture took too long. Please try a smaller or simpler one."
WITHDRAWN = "You withdrew your consent before this picture was read, so it was dropped unread."
BROKEN = "Something went wrong on our side while reading. Nothing was kept; please try again."


@cache
def reader() -> Reader:
    """Return this process's reader; loaded once, and never before the worker forks."""
    return Reader.load(settings.MODEL_DIR)


def read_photograph(file: Path) -> Reading:
    """Read one picture from a file, for commands. Raises OSError and UnreadablePicture."""
    return reader().read([decode(file.read_bytes(), FRAME_SIDE)])


def read_capture(capture_id: str, *, redelivered: bool) -> None:
    """Read a capture once, however often its message arrives."""
    capture = claims.claim(capture_id, redelivered=redelivered)
    if capture is None:
        logger.info("capture %s is not to be read", capture_id)
        return
    status, outcome = _outcome(capture)
    claims.settle(capture, status, **outcome)
    _drop(capture)
    logger.info("capture %s: %s", capture_id, status)


def _outcome(capture: Capture) -> tuple[Status, dict[str, object]]:
    if not capture.user.allows_camera:
        return Status.EXPIRED, {"problem": WITHDRAWN}
    blobs = images.fetch(capture.id)
    if not blobs:
        return Status.EXPIRED, {"problem": claims.GONE}
    try:
        reading = reader().read([decode(blob, FRAME_SIDE) for blob in blobs])
    except UnreadablePicture as error:
        return Status.FAILED, {"problem": str(error)}
    except SoftTimeLimitExceeded:
        return Status.FAILED, {"problem": TOO_SLOW}
    except Exception:
        # Whatever a picture does to the libraries that read it, its sender hears of it at once.
        logger.exception("capture %s could not be read", capture.id)
        return Status.FAILED, {"problem": BROKEN}
    return Status(reading.status), _columns(reading)


def _columns(reading: Reading) -> dict[str, object]:
    return {
        "emotion": reading.emotion,
        "confidence": reading.confidence,
        "scores": reading.scores,
        "faces": reading.faces,
        "box": reading.box,
        "landmarks": reading.landmarks,
        "model_version": reading.model_version,
        "milliseconds": reading.milliseconds,
    }


def _drop(capture: Capture) -> None:
    try:
        images.drop(capture.id)
    except Unavailable:
        logger.warning("capture %s: its pictures will be gone by their time to live", capture.id)
