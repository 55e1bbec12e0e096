"""The same message three times, to several processes at once."""

import json
import time

import pytest

from tests.faults.invariants import GO_ON_S, check, fault

pytestmark = pytest.mark.slow

QUEUE = "celery"


def redelivered(message: bytes) -> bytes:
    """Return a message as the broker delivers it again, for it believes that whoever had it is gone."""
    body = json.loads(message)
    body["headers"]["redelivered"] = True
    body["properties"]["delivery_info"]["redelivered"] = True
    return json.dumps(body).encode()


def test_a_message_that_comes_again_and_again_is_read_once(installation, stream):
    """Side by side in the queue, they reach the four processes of two workers at the same moment."""
    installation.stop("worker")
    with fault() as span, installation.store() as store:
        time.sleep(8)
        messages = store.lrange(QUEUE, 0, -1)
        assert len(messages) > 10
        copies = [copy for message in messages for copy in (message, redelivered(message), message)]
        with store.pipeline() as pipe:
            pipe.delete(QUEUE)
            pipe.rpush(QUEUE, *copies)
            pipe.execute()
        installation.start("worker-2")
        installation.start("worker")
    time.sleep(GO_ON_S)
    assert set(check(stream, span, within=60)) == {"done"}
    installation.stop("worker-2")
