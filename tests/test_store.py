"""The client of Redis that a process has."""

import gc

import pytest

from emotune import store


@pytest.fixture
def address(redis_url, settings):
    settings.REDIS_URL = redis_url


def test_a_client_that_another_thread_replaced_leaves_what_it_began_alone(address):
    """Of two threads that ask first at once, each gets a client, and only one is kept."""
    client = store.client.__wrapped__()
    pipe = client.pipeline()
    connection = pipe.connection_pool.get_connection()
    del client
    gc.collect()
    assert connection.is_connected
    connection.send_command("PING")
    assert connection.read_response() in {b"PONG", "PONG"}
    pipe.connection_pool.release(connection)


def test_a_client_does_not_wait_long(address):
    how = store.client.__wrapped__().connection_pool.connection_kwargs
    assert (how["socket_connect_timeout"], how["socket_timeout"]) == (1, 3)
