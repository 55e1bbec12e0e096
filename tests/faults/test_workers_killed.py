"""Workers that die in the middle of a reading, or are gone for a while."""

import time

import psutil
import pytest

from tests.faults.hooks.doings import SLEEP
from tests.faults.invariants import GO_ON_S, check, fault
from tests.faults.stream import photograph
from tests.servers import wait_until

pytestmark = pytest.mark.slow


def is_reading(installation, capture):
    return installation.rows("SELECT 1 FROM detection_capture WHERE id = %s AND status = 'reading'", capture)


def test_a_worker_killed_in_the_middle_with_all_its_processes(installation, stream):
    sent = stream.show(photograph(SLEEP), is_followed=False)
    wait_until("the worker", lambda: is_reading(installation, sent.capture), pause=0.05)
    with fault() as span:
        installation.kill("worker")
        time.sleep(3)
        installation.start("worker")
    time.sleep(GO_ON_S)
    ends = check(stream, span, within=90, attempts=2)
    assert set(ends) == {"done"}, "the dead worker's captures too, though nobody looked at the one it held"


def test_a_parent_killed_alone_leaves_no_process_behind(installation, stream):
    """As when memory runs out and the kernel chooses the parent."""
    with fault() as span:
        family = installation.roles["worker"].family()
        psutil.Process(installation.roles["worker"].pid).kill()
        wait_until("the end of its children", lambda: not [p for p in family[1:] if p.is_running()], seconds=30)
        installation.kill("worker")
        installation.start("worker")
    time.sleep(GO_ON_S)
    assert set(check(stream, span, within=90, attempts=2)) == {"done"}


def test_no_worker_for_a_minute(installation, stream):
    """Captures wait, and are read when there is a worker again."""
    time.sleep(3)
    with fault() as span:
        installation.stop("worker")
        time.sleep(60)
        installation.start("worker")
    time.sleep(GO_ON_S)
    assert set(check(stream, span, within=60, attempts=2)) == {"done"}
