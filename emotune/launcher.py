"""`make run`: the web and the worker processes of one machine, started together and stopped together."""

import contextlib
import errno
import fcntl
import http.client
import io
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from urllib.parse import urlsplit

import redis

from emotune.embedded import embedded_server
from emotune.serve import check_model
from emotune.starting import CannotStart, configure

LOCALHOST = "localhost"
# Addresses of this machine that mean localhost too, and by which each of them is reached.
EVERYWHERE = {LOCALHOST: LOCALHOST, "127.0.0.1": "127.0.0.1", "::1": "::1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
# A web process whose launcher was killed lets its port go within this time.
PORT_PATIENCE_S = 3.0
# Celery ends the task at hand first; longer than this nobody wants to wait.
STOP_S = 10.0
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def say(line: str) -> None:
    """Print a line; a full disk or a terminal that was closed loses the words and ends nothing."""
    with contextlib.suppress(OSError):
        print(line, flush=True)  # noqa: T201


class Child:
    """A process of ours in a process group of its own, whose log is passed on line by line."""

    def __init__(self, name: str, *arguments: str, environment: dict[str, str]) -> None:
        self.name = name
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "emotune.processes", name, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
            start_new_session=True,
        )
        self.log = threading.Thread(target=self._pass_on_log, daemon=True)
        self.log.start()

    def _pass_on_log(self) -> None:
        for raw in self.process.stdout or ():
            line = raw.decode(errors="replace").rstrip()
            # what cannot be written is lost: if nobody read on, the process would wait for ever with its pipe full
            with contextlib.suppress(OSError):
                if line:
                    sys.stderr.write(f"{self.name:<6} | {line}\n")
                    sys.stderr.flush()

    def ask_to_stop(self) -> None:
        self.process.terminate()

    def stop(self, until: float) -> None:
        """Wait for the end, and end by force what is left of the group."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, until - time.monotonic()))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.join(timeout=1)

    def obituary(self) -> str:
        code = self.process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        return f"The {self.name} process {how}, so everything was stopped. Its log above says more."


def address() -> tuple[str, int]:
    host, port = os.environ.get("HOST") or LOCALHOST, os.environ.get("PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise CannotStart(f"PORT is {port!r}; set it to a number, as in PORT=8001 make run")
    return host, int(port)


def listens_at(host: str) -> list[str]:
    """Return where the web process listens: for localhost, at each address that browsers may try under that name."""
    if host != LOCALHOST:
        return [host]
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:  # a machine without IPv6
        return ["127.0.0.1"]
    return ["127.0.0.1", "::1"]


def written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_port(host: str, port: int) -> None:
    """Raise CannotStart unless the web process can listen there."""
    until = time.monotonic() + PORT_PATIENCE_S
    while True:
        try:
            socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CannotStart(f"{host}:{port} cannot be used: {error.strerror}. Set HOST and PORT.") from error
            if time.monotonic() > until:
                raise CannotStart(f"Port {port} is taken. Choose another one: PORT={port + 1} make run") from error
            time.sleep(0.2)
        else:
            return


def names_broker() -> bool:
    return bool(os.environ.get("REDIS_URL", "").strip())


@contextlib.contextmanager
def alone(port: int) -> Iterator[None]:
    """Keep others like us from our data folder while the broker is ours. Raises CannotStart when one is there.

    Each would have a broker of its own, find nothing there of the other's jobs and captures, and take them for lost.
    The kernel lets go when this process ends, however it does. Our children do not hold on: when we are killed, they
    are without a broker and end by themselves, after the task at hand, which may be an import of an hour. Its row says
    whose it is, so whoever starts next need not wait, and there would be nobody whom it could stop.
    """
    from django.conf import settings

    if names_broker():
        yield
        return
    file = settings.DATA_DIR / "running.lock"
    with contextlib.ExitStack() as stack:
        try:
            fcntl.flock(stack.enter_context(file.open("a")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"emotune runs from {settings.DATA_DIR} already. Stop it, or choose another folder and port: "
                f"EMOTUNE_DIR=var2 PORT={port + 1} make run"
            ) from None
        except OSError as error:
            raise CannotStart(f"{file} cannot be locked: {error.strerror}. Set EMOTUNE_DIR.") from error
        yield


@contextlib.contextmanager
def broker() -> Iterator[str]:
    """Give the URL of Redis; serve it from here when none is named."""
    from django.conf import settings

    if names_broker():
        yield settings.REDIS_URL
        return
    with embedded_server(urlsplit(settings.REDIS_URL).port or 0) as url:
        yield url


def prepare() -> None:
    """Bring the database up to date and lay the demonstration into it. Raises CannotStart."""
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError, call_command
    from django.db import DatabaseError, connections

    say("Preparing the database and the demonstration ...")
    try:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("load_demo", stdout=io.StringIO())
    except CommandError as error:
        raise CannotStart(f"The demonstration could not be loaded: {error}") from error
    except (DatabaseError, ImproperlyConfigured) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CannotStart(f"The database cannot be used: {reason}") from error
    finally:
        connections.close_all()


def status_of(host: str, port: int) -> int:
    """Return the HTTP status of our first page there; 0 while nobody answers, or another program does.

    What answers is ours when it calls the request by the name that it was given.
    """
    name = f"launcher-{secrets.token_hex(8)}"
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        with contextlib.closing(connection):
            connection.request("GET", "/", headers={"Host": LOCALHOST, "X-Request-ID": name})
            response = connection.getresponse()
            return response.status if response.getheader("X-Request-ID") == name else 0
    except (OSError, http.client.HTTPException):
        return 0


def shown(host: str, port: int) -> str:
    """Return the address to open. Browsers allow passkeys at localhost, and at no number: it is named if it works."""
    if host in EVERYWHERE and 0 < status_of(LOCALHOST, port) < 400:
        host = LOCALHOST
    return f"http://{written(EVERYWHERE.get(host, host), port)}/"


def reader_is_warm(client: "redis.Redis") -> bool:
    from emotune.workers import warm_readers

    with contextlib.suppress(redis.RedisError):
        return warm_readers(client) > 0
    return False


def watch(children: list[Child], host: str, port: int, client: "redis.Redis", stopping: threading.Event) -> int:
    """Tell how far the start has come until we are asked to stop (status 0) or a process dies (status 1)."""
    is_up = is_warm = False
    while not stopping.wait(0.2):
        for child in children:
            if child.process.poll() is not None:
                say(child.obituary())
                return 1
        if not is_up and all(status_of(EVERYWHERE.get(each, each), port) for each in listens_at(host)):
            is_up = True
            say(f"emotune is at {shown(host, port)} (Ctrl-C stops it)")
        if is_up and not is_warm and reader_is_warm(client):
            is_warm = True
            say("The reader is warm: faces are read at once from now on.")
    say("Stopping ...")
    return 0


def on_ending(handle: Callable[[int, FrameType | None], object]) -> None:
    """Handle what asks us to end, but for what we were started to ignore, as by `nohup` and by a shell's `&`."""
    for ending in ENDING_SIGNALS:
        if signal.getsignal(ending) is not signal.SIG_IGN:
            signal.signal(ending, handle)


def launch(host: str, port: int) -> int:
    from emotune.store import connect

    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    with broker() as url, contextlib.ExitStack() as stack:
        environment = {"REDIS_URL": url}
        on_ending(stop)
        started: list[Child] = []
        stack.callback(stop_all, started)
        started.extend(Child(name, environment=environment) for name in ("worker", "jobs"))
        started.append(Child("web", *(written(each, port) for each in listens_at(host)), environment=environment))
        return watch(started, host, port, connect(url), stopping)


def stop_all(children: list[Child]) -> None:
    for child in children:
        child.ask_to_stop()
    until = time.monotonic() + STOP_S
    for child in children:
        child.stop(until)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
    on_ending(signal.default_int_handler)
    try:
        configure()
        from emotune.metrics import forget_ended_processes

        check_model()
        host, port = address()
        with alone(port):
            for each in listens_at(host):
                check_port(each, port)
            forget_ended_processes()
            prepare()
            return launch(host, port)
    except CannotStart as reason:
        say(str(reason))
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
