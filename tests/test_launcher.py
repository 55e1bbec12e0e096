"""`make run`: what it starts, what it says, and that nothing of it stays behind."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from emotune.launcher import READER_IS_WARM
from tests.prepared import DEMO
from tests.servers import ROOT, Launched, free_port, status_of, wait_until

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

    def start(**variables: str) -> Launched:
        started.append(Launched(home, EMOTUNE_AUDIO=str(demo_audio), **variables))
        return started[-1]

    yield start
    for process in started:
        process.kill()


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
def test_two_at_once_have_a_broker_each_and_each_stops_all_of_its_own_on_sigterm(launch):
    both = [launch(), launch()]
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
        ({"HOST": "192.0.2.1"}, r"192\.0\.2\.1:\d+ cannot be used: .*\. Set HOST and PORT\."),
        ({"REDIS_URL": "localhost"}, r"REDIS_URL must look like redis://host:6379/0"),
        ({"DATABASE_URL": "mysql://localhost/x"}, r"DATABASE_URL must look like postgres://.*"),
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


def test_it_waits_for_the_words_that_the_worker_says():
    assert f'"{READER_IS_WARM}"' in (ROOT / "detection" / "tasks.py").read_text()


def make(*arguments: str) -> "subprocess.Popen[str]":
    # not as a part of the make that may run these tests
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    command = ["make", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.skipif(not (ROOT / ".venv" / "requirements-dev.stamp").exists(), reason="not set up by make")
def test_make_setup_is_silent_when_there_is_nothing_to_do():
    make("setup").communicate(timeout=300)
    both = [make("setup"), make("setup")]
    assert [process.communicate(timeout=PATIENCE_S)[0] for process in both] == ["", ""]
    assert [process.returncode for process in both] == [0, 0]


def test_make_names_the_pythons_that_will_do():
    process = make("setup", "PYTHON=false")
    words = process.communicate(timeout=PATIENCE_S)[0]
    assert words.splitlines()[0].startswith("emotune needs Python 3.11, 3.12 or 3.13.")
    assert process.returncode == 2
