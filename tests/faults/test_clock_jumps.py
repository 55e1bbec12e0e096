"""A clock that jumps an hour ahead, two hours back, and is right again, under a worker or under the web process."""

import time

import pytest

from tests.faults.invariants import GO_ON_S, check, fault

pytestmark = pytest.mark.slow

HOUR = 3600


@pytest.mark.parametrize("role", ["worker", "web"])
def test_a_clock_that_jumps_ahead_and_back(installation, stream, role):
    """Another worker's clock stays right: the two disagree about everything that they compare with a clock."""
    clock = installation.folder / "clock"
    clock.write_text("0")
    installation.start("worker-2")
    time.sleep(2)
    with fault() as span:
        installation.stop(role)
        installation.start(role, FAULT_CLOCK=str(clock))
        for off in (HOUR, -HOUR):
            clock.write_text(str(off))
            time.sleep(10)
        clock.write_text("0")
    time.sleep(GO_ON_S)
    ends = check(stream, span, within=90, may_be_cut_off=role == "web")
    installation.stop("worker-2")
    installation.stop(role)
    assert set(ends) <= {"done", "expired"}
    assert ends["done"] > ends["expired"]
