"""A disk without any room left: emotune's own folder, and PostgreSQL's."""

import contextlib
import os
import subprocess
import time

import psutil
import pytest

from tests.faults.installation import Installation
from tests.faults.invariants import GO_ON_S, check, fault
from tests.faults.jobs import ROWS, ended, path_in, upload
from tests.faults.stream import Stream
from tests.servers import Postgres, server_folder, wait_until

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def small_disk(folder, megabytes):
    """Mount a file system of some megabytes, as root; nobody else may."""
    if os.geteuid() != 0:
        pytest.skip("a small file system can be mounted by root alone")
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def filled(folder):
    """Leave no byte of room, and give it back afterwards."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65536)
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0")
    try:
        yield
    finally:
        ballast.unlink()


def test_no_room_in_the_folder_of_emotune(installation):
    """Faces are read as ever; what needs a file is refused in words, and no process dies."""
    with small_disk(installation.folder / "small", 24) as disk:
        for role in ("web", "worker", "jobs"):
            installation.stop(role)
            installation.start(role, EMOTUNE_DIR=str(disk), PROMETHEUS_MULTIPROC_DIR=str(disk / "metrics"))
        stream = Stream(installation)
        stream.start()
        time.sleep(2)
        before = [process.pid for role in ("web", "jobs") for process in installation.roles[role].family()]
        with fault() as span, filled(disk):
            status, words = upload(installation, "Refused")
            time.sleep(10)
            installation.stop("worker")
            installation.start("worker", EMOTUNE_DIR=str(disk), PROMETHEUS_MULTIPROC_DIR=str(disk / "metrics"))
            time.sleep(5)
        assert status == 503
        assert "no room" in words
        time.sleep(GO_ON_S)
        assert set(check(stream, span, within=60)) == {"done"}
        assert [pid for pid in before if not psutil.pid_exists(pid)] == []
        status, body = upload(installation, "Somebody")
        assert status == 202, body
        path, token = path_in(body), installation.admin_token
        done = wait_until("the import", lambda: ended(installation, path, token), 90, pause=0.5)
        assert (done["state"], done["rows"], done["rejected"]) == ("done", ROWS, 0)
        for role in ("web", "worker", "jobs"):
            installation.stop(role)


def test_no_room_in_the_folder_of_the_database(installation, demo_audio):
    """What cannot be written is refused in words; when there is room again, it goes on."""
    for role in list(installation.roles):
        installation.stop(role)
    with server_folder("full") as folder, small_disk(folder / "disk", 160) as disk:
        (folder / "emotune").mkdir()
        postgres = Postgres(disk, keeps_its_word=True)
        other = Installation(folder / "emotune", postgres, installation.redis, demo_audio)
        try:
            other.make_whole()
            stream = Stream(other)
            stream.start()
            time.sleep(3)
            with fault() as span:
                with filled(disk):
                    time.sleep(10)
                if postgres.popen.poll() is not None:
                    postgres.start()
            time.sleep(GO_ON_S)
            ends = check(stream, span, within=120, attempts=2)
            assert set(ends) <= {"done", "expired"}
        finally:
            other.stop_all()
            postgres.stop()
