"""`make run`: what it starts, what it says, and that nothing of it stays behind."""

import errno
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from django.conf import settings
from fakeredis import FakeRedis

from emotune import launcher, processes, serve, store, workers
from tests.prepared import DEMO
from tests.servers import READER_IS_WARM, ROOT, Launched, free_port, status_of, wait_until

Launch = Callable[..., Launched]
# More than any of this takes on a machine that has much else to do.
PATIENCE_S = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory, prepared) -> Path:
    """Where emotune ran before: the first start of all is the journey's."""
    folder: Path = tmp_path_factory.mktemp("launcher")
    prepared.lay(DEMO, folder)
    return folder


@pytest.fixture
def launch(home: Path, demo_audio: Path) -> Iterator[Launch]:
    started: list[Launched] = []

    def start(folder: Path = home, **variables: str) -> Launched:
        started.append(Launched(folder, EMOTUNE_AUDIO=str(demo_audio), **variables))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def _in_the_foreground() -> Iterator[None]:
    """Whoever runs the tests in the background has them started with Ctrl-C ignored, and what they start, too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def wait_until_up(process: Launched) -> list[psutil.Process]:
    process.wait_until_up()
    assert status_of(process.url) == status_of(f"http://localhost:{process.port}") == 200
    return process.family()


def child(processes: list[psutil.Process], name: str) -> psutil.Process:
    return next(process for process in processes if name in process.cmdline())


def assert_all_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_S)
    assert alive == []


@pytest.mark.short
def test_two_at_once_have_a_broker_each_and_each_stops_all_of_its_own_on_sigterm(launch, prepared, tmp_path):
    prepared.lay(DEMO, tmp_path)
    both = [launch(), launch(tmp_path)]
    families = [wait_until_up(process) for process in both]
    urls = [{child(family, name).environ()["REDIS_URL"] for name in ("web", "worker", "jobs")} for family in families]
    assert [len(each) for each in urls] == [1, 1]
    assert urls[0] != urls[1]
    for process, family in zip(both, families, strict=True):
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(timeout=PATIENCE_S) == 0
        assert_all_gone(family)
        assert process.words().count("emotune is at") == 1
        assert "KeyboardInterrupt" not in process.words()


@pytest.mark.parametrize("name", ["worker", "jobs"])
def test_a_worker_that_dies_ends_the_web_process_and_is_named(launch, name):
    process = launch()
    processes = wait_until_up(process)
    child(processes, name).kill()
    assert process.popen.wait(timeout=PATIENCE_S) == 1
    assert f"The {name} process was ended by SIGKILL" in process.words()
    assert_all_gone(processes)


@pytest.mark.usefixtures("_in_the_foreground")
def test_after_a_killed_launcher_the_next_one_starts_on_the_same_port_and_stops_on_ctrl_c(launch):
    first = launch()
    orphans = wait_until_up(first)
    first.popen.kill()
    second = launch(PORT=str(first.port))
    processes = wait_until_up(second)
    assert_all_gone(orphans)
    second.popen.send_signal(signal.SIGINT)
    assert second.popen.wait(timeout=PATIENCE_S) == 0
    assert_all_gone(processes)
    assert "KeyboardInterrupt" not in second.words()


@pytest.fixture
def locked(home: Path) -> Iterator[Path]:
    """A data folder that another emotune runs from."""
    folder = home / "data"
    with (folder / "running.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def test_a_folder_that_another_one_runs_from_is_one_line_that_says_what_to_type(launch, locked):
    """With a broker of its own it would take the other's captures and jobs for lost."""
    process = launch(PORT="8000")
    assert process.popen.wait(timeout=PATIENCE_S) == 1
    line = f"emotune runs from {locked} already. Stop it, or choose another folder and port: "
    assert process.words() == f"{line}EMOTUNE_DIR=var2 PORT=8001 make run\n"


def test_where_all_share_a_redis_they_may_share_the_folder(launch, locked):
    process = launch(REDIS_URL="redis://127.0.0.1:1/0", HOST="192.0.2.1")
    assert process.popen.wait(timeout=PATIENCE_S) == 1
    assert process.words().startswith("192.0.2.1:")


def test_a_port_in_use_is_one_line_that_says_what_to_type(launch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = launch(PORT=str(port))
        assert process.popen.wait(timeout=PATIENCE_S) == 1
    assert process.words() == f"Port {port} is taken. Choose another one: PORT={port + 1} make run\n"


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="a machine without IPv6")
def test_a_port_that_another_program_has_at_the_other_address_of_localhost_is_taken(launch):
    """A browser that opens localhost could land there."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        process = launch(PORT=str(port))
        assert process.popen.wait(timeout=PATIENCE_S) == 1
    assert process.words() == f"Port {port} is taken. Choose another one: PORT={port + 1} make run\n"


def test_figures_of_processes_that_have_ended_are_not_added_up(launch, home):
    folder = home / "data" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    nobody = 99_999_999  # more than any system counts to
    former, running = folder / f"counter_{nobody}.db", folder / f"counter_{os.getpid()}.db"
    for file in (former, running):
        file.touch()
    process = launch(HOST="192.0.2.1")
    assert process.popen.wait(timeout=PATIENCE_S) == 1
    assert former.exists()
    process = launch()
    wait_until("its processes", process.family)
    assert not former.exists()
    assert running.exists()
    running.unlink()


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"PORT": "http"}, r"PORT is 'http'; set it to a number, as in PORT=8001 make run"),
        ({"PORT": "²"}, r"PORT is '²'; set it to a number, as in PORT=8001 make run"),
        ({"HOST": "192.0.2.1"}, r"192\.0\.2\.1:\d+ cannot be used: .*\. Set HOST and PORT\."),
        ({"REDIS_URL": "localhost"}, r"REDIS_URL must look like redis://host:6379/0; .*"),
        ({"DATABASE_URL": "mysql://localhost/x"}, r"DATABASE_URL must look like postgres://.*"),
        ({"DATABASE_URL": "sqlite://"}, r"DATABASE_URL must look like postgres://.* or sqlite:///path.*"),
        ({"EMOTUNE_MODEL": "/typo"}, r"EMOTUNE_MODEL is /typo, where no model is"),
        ({"PROMETHEUS_MULTIPROC_DIR": "/proc/no"}, r"PROMETHEUS_MULTIPROC_DIR is /proc/no, which cannot be made: .*"),
    ],
)
def test_what_it_cannot_use_is_one_line(launch, variables, line):
    process = launch(**variables)
    assert process.popen.wait(timeout=PATIENCE_S) == 1
    assert re.fullmatch(line, process.words().strip())


def test_a_database_that_does_not_answer_is_one_line(launch):
    nobody = free_port()
    process = launch(DATABASE_URL=f"postgres://emotune@127.0.0.1:{nobody}/emotune")
    assert process.popen.wait(timeout=PATIENCE_S) == 1
    assert re.search(r"^The database cannot be used: .*refused", process.words(), re.MULTILINE)
    assert "Traceback" not in process.words()


def test_a_log_that_cannot_be_written_is_read_on(monkeypatch):
    """Else the pipe fills, its process waits for ever, and so does whoever opens a page."""

    def refuse(_words):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    child: Any = SimpleNamespace(name="web", process=SimpleNamespace(stdout=iter([b"one\n", b"two\n"])))
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=refuse))
    launcher.Child._pass_on_log(child)
    assert list(child.process.stdout) == []


def test_what_was_started_to_go_on_after_its_terminal_goes_on(monkeypatch):
    """As by `nohup make run &`."""
    handlers: dict[int, Any] = {
        signal.SIGHUP: signal.SIG_IGN,
        signal.SIGINT: signal.SIG_IGN,
        signal.SIGTERM: signal.SIG_DFL,
    }
    monkeypatch.setattr(signal, "getsignal", handlers.get)
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    launcher.on_ending(signal.default_int_handler)
    assert handlers[signal.SIGHUP] == handlers[signal.SIGINT] == signal.SIG_IGN
    assert handlers[signal.SIGTERM] is signal.default_int_handler


def test_the_reader_is_warm_when_a_worker_told_redis_so_whatever_its_log_looks_like(monkeypatch):
    found, said, stopping = FakeRedis(), [], threading.Event()

    def say(line):
        said.append(line)
        if line.startswith("emotune is at"):
            voice.is_warm = True
            voice.say()
        elif line.startswith("The reader is warm"):
            stopping.set()

    monkeypatch.setattr(launcher, "say", say)
    monkeypatch.setattr(launcher, "status_of", lambda *_: 200)
    monkeypatch.setattr(store, "client", lambda: found)
    voice = workers.Voice(workers.FACES)
    voice.say()
    assert launcher.watch([], "localhost", 8000, found, stopping) == 0
    assert said[1:] == ["The reader is warm: faces are read at once from now on.", "Stopping ..."]


@pytest.mark.parametrize("role", ["web", "worker", "jobs"])
def test_a_role_runs_as_it_does_for_other_people_but_for_a_few_options(role):
    addresses = ["127.0.0.1:8000", "[::1]:8000"] if role == "web" else []
    common, here = serve.command(role, ["--bind=x"] if role == "web" else []), processes.command_here(role, addresses)
    assert [option for option in common if option not in here] == (["--bind=x"] if role == "web" else [])
    clock = ["--beat", f"--schedule={settings.DATA_DIR / 'beat'}"]
    own = {"web": ["--workers=1", "--graceful-timeout=5", *(f"--bind={each}" for each in addresses)]}
    assert here[len(common) - len(addresses[:1]) :] == own.get(role, ["--without-heartbeat"]) + clock * (role == "jobs")


def test_it_waits_for_the_words_that_the_worker_says():
    assert f'"{READER_IS_WARM}"' in (ROOT / "detection" / "tasks.py").read_text()


def make(*arguments: str, cwd: Path = ROOT) -> "subprocess.Popen[str]":
    # not as a part of the make that may run these tests
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    command = ["make", *arguments]
    return subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.skipif(not (ROOT / ".venv" / "requirements-dev.stamp").exists(), reason="not set up by make")
def test_make_setup_is_silent_when_there_is_nothing_to_do():
    make("setup").communicate(timeout=300)
    both = [make("setup"), make("setup")]
    assert [process.communicate(timeout=PATIENCE_S)[0] for process in both] == ["", ""]
    assert [process.returncode for process in both] == [0, 0]


def script(file: Path, words: str) -> None:
    file.write_text(f"#!/bin/sh\n{words}\n")
    file.chmod(0o755)


@pytest.mark.parametrize("has_gone", [True, False])
def test_make_mends_an_environment_whose_python_has_gone(tmp_path, has_gone):
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-web.txt", "requirements-worker.txt"):
        (tmp_path / name).touch()
    for name in ("made.stamp", "requirements.stamp"):
        (tmp_path / ".venv" / name).touch()
    script(tmp_path / "working", '[ "$2" = pip ] && echo "pip is asked" || exec ' + f'"{sys.executable}" "$@"')
    # what makes an environment here only brings its Python
    makes = f'[ "$2" = venv ] && exec ln -sf ../../working .venv/bin/python; exec "{sys.executable}" "$@"'
    script(tmp_path / "python", makes)
    (binaries / "python").symlink_to(tmp_path / ("gone" if has_gone else "working"))
    words = make("setup", "PYTHON=./python", cwd=tmp_path).communicate(timeout=PATIENCE_S)[0].splitlines()
    assert [line.split()[0] for line in words] == (["Making", "Installing", "pip"] if has_gone else [])
    assert make("setup", "PYTHON=./python", cwd=tmp_path).communicate(timeout=PATIENCE_S)[0] == ""


def test_make_calls_no_program_that_names_the_folder_it_was_installed_in():
    """Else nothing works in a checkout that was moved."""
    assert set(re.findall(r"(?:\(BIN\)|/bin)/(\w+)", (ROOT / "Makefile").read_text())) == {"python"}


def test_make_names_the_pythons_that_will_do():
    process = make("setup", "PYTHON=false")
    words = process.communicate(timeout=PATIENCE_S)[0]
    assert words.splitlines()[0].startswith("emotune needs Python 3.11, 3.12 or 3.13.")
    assert process.returncode == 2
