"""Work that a process does beside its requests, which meanwhile answer with what there was before."""

import logging
import threading
from collections.abc import Callable

from django.db import connections

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_busy: set[str] = set()


def in_background(name: str, work: Callable[[], object]) -> None:
    """Let a thread of this process do the work, unless one is at work under that name already. It has a connection to
    the database of its own; what goes wrong is logged."""
    with _lock:
        if name in _busy:
            return
        _busy.add(name)
    threading.Thread(target=_do, args=(name, work), name=name, daemon=True).start()


def _do(name: str, work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        logger.exception("%s: this went wrong in the background", name)
    finally:
        connections.close_all()
        with _lock:
            _busy.discard(name)
