"""The Redis-protocol server of `make run`, asked by a real client."""

import os
import socket
import threading

import pytest
import redis

from emotune.embedded import embedded_server


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url, socket_timeout=20) as client:
        yield client
        client.delete("emotune:test")


def test_it_gives_back_more_than_a_socket_holds(client):
    """As the pictures of a capture are: several megabytes in one answer."""
    value = os.urandom(12_000_000).hex().encode()
    client.rpush("emotune:test", value, value[:100])
    assert client.lrange("emotune:test", 0, -1) == [value, value[:100]]


def test_an_error_is_an_answer_and_the_connection_goes_on(redis_url):
    with redis.Redis.from_url(redis_url, single_connection_client=True) as client:
        number = client.client_id()
        with pytest.raises(redis.exceptions.NoScriptError):
            client.evalsha("0" * 40, 0)
        with pytest.raises(redis.ResponseError):
            client.execute_command("NO-SUCH-COMMAND")
        assert client.client_id() == number


def test_a_client_that_leaves_in_the_middle_of_an_answer_disturbs_nobody(client, redis_url):
    client.set("emotune:test", b"x" * 20_000_000)
    address = redis.connection.parse_url(redis_url)
    with socket.create_connection((address["host"], address["port"])) as impatient:
        impatient.sendall(b"*2\r\n$3\r\nGET\r\n$12\r\nemotune:test\r\n")
        assert impatient.recv(100)
    assert client.ping()


def test_values_are_forgotten_when_their_time_is_over(client):
    client.set("emotune:test", b"x", px=50)
    threading.Event().wait(0.1)
    assert client.get("emotune:test") is None


def test_a_port_that_is_taken_is_no_obstacle():
    with socket.create_server(("127.0.0.1", 0)) as taken, embedded_server(taken.getsockname()[1]) as url:
        assert not url.endswith(f":{taken.getsockname()[1]}/0")
        with redis.Redis.from_url(url) as client:
            assert client.ping()
