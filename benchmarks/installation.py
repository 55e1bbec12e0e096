"""PostgreSQL, Redis and workers of their own for benchmarks, on free loopback ports; this process is the web side."""

import contextlib
import importlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pinning import held_to
from tests.servers import READER_IS_WARM, Postgres, Process, Redis, environment, manage, server_folder, wait_until

EMAIL = "benchmark@example.org"


@contextlib.contextmanager
def installation() -> Iterator[dict[str, str]]:
    """Give the environment of workers; Django is set up in this process for the same database and broker."""
    with contextlib.ExitStack() as stack:
        folders = [stack.enter_context(server_folder(name)) for name in ("pg", "redis", "emotune")]
        database, broker = Postgres(folders[0]), Redis(folders[1])
        stack.callback(database.stop, by=signal.SIGQUIT)
        stack.callback(broker.stop)
        env = environment(
            folders[2], DATABASE_URL=database.url("benchmark"), REDIS_URL=broker.url, CAPTURES_PER_MINUTE="1000000"
        )
        manage("migrate", "--verbosity=0", env=env)
        os.environ.update(env, DJANGO_SETTINGS_MODULE="emotune.settings")
        import django

        import emotune.settings

        importlib.reload(emotune.settings)  # tests.servers has read it already, without these addresses
        django.setup()
        yield env


@contextlib.contextmanager
def workers(count: int, env: dict[str, str], cores: Sequence[int] = (), **settings: str) -> Iterator[list[Process]]:
    """Run workers of one process each, warm; with `cores`, each is held to one of them, in turn, where that can be."""
    running: list[Process] = []
    folder = Path(env["TMPDIR"])
    try:
        for number in range(count):
            pinned = held_to(cores[number % len(cores)]) if cores else ()
            command = (
                *pinned,
                sys.executable,
                "-m",
                "emotune.serve",
                "worker",
                f"--hostname=w{number}-{time.time()}@%h",
            )
            log = folder / f"worker-{number}.log"
            log.unlink(missing_ok=True)
            running.append(Process(*command, log=log, env=env | settings))
        for worker in running:
            wait_until("a warm reader", lambda: READER_IS_WARM in worker.words(), seconds=120)  # noqa: B023
        yield running
    finally:
        for worker in running:
            worker.stop()


def somebody() -> Any:
    """Return the person to whom the captures belong, who has agreed to the camera."""
    from accounts.models import User
    from accounts.services import give_consent

    user = User.objects.filter(email=EMAIL).first() or User.objects.create_user(email=EMAIL)
    give_consent(user=user)
    return user


def waiting() -> int:
    from detection.models import OPEN, Capture

    return Capture.objects.filter(status__in=OPEN).count()
