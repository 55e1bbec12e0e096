"""The worker's side of captures: take them, read the faces, write the outcomes, drop the pictures."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction

from detection import claims, images
from detection.holding import Hold
from detection.models import OPEN, Capture, Status
from detection.vision.card import ModelFileError
from detection.vision.pictures import UnreadablePicture, decode, inspect
from detection.vision.reader import FRAME_SIDE, Frame, Look, Reader, Reading
from emotune.errors import Unavailable

logger = logging.getLogger(__name__)

# When captures read together have taken so long, those not yet looked at are left to other workers.
BATCH_BUDGET_S = 2.0

TOO_SLOW = "Reading this picture took too long. Please try a smaller or simpler one."
WITHDRAWN = "You withdrew your consent before this picture was read, so it was dropped unread."
BROKEN = "Something went wrong on our side while reading. Nothing was kept; please try again."
UNINSTALLED = "The reader is not installed completely, so nothing was read. Nothing was kept; please try again later."
SEALED = "This picture cannot be opened on our side until something there is put right. Nothing was kept."


@cache
def reader() -> Reader:
    """Return this process's reader; loaded once, and never before the worker forks."""
    return Reader.load(settings.MODEL_DIR)


def read_photograph(file: Path) -> Reading:
    """Read one picture from a file, for commands. Raises OSError and UnreadablePicture."""
    return reader().read([decode(file.read_bytes(), FRAME_SIDE)])


def read_capture(capture_id: str, *, redelivered: bool) -> list[UUID]:
    """Read a capture, and some that wait behind it, once each, however often their messages arrive.

    Returns the captures that were given back unread: a message must be sent for each of them.
    """
    with Hold() as hold:
        if redelivered:
            hold.take_from_the_dead(UUID(capture_id))
        elif not hold.take([UUID(capture_id)]):
            logger.debug("capture %s is being read", capture_id)
            return []
        return _read_held(capture_id, hold, redelivered=redelivered)


def _read_held(capture_id: str, hold: Hold, *, redelivered: bool) -> list[UUID]:
    orphans = claims.give_back_orphans(capture_id) if redelivered else []
    if redelivered and claims.give_up(capture_id):
        logger.warning("capture %s ended its worker %d times and is given up", capture_id, claims.MAX_ATTEMPTS)
        _drop(UUID(capture_id))
        return orphans
    capture = claims.claim(capture_id, redelivered=redelivered)
    if capture is None:
        logger.debug("capture %s is not to be read", capture_id)
        if not Capture.objects.filter(id=capture_id, status__in=OPEN).exists():
            _drop(UUID(capture_id))  # whoever ended it may have died before, or Redis did not answer
        return orphans
    batch = _Batch(capture, hold)
    try:
        batch.read()
    except SoftTimeLimitExceeded:
        batch.cut_short()
    return [*orphans, *batch.given_back]


class _Batch:
    """Captures that one message brought to this worker: each is looked at, then all faces are classified at once."""

    def __init__(self, leader: Capture, hold: Hold) -> None:
        self.leader, self.hold = leader, hold
        self.taken = {leader.id: leader}
        self.open = dict(self.taken)
        self.seen: list[tuple[Capture, Look, list[float]]] = []
        self.current: Capture | None = leader
        self.ended: list[UUID] = []
        self.given_back: list[UUID] = []

    def read(self) -> None:
        self._take_others()
        start = time.monotonic()
        for capture in list(self.open.values()):
            if time.monotonic() - start > BATCH_BUDGET_S and capture is not self.leader:
                break
            self.current = capture
            try:
                self._look(capture)
            except Unavailable:
                logger.warning("the store does not give the pictures of capture %s, which waits again", capture.id)
                break
        self.current = None
        if self.seen:
            self._judge()
        self._give_back_open()
        _drop(*self.ended)

    def cut_short(self) -> None:
        """End the capture at hand, over which the time ran out; the others wait for another turn."""
        self._ask_what_was_kept()
        self.current = self.current or (next(iter(self.open.values())) if len(self.open) == 1 else None)
        if self.current and self.current.id in self.open:
            self._end_unread(self.current, Status.FAILED, TOO_SLOW)
        self._give_back_open()
        _drop(*self.ended)

    def _ask_what_was_kept(self) -> None:
        """Learn from the database which captures are over: outcomes whose transaction was cut short are none."""
        waiting = set(Capture.objects.filter(id__in=self.taken, status__in=OPEN).values_list("id", flat=True))
        self.open = {capture_id: capture for capture_id, capture in self.taken.items() if capture_id in waiting}
        self.ended = [capture_id for capture_id in self.taken if capture_id not in waiting]

    def _take_others(self) -> None:
        most = settings.CAPTURE_BATCH - 1
        if most < 1 or self.leader.attempts > 1:
            return
        self._take(most)
        if settings.CAPTURE_BATCH_WAIT and len(self.taken) <= most:
            time.sleep(settings.CAPTURE_BATCH_WAIT)
            self._take(most + 1 - len(self.taken))

    def _take(self, most: int) -> None:
        others = claims.claim_waiting(self.leader, most, self.hold)
        self.taken.update({capture.id: capture for capture in others})
        self.open.update(self.taken)

    def _look(self, capture: Capture) -> None:
        if not capture.user.allows_camera:
            self._end_unread(capture, Status.EXPIRED, WITHDRAWN)
            return
        try:
            blobs = images.fetch(capture.id)
        except images.Sealed:
            # a traceback would say no more
            logger.error("capture %s is sealed: SECRET_KEY differs from the web's", capture.id)  # noqa: TRY400
            self._end_unread(capture, Status.FAILED, SEALED)
            return
        if not blobs:
            self._end_unread(capture, Status.EXPIRED, claims.GONE)
            return
        try:
            begin = time.perf_counter()
            frames, scales = _decoded(blobs)
            decoding = 1000 * (time.perf_counter() - begin)
            look = reader().look(frames)
            self.seen.append((capture, replace(look, milliseconds=look.milliseconds + decoding), scales))
        except UnreadablePicture as error:
            self._end_unread(capture, Status.FAILED, str(error))
        except ModelFileError as error:
            logger.error("capture %s could not be read: %s", capture.id, error)  # noqa: TRY400
            self._end_unread(capture, Status.FAILED, UNINSTALLED)
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            # Whatever a picture does to the libraries that read it, its sender hears of it at once.
            logger.exception("capture %s could not be read", capture.id)
            self._end_unread(capture, Status.FAILED, BROKEN)

    def _judge(self) -> None:
        readings = reader().judge([look for _, look, _ in self.seen])
        with transaction.atomic():
            for (capture, look, scales), reading in zip(self.seen, readings, strict=True):
                self._end(capture, Status(reading.status), **_columns(reading.scaled(scales[look.frame])))

    def _end_unread(self, capture: Capture, status: Status, problem: str) -> None:
        """End a capture of which there is no reading, and drop its pictures at once: others of the batch take long."""
        self._end(capture, status, problem=problem)
        _drop(capture.id)

    def _end(self, capture: Capture, status: Status, **outcome: object) -> None:
        self.ended.append(capture.id)
        is_ours = claims.settle(capture, status, **outcome)
        self.open.pop(capture.id)
        logger.info("capture %s: %s" if is_ours else "capture %s: %s, but it was over before", capture.id, status)

    def _give_back_open(self) -> None:
        for capture in self.open.values():
            if claims.give_back(capture):
                self.given_back.append(capture.id)
        self.open.clear()


def _decoded(blobs: Sequence[bytes]) -> tuple[list[Frame], list[float]]:
    """Decode the frames of a burst, leaving out those that are damaged; raises UnreadablePicture when all are.

    With each frame goes how many times larger its picture is.
    """
    frames, scales, error = [], [], UnreadablePicture(claims.GONE)
    for blob in blobs:
        try:
            frame = decode(blob, FRAME_SIDE)
        except UnreadablePicture as damage:
            error = damage
        else:
            frames.append(frame)
            scales.append(max(inspect(blob)[1:]) / max(frame.shape[:2]))
    if not frames:
        raise error
    return frames, scales


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


def _drop(*capture_ids: UUID) -> None:
    try:
        images.drop(*capture_ids)
    except Unavailable:
        logger.warning("the pictures of %d captures will be gone by their time to live", len(capture_ids))
