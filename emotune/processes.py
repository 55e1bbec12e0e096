"""The web and the worker processes as the launcher starts them: each ends when whoever started it is gone.

`python -m emotune.processes web 127.0.0.1:8000 [::1]:8000`, `... worker` for captures or `... jobs` for imports and the
like. The standard input is a pipe that nobody writes to; it closes with its other side, even when that was killed.
"""

import os
import signal
import sys
import threading

from emotune.serve import command, schedule
from emotune.starting import CannotStart, compute_in_one_thread, configure

# What one machine's own installation does otherwise than emotune.serve.
WEB = ("--workers=1", "--graceful-timeout=5")
WORKER = ("--without-heartbeat",)


def end_with_parent() -> None:
    """Wait for the standard input to close, then ask this process to end."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def command_here(role: str, addresses: list[str]) -> list[str]:
    """Return what a role runs, which of web listens at these addresses. Raises CannotStart."""
    if role == "web":
        return command(role, [*WEB, *(f"--bind={address}" for address in addresses)])
    # the clock ticks in the worker for jobs, for there is one of it
    return command(role, [*WORKER, "--beat", schedule()] if role == "jobs" else WORKER)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
    threading.Thread(target=end_with_parent, daemon=True).start()
    role, *addresses = sys.argv[1:]
    if role == "web":
        compute_in_one_thread()  # before anything loads NumPy
    try:
        configure()
        program = command_here(role, addresses)
    except CannotStart as reason:
        sys.exit(f"emotune cannot start: {reason}")
    if role == "web":
        from gunicorn.app.wsgiapp import WSGIApplication

        sys.argv = program
        WSGIApplication(prog="gunicorn").run()
    else:
        from emotune.celery import app

        app.start(program[1:])


if __name__ == "__main__":
    main()
