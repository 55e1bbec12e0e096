"""Questions to the database that may not take long, for pages that have to come whatever the database does."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction


@contextmanager
def in_time(until: float, longest: float) -> Iterator[None]:
    """Let what is asked inside take until the monotonic time `until`, and one statement `longest` seconds at most.

    Raises OperationalError in the middle of what takes longer, and before what would begin too late. On SQLite no
    transaction is begun, for there it would wait for whoever writes.
    """

    def begin(execute: Callable[..., Any], *arguments: Any) -> Any:
        if time.monotonic() >= until:
            raise OperationalError("there is no time left for this question")
        return execute(*arguments)

    connection.ensure_connection()
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.execute_wrapper(begin):
            with connection.cursor() as cursor:
                most = max(1, int(1000 * min(longest, until - time.monotonic())))
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(most)])
            yield
        return
    ends = min(until, time.monotonic() + longest)
    connection.connection.set_progress_handler(lambda: time.monotonic() >= ends, 10_000)
    try:
        with connection.execute_wrapper(begin):
            yield
    finally:
        connection.connection.set_progress_handler(None, 0)
