"""Web processes killed: one between the commit of a capture and the sending of its task, and all of them."""

import time

import pytest

from tests.faults.invariants import GO_ON_S, check, fault
from tests.servers import status_of, wait_until

pytestmark = pytest.mark.slow


@pytest.mark.short
def test_a_web_process_killed_between_commit_and_send(installation, stream):
    """The row is there and its message never was: it is read all the same, though whoever sent it was cut off."""
    time.sleep(3)
    with fault() as span:
        for _ in range(3):
            installation.death.touch()
            wait_until("a death", lambda: not installation.death.exists())
        wait_until("another web process", lambda: status_of(f"{installation.url}/healthz") == 200)
    time.sleep(GO_ON_S)
    assert set(check(stream, span, within=90, may_be_cut_off=True)) == {"done"}
    cut_off = [sent for sent in stream.ledger.sent if not sent.answer.status]
    assert len(cut_off) >= 3


def test_all_web_processes_killed_and_started_again(installation, stream):
    time.sleep(3)
    with fault() as span:
        installation.kill("web")
        time.sleep(3)
        installation.start("web")
    time.sleep(GO_ON_S)
    assert set(check(stream, span, within=90, may_be_cut_off=True)) == {"done"}
