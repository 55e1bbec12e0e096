"""A Redis-protocol server in memory, for running everything on one machine without installing Redis."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any

from fakeredis import TcpFakeServer
from redis import ResponseError

# The longest that a client may leave an answer unread before it is given up.
PATIENCE_S = 30.0


class _PatientWriter:
    """Write to a non-blocking socket by waiting for the client, so that an answer may exceed the socket's buffer."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if not select.select([], [self.connection], [], PATIENCE_S)[1]:
                raise ConnectionError("the client reads no more")
            with contextlib.suppress(BlockingIOError):
                rest = rest[self.connection.send(rest) :]

    def flush(self) -> None:
        """Nothing is held back."""


class EmbeddedServer(TcpFakeServer):  # type: ignore[misc]
    """fakeredis's server, on loopback, as robust as clients expect: large values, and errors that end no connection."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port))
        self.daemon_threads = True

        class Handler(self.RequestHandlerClass):  # type: ignore[misc,name-defined]
            def setup(self) -> None:
                super().setup()
                self.writer.writer = _PatientWriter(self.connection)
                self.read, self.current_client.read_response = self.current_client.read_response, self.read_or_refuse

            def read_or_refuse(self) -> Any:
                """Return an error as the answer that it is: raised, it would end the connection."""
                try:
                    return self.read()
                except ResponseError as error:
                    return error

        self.RequestHandlerClass = Handler

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away in the middle of an answer."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server_address[1]}/0"


@contextlib.contextmanager
def embedded_server(port: int = 0) -> Iterator[str]:
    """Serve on `port`, or on a free one when it is 0 or taken, and give the server's URL."""
    try:
        server = EmbeddedServer(port)
    except OSError:
        server = EmbeddedServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
