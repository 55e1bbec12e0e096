"""The web and the worker processes as the launcher starts them: each ends when whoever started it is gone.

`python -m emotune.processes web 127.0.0.1:8000 [::1]:8000`, `... worker` for captures or `... jobs` for imports and the
like. The standard input is a pipe that nobody writes to; it closes with its other side, even when that was killed.
"""

import os
import signal
import sys
import threading
from pathlib import Path

GUNICORN = (
    "gunicorn",
    "emotune.wsgi",
    "--workers=1",
    "--threads=8",
    "--log-level=warning",
    "--graceful-timeout=5",
    "--no-control-socket",
)
CELERY = ("--quiet", "worker", "--pool=prefork", "--without-gossip", "--without-mingle", "--without-heartbeat")
# One at a time: an import that waits for another one would only hold memory.
JOBS = ("--queues=jobs", "--concurrency=1", "--hostname=jobs@%h")


def end_with_parent() -> None:
    """Wait for the standard input to close, then ask this process to end."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def compute_in_one_thread() -> None:
    """Let NumPy compute where it is called, from its import on: requests have threads of their own, and a second one
    for each of them would wait for a core that others use.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def serve(*addresses: str) -> None:
    from gunicorn.app.wsgiapp import WSGIApplication

    compute_in_one_thread()
    # gunicorn proves by this file every second that it is alive; on a disk that could wait
    memory = Path("/dev/shm")  # noqa: S108
    binds = [f"--bind={address}" for address in addresses]
    sys.argv = [*GUNICORN, *binds, *([f"--worker-tmp-dir={memory}"] if os.access(memory, os.W_OK) else [])]
    WSGIApplication(prog="gunicorn").run()


def work(*options: str) -> None:
    from emotune.celery import app

    app.start([*CELERY, f"--loglevel={os.environ.get('LOG_LEVEL') or 'INFO'}", *options])


def main() -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    if sys.argv[1] == "web":
        serve(*sys.argv[2:])
    elif sys.argv[1] == "jobs":
        # the clock ticks in this process too, for there is one of it
        work(*JOBS, "--beat", f"--schedule={Path(os.environ.get('EMOTUNE_DIR') or 'var').absolute() / 'beat'}")
    else:
        work()


if __name__ == "__main__":
    main()
