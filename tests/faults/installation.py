"""A whole installation on loopback, as emotune.serve runs it, whose parts are broken and mended by tests."""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import encode_multipart

from tests.person import BOUNDARY
from tests.servers import (
    READER_IS_WARM,
    ROOT,
    Postgres,
    Process,
    Redis,
    environment,
    free_port,
    manage,
    status_of,
    wait_until,
)

HOOKS = Path(__file__).with_name("hooks")
MANY = "1000000"
# Limits are tested elsewhere. Two of each, so that one may be in trouble while the other goes on.
SETTINGS = {
    "API_TOKEN_LIMIT": MANY,
    "API_ADDRESS_LIMIT": MANY,
    "CAPTURES_PER_MINUTE": MANY,
    "WEB_WORKERS": "2",
    "WORKER_CONCURRENCY": "2",
    "SECRET_KEY": "of the installation that faults are tried on, as long as it is",
    "PYTHONPATH": f"{HOOKS}:{ROOT}",
}
PEOPLE = """
import json
from django.core.management import call_command
call_command("migrate", verbosity=0)
from accounts.tokens import create_token
from tests.factories import make_user

people = [make_user(email=f"{name}@example.org", consents=True) for name in ("ada", "ben")]
root = make_user(email="root@example.org", is_staff=True, is_superuser=True)
tokens = [create_token(user=user, name="faults", scopes=["read", "capture"])[1] for user in people]
print(json.dumps([*tokens, create_token(user=root, name="faults", scopes=["read", "admin"])[1]]))
"""
ROLES = ("web", "worker", "jobs")
# A busy machine takes long to start a process.
START_S = 180


class Role(Process):
    """A role of emotune.serve, which ends with the tests even when they are killed."""

    def __init__(self, name: str, *options: str, log: Path, env: dict[str, str]) -> None:
        guard = (shutil.which("setpriv") or "setpriv", "--pdeathsig", "TERM")
        command = (*guard, sys.executable, "-m", "emotune.serve", name, *options)
        self._before = log.stat().st_size if log.exists() else 0
        super().__init__(*command, log=log, env=env)

    def words_since(self) -> str:
        """Return what it has logged itself, and not whoever had its log before."""
        return self.log.read_bytes()[self._before :].decode(errors="replace")

    def family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.pid)
            return [parent, *parent.children(recursive=True)]
        return []


class Installation:
    """PostgreSQL, Redis, web, worker and jobs with the clock, on ports that stay while parts come and go."""

    def __init__(self, folder: Path, postgres: Postgres, store: Redis, audio: Path) -> None:
        self.folder, self.postgres, self.redis, self.port = folder, postgres, store, free_port()
        self.database = postgres.url("faults")
        where = {"DATABASE_URL": self.database, "REDIS_URL": store.url, "EMOTUNE_AUDIO": str(audio)}
        self.death = folder / "die-before-sending"
        self.env = environment(folder, **where, **SETTINGS, FAULT_CLOCK="")
        made = json.loads(manage("shell", "--verbosity=0", "--command", PEOPLE, env=self.env))
        self.tokens: list[str] = made[:2]
        self.admin_token: str = made[2]
        self.roles: dict[str, Role] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start(self, name: str, **more: str) -> Role:
        """Start a role and wait until it works; its own name may be followed by a hyphen, as in worker-2."""
        role = self.launch(name, **more)
        self.wait_for(name)
        return role

    def tracebacks(self) -> str:
        """Return what the web processes logged from the first traceback on."""
        _, found, rest = self.log("web").read_text(errors="replace").partition("Traceback")
        return (found + rest)[:6000]

    def launch(self, name: str, **more: str) -> Role:
        log = self.log(name)
        if name == "web":  # the clock sends tasks too, and would die of it instead
            more = {"FAULT_BEFORE_SENDING": str(self.death), **more}
        role = Role(name.partition("-")[0], *self._options(name), log=log, env=self.env | more)
        self.roles[name] = role
        return role

    def wait_for(self, name: str) -> None:
        role = self.roles[name]
        try:
            if name == "web":
                wait_until("the web process", lambda: status_of(f"{self.url}/healthz") == 200, START_S)
            elif name.startswith("worker"):
                wait_until("a warm reader", lambda: READER_IS_WARM in role.words_since(), START_S)
        except pytest.fail.Exception:
            print(role.words()[-3000:])  # noqa: T201 - pytest shows it with the failure
            raise

    def _options(self, name: str) -> list[str]:
        if name == "web":
            return [f"--bind=127.0.0.1:{self.port}"]
        if name == "jobs":
            return ["--beat", f"--schedule={self.folder / 'beat'}"]
        return [f"--hostname={name}@%h"]

    def stop(self, name: str) -> None:
        self.roles.pop(name).stop()

    def kill(self, name: str) -> None:
        self.roles.pop(name).kill()

    def make_whole(self) -> None:
        """Start whatever is not running, as after a test that failed, and wait until a capture could be read."""
        for server in (self.postgres, self.redis):
            if server.popen.poll() is not None:
                server.start()
        for name in [name for name in self.roles if name not in ROLES or self.roles[name].popen.poll() is not None]:
            self.kill(name)
        missing = [name for name in ROLES if name not in self.roles]
        for name in missing:
            self.launch(name)
        for name in missing:
            self.wait_for(name)
        wait_until("readiness", lambda: status_of(f"{self.url}/readyz") == 200, START_S)

    def stop_all(self) -> None:
        for name in list(self.roles):
            self.stop(name)

    def count_processes(self) -> dict[str, int]:
        """Return how many processes each role has; a zombie counts as one too many."""
        return {name: len(role.family()) for name, role in self.roles.items()}

    def strays(self) -> list[psutil.Process]:
        """Return processes of this installation that belong to no role that is running."""
        known = {process.pid for role in self.roles.values() for process in role.family()}
        return [process for process in self._processes() if process.pid not in known]

    def _processes(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("EMOTUNE_DIR") == self.env["EMOTUNE_DIR"]:
                    yield process

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, connect_timeout=5) as connection:
            return connection.execute(query, values).fetchall()

    def store(self) -> "redis.Redis":
        return redis.Redis.from_url(self.redis.url, socket_timeout=5)

    def pictures(self) -> dict[bytes, int]:
        """Return what Redis holds of pictures, and for how many seconds more."""
        with self.store() as store:
            return {key: store.ttl(key) for key in store.scan_iter("emotune:capture:*")}

    @contextlib.contextmanager
    def hanging(self, process: Process) -> Iterator[None]:
        """Stop a process without ending it: whoever asks it gets no answer, and no refusal either."""
        os.kill(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process.pid, signal.SIGCONT)

    def restart_postgres(self, away_s: float) -> None:
        """Let PostgreSQL throw everybody out and end, as its service does, and come back after a while."""
        self.postgres.stop(by=signal.SIGINT)
        time.sleep(away_s)
        self.postgres.start()

    def ask(
        self, path: str, token: str = "", *, method: str = "GET", file: bytes = b""
    ) -> tuple[int, str, dict[str, str]]:
        """Return status, body and headers of a page or an answer of the API, to which a file may be sent."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = None
        if file:
            form = {"file": SimpleUploadedFile("muse.csv", file, "text/csv")}
            body, method = encode_multipart(BOUNDARY, form), "POST"
            headers["Content-Type"] = f"multipart/form-data; boundary={BOUNDARY}"
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode(errors="replace"), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace"), dict(error.headers)
