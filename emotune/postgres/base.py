"""PostgreSQL as Django speaks to it, but for how a connection that was kept is found to be broken."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Looks at a kept connection's socket before its first use in a request, where Django asks `SELECT 1`.

    A server that ended it has said so, or closed it, and there is something to read; a connection at rest has nothing.
    That spares every request a round trip. After an error, and when there is something to read, Django's way decides.
    """

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        if not self.errors_occurred and is_quiet(self.connection.fileno()):
            return True
        return bool(super().is_usable())


def is_quiet(socket: int) -> bool:
    """Return whether a socket, by its descriptor, is open with nothing to read."""
    poll = select.poll()
    poll.register(socket, select.POLLIN | select.POLLPRI)
    return not poll.poll(0)
