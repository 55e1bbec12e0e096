"""A picture that kills the process which reads it."""

import time

import pytest

from tests.faults.hooks.doings import DIE
from tests.faults.invariants import GO_ON_S, check, fault
from tests.faults.stream import photograph

pytestmark = pytest.mark.slow


@pytest.mark.short
def test_a_poisonous_picture_is_given_up_and_harms_nobody_else(installation, stream):
    """It is tried three times, alone from the second time on; what was read with it the first time is read again."""
    time.sleep(3)
    with fault() as span:
        poison = [stream.show(photograph(DIE), is_followed=followed) for followed in (True, False)]
    time.sleep(GO_ON_S)
    ends = check(stream, span, within=90, attempts=3)
    assert ends["failed"] == 2
    assert set(ends) == {"done", "failed"}
    given_up = installation.rows(
        "SELECT attempts, problem FROM detection_capture WHERE id = ANY(%s)", [sent.capture for sent in poison]
    )
    assert [attempts for attempts, _ in given_up] == [3, 3]
    assert all("went wrong several times" in problem for _, problem in given_up)
