"""Start one process of an installation: `python -m emotune.serve web|worker|jobs|beat`, for containers and systemd.

Settings are checked first, so that a mistake is one line and exit status 1. What follows on the command line goes to
gunicorn or Celery as it is.
"""

import os
import sys
import zipfile
from collections.abc import Sequence

from emotune.starting import CannotStart, compute_in_one_thread, configure

# gunicorn would listen there beside what the command line says, not instead.
BIND = "--bind=127.0.0.1:8000"
WEB = (
    "--worker-class=gthread",
    "--threads=8",
    "--graceful-timeout=20",
    "--timeout=60",
    # longer than proxies keep a connection that nobody uses: one that we close first loses a request on its way
    "--keep-alive=150",
    "--no-control-socket",
    "--log-level=warning",
)
WORKER = ("worker", "--pool=prefork", "--without-gossip", "--without-mingle")


def command(role: str, options: Sequence[str] = ()) -> list[str]:
    """Return what a role runs with these options. Raises CannotStart for a role that there is not."""
    from django.conf import settings

    from emotune import jobs
    from emotune.celery import app

    celery = ["celery", "--app=emotune.celery", "--quiet"]
    level = f"--loglevel={settings.LOG_LEVEL}"
    if role == "web":
        compute_in_one_thread()
        memory = ["--worker-tmp-dir=/dev/shm"] if os.access("/dev/shm", os.W_OK) else []  # noqa: S108
        bind = [] if any(option.startswith(("--bind", "-b")) for option in options) else [BIND]
        return ["gunicorn", "emotune.wsgi", f"--workers={settings.WEB_WORKERS}", *WEB, *memory, *bind, *options]
    if role == "worker":
        check_model()
        return [*celery, *WORKER, level, f"--queues={app.conf.task_default_queue}", *options]
    if role == "jobs":
        return [*celery, *WORKER, level, f"--queues={jobs.QUEUE}", "--concurrency=1", "--hostname=jobs@%h", *options]
    if role == "beat":
        return [*celery, "beat", level, schedule(), "--pidfile=", *options]
    raise CannotStart(f"There is no role {role!r}: choose web, worker, jobs or beat")


def schedule() -> str:
    """Return the option that says where the clock remembers when it last sent what."""
    from django.conf import settings

    return f"--schedule={settings.DATA_DIR / 'beat'}"


def check_model() -> None:
    """Raise CannotStart unless the reader's model is there: without it a worker could read nothing."""
    from django.conf import settings

    if not (settings.MODEL_DIR / "card.json").is_file():
        raise CannotStart(f"EMOTUNE_MODEL is {settings.MODEL_DIR}, where no model is")
    if not zipfile.is_zipfile(settings.MODEL_DIR / "weights.npz"):
        raise CannotStart(f"EMOTUNE_MODEL is {settings.MODEL_DIR}, whose weights.npz is missing or damaged")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
    try:
        configure()
        program, *arguments = command(sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:])
    except CannotStart as reason:
        sys.exit(f"emotune cannot start: {reason}")
    from django.conf import settings

    from emotune.metrics import forget_former_processes

    if settings.METRICS_START_EMPTY:
        forget_former_processes()
    os.execv(sys.executable, [sys.executable, "-m", program, *arguments])  # noqa: S606


if __name__ == "__main__":
    main()
