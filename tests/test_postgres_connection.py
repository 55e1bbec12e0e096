"""How a connection to PostgreSQL that was kept is looked at before it is used again."""

import socket
import time

import psycopg
import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from emotune.postgres.base import is_quiet
from emotune.settings import database
from tests.servers import wait_until


@pytest.fixture
def url(postgres):
    return postgres.url("kept")


@pytest.fixture
def connection(url, django_db_blocker):
    connection = ConnectionHandler({"default": database(url)})["default"]
    with django_db_blocker.unblock():
        yield connection
        connection.close()


@pytest.fixture
def onlooker(url):
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def process(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def last_asked(onlooker, number):
    """Return the latest statement that the server heard from a process."""
    return onlooker.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [number]).fetchone()[0]


def begin_request(connection):
    """Do what Django does at a request's begin and at its first query."""
    connection.health_check_done = False
    connection.close_if_unusable_or_obsolete()
    connection.close_if_health_check_failed()


def test_one_at_rest_is_used_again_without_asking_the_server(connection, onlooker):
    number = process(connection)
    begin_request(connection)
    assert last_asked(onlooker, number) == "SELECT pg_backend_pid()"
    assert process(connection) == number


def test_one_that_the_server_ended_is_made_anew(connection, onlooker):
    number = process(connection)
    onlooker.execute("SELECT pg_terminate_backend(%s)", [number])
    wait_until("the server's goodbye", lambda: not is_quiet(connection.connection.fileno()))
    begin_request(connection)
    assert process(connection) != number


def test_one_to_which_the_server_said_something_else_is_asked_and_kept(connection, onlooker):
    number = process(connection)
    with connection.cursor() as cursor:
        cursor.execute("LISTEN news")
    onlooker.execute("NOTIFY news")
    wait_until("the news", lambda: not is_quiet(connection.connection.fileno()))
    begin_request(connection)
    assert last_asked(onlooker, number) == "SELECT 1"
    assert process(connection) == number


def test_after_an_error_the_server_is_asked(connection, onlooker):
    number = process(connection)
    connection.errors_occurred = True
    begin_request(connection)
    assert last_asked(onlooker, number) == "SELECT 1"


def test_one_that_is_closed_here_is_not_usable(connection):
    process(connection)
    connection.connection.close()
    assert not connection.is_usable()


@pytest.mark.short
def test_a_server_that_is_silent_is_an_outage_after_seconds(django_db_blocker):
    with socket.create_server(("127.0.0.1", 0)) as silent, django_db_blocker.unblock():
        url = f"postgres://emotune@127.0.0.1:{silent.getsockname()[1]}/emotune"
        connection = ConnectionHandler({"default": database(url)})["default"]
        start = time.monotonic()
        with pytest.raises(OperationalError, match="timeout"):
            connection.ensure_connection()
        assert time.monotonic() - start < 15
