"""Throwaway servers for tests: PostgreSQL, Redis and emotune's own web and worker processes, on free loopback ports."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.settings import OWN

ROOT = Path(__file__).resolve().parent.parent
IS_ROOT = os.geteuid() == 0
T = TypeVar("T")
# What the worker logs once its models are loaded.
READER_IS_WARM = "the reader is warm"
# Waits for a pipe to close, then kills a process group.
GUARD = 'read _; kill -s KILL -- "-$0"'


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def missing(what: str) -> NoReturn:
    """Skip the test for want of `what`; fail where EMOTUNE_REQUIRE_SERVERS says that nothing may be missing."""
    if os.environ.get("EMOTUNE_REQUIRE_SERVERS"):
        pytest.fail(f"{what} is missing, and EMOTUNE_REQUIRE_SERVERS is set")
    pytest.skip(f"{what} is missing on this machine")


def wait_until(what: str, ask: Callable[[], T], seconds: float = 60, pause: float = 0.1) -> T:
    """Return the first true answer of `ask`; fail when there is none in time."""
    until = time.monotonic() + seconds
    while True:
        if answer := ask():
            return answer
        if time.monotonic() > until:
            pytest.fail(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(pause)


class Process:
    """A server in a process group of its own that a test may kill and start again; its log is appended to a file."""

    def __init__(self, *arguments: str, log: Path, env: dict[str, str] | None = None, user: str | None = None) -> None:
        self.arguments, self.log, self.env, self.user = arguments, log, env, user
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            # the pipes close with the tests, however they end: emotune's processes end with them, others by their guard
            self.popen = subprocess.Popen(
                self.arguments,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self.env,
                cwd=ROOT if self.env else "/",
                user=self.user,
                group=pwd.getpwnam(self.user).pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
                start_new_session=True,
            )
        self.guard = subprocess.Popen(["sh", "-c", GUARD, str(self.pid)], stdin=subprocess.PIPE, start_new_session=True)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def words(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """End it and everything it started as a power cut would."""
        self.guard.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for popen in (self.popen, self.guard):
            popen.wait()
            if popen.stdin:
                popen.stdin.close()

    def stop(self, by: signal.Signals = signal.SIGTERM, seconds: float = 15) -> None:
        self.popen.send_signal(by)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(seconds)
        self.kill()


class Redis(Process):
    """A Redis that writes nothing to its disk by itself."""

    def __init__(self, folder: Path) -> None:
        binary = shutil.which("redis-server") or missing("redis-server")
        self.port, self.folder = free_port(), folder
        keep_nothing = ("--save", "", "--appendonly", "no")
        where = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder))
        super().__init__(binary, *where, *keep_nothing, log=folder / "redis.log")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        super().start()
        with redis.Redis.from_url(self.url) as client:
            wait_until("Redis", lambda: _answers(client), seconds=20)


def _answers(client: "redis.Redis") -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(client.ping())
    return False


def redis_that_is_away() -> "redis.Redis":
    """Return a client of a Redis that does not answer. It tries once, as redis-py by itself does not, for 15 s."""
    return redis.Redis(port=1, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))


class Postgres(Process):
    """A PostgreSQL whose cluster is made in `folder`, run by another user where the tests run as root."""

    def __init__(self, folder: Path, copy_of: Path | None = None, *, keeps_its_word: bool = False) -> None:
        """Begin with a new cluster, or with a copy of the one in the folder of another server that was shut down.

        One that keeps its word has handed to the kernel what it says to have committed, and a kill takes nothing back.
        """
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        initdb = str(binaries[-1]) if binaries else shutil.which("initdb") or missing("postgresql")
        user = next((name for name in ("postgres", "nobody") if _is_user(name)), None) if IS_ROOT else None
        if user:
            shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
        self.port, self.folder = free_port(), folder
        cluster = folder / "cluster"
        options = ("--username=emotune", "--auth=trust", "--encoding=UTF8", "--no-sync")
        make = [initdb, "--pgdata", str(cluster), *options]
        if copy_of:
            make = ["cp", "-R", str(copy_of / "cluster"), str(cluster)]
        subprocess.run(make, check=True, capture_output=True, user=user, cwd="/")
        where = ("-c", "listen_addresses=127.0.0.1", "-p", str(self.port), "-k", str(folder))
        fast: tuple[str, ...] = ("-c", "fsync=off", "-c", "full_page_writes=off")
        if not keeps_its_word:
            fast += ("-c", "synchronous_commit=off")
        binary = str(Path(initdb).parent / "postgres")
        super().__init__(binary, "-D", str(cluster), *where, *fast, log=folder / "postgres.log", user=user)

    def url(self, name: str, like: str = "template1") -> str:
        """Return the URL of a new database of that name, empty or a copy of the one that it should be like."""
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        return self._url(name)

    def shut_down(self) -> None:
        """Stop without waiting for clients, all of it written."""
        self.stop(by=signal.SIGINT, seconds=60)

    def _url(self, name: str) -> str:
        return f"postgresql://emotune@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        super().start()
        wait_until("PostgreSQL", self._answers, seconds=60)

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self._url("postgres")):
            return True
        return False


def _is_user(name: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


@contextlib.contextmanager
def server_folder(prefix: str) -> Iterator[Path]:
    """Give a new folder that other users may pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix=f"emotune-{prefix}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Stack:
    """emotune's web process, and a worker when asked for, on a database with the demonstration, and a Redis."""

    def __init__(self, folder: Path, *, database_url: str, redis_url: str, audio: Path) -> None:
        """Write below `folder`, where the database lies too when no URL is given."""
        self.folder, self.port = folder, free_port()
        self.env = environment(folder, DATABASE_URL=database_url, REDIS_URL=redis_url, EMOTUNE_AUDIO=str(audio))
        self.web = Process(*PROCESSES, "web", f"127.0.0.1:{self.port}", log=folder / "web.log", env=self.env)
        self.worker: Process | None = None
        wait_until("the web process", lambda: status_of(self.url) == 200)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_worker(self) -> Process:
        """Start a worker in place of the one before, and wait until it is warm."""
        self.stop_worker()
        log = self.folder / "worker.log"
        times = log.read_text().count(READER_IS_WARM) if log.exists() else 0
        self.worker = worker = Process(*PROCESSES, "worker", log=log, env=self.env)
        wait_until("a warm reader", lambda: worker.words().count(READER_IS_WARM) > times, seconds=120)
        return worker

    def stop_worker(self) -> None:
        if self.worker:
            self.worker.stop()
        self.worker = None

    def stop(self) -> None:
        self.stop_worker()
        self.web.stop()


class Launched(Process):
    """emotune as `make run` starts it; on the built-in database and broker unless `variables` name others."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.port = variables.setdefault("PORT", str(free_port()))
        env = environment(folder, **variables)
        log = folder / f"launcher-{self.port}.log"
        log.unlink(missing_ok=True)
        super().__init__(sys.executable, "-m", "emotune.launcher", log=log, env=env)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).children(recursive=True)
        return []

    def wait_until_up(self) -> None:
        wait_until("the address", lambda: f"emotune is at http://localhost:{self.port}/" in self.words(), seconds=120)

    def kill(self) -> None:
        children = self.family()
        super().kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


# What a test process has for itself: where to listen, and where its figures lie.
OURS = ("HOST", "PORT", "PROMETHEUS_MULTIPROC_DIR")
PROCESSES = (sys.executable, "-m", "emotune.processes")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return what one of emotune's processes needs to keep everything it writes below `folder`."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name not in (*OWN, *OURS)}
    return kept | {"EMOTUNE_DIR": str(folder / "data"), "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"} | more


def manage(*arguments: str, env: dict[str, str]) -> str:
    """Run a management command to its good end and return what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"manage.py {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def status_of(url: str) -> int:
    """Return the HTTP status of a page, 0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            status: int = response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
    return status
