"""Hold processes to cores, on systems that can: Linux does, macOS and Windows have no word for it."""

import contextlib
import os
import shutil
from collections.abc import Iterator

CAN = hasattr(os, "sched_setaffinity")


def cores() -> list[int]:
    """Return the cores that this process may run on, all of the machine's where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if CAN else list(range(os.cpu_count() or 1))


@contextlib.contextmanager
def one_core() -> Iterator[bool]:
    """Hold this process, and what it starts, to one core for a while; give whether that can be."""
    if not CAN:
        yield False
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, before)


def held_to(core: int) -> tuple[str, ...]:
    """Return what a command begins with that is to run on that core alone; nothing where there is no `taskset`."""
    return ("taskset", "-c", str(core)) if CAN and shutil.which("taskset") else ()
