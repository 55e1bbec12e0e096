"""Loaded by emotune's processes before anything else: a picture may end or hold up the process that decodes it.

Where FAULT_BEFORE_SENDING names a file that is there, the process that would send a task next dies instead, once. The
file that FAULT_CLOCK names says by how many seconds the clock is off.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from doings import DIE, SLEEP, SLEEP_S

from detection.vision import pictures

decode = pictures.decode


def decode_or_not(blob, longest):
    """Die of a poisonous picture, as through a hole in a decoder; take long over a slow one."""
    if DIE in blob[:200]:
        os.kill(os.getpid(), signal.SIGKILL)
    if SLEEP in blob[:200]:
        time.sleep(SLEEP_S)
    return decode(blob, longest)


pictures.decode = decode_or_not

if clock := os.environ.get("FAULT_CLOCK"):
    from datetime import timedelta

    from django.utils import timezone

    right_time, right_now = time.time, timezone.now

    def off() -> int:
        return int(Path(clock).read_text() or 0)

    # before anybody else imports them; time that only passes (monotonic) is left alone, as by a clock that is set
    time.time = lambda: right_time() + off()
    timezone.now = lambda: right_now() + timedelta(seconds=off())

if flag := os.environ.get("FAULT_BEFORE_SENDING"):
    from celery.app.task import Task

    send = Task.apply_async

    def die_or_send(self, *arguments, **more):
        """Die between the commit and the sending."""
        with contextlib.suppress(FileNotFoundError):
            Path(flag).unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return send(self, *arguments, **more)

    Task.apply_async = die_or_send
