"""The bytes of a capture are looked for on disks, in rows, logs and messages: before, while and after it is read."""

import base64
import http.client
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import psycopg
import pytest
import redis
from PIL import Image

from tests.browser import jpeg, smiling_photograph
from tests.person import Person, capture_in, frames_of, held_in_the_middle
from tests.prepared import DEMO
from tests.servers import Postgres, Redis, Stack, server_folder, wait_until

# Temporary files of any program lie here.
SHARED = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
LARGEST = 256 * 1024**2
# An account, a session or a track is smaller than this; no picture is.
ROW = 5000


def grainy_picture(seed: int) -> bytes:
    """Return a large JPEG of the smiling face, with grain that no other picture has."""
    pixels = np.asarray(smiling_photograph().resize((1920, 1440)), np.int16)
    grain = np.random.default_rng(seed).integers(-24, 25, pixels.shape, np.int16)
    return jpeg(Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8)))


FRAMES = [grainy_picture(seed) for seed in range(3)]


def needles() -> list[bytes]:
    """Return pieces of each frame, as they are, in base64 at each of its three phases and in hexadecimal."""
    pieces = [frame[at : at + 24] for frame in FRAMES for at in range(2000, len(frame) - 24, len(frame) // 4)]
    coded = [base64.b64encode(piece[phase:])[4:24] for piece in pieces for phase in range(3)]
    return [*pieces, *coded, *(piece.hex().encode() for piece in pieces)]


NEEDLES = needles()


def words() -> np.ndarray:
    """Return the sorted words of 8 bytes of which a file has one at a multiple of 8 wherever it has a needle."""
    return np.unique([np.frombuffer(needle, np.uint64, 1, phase)[0] for needle in NEEDLES for phase in range(8)])


WORDS = words()


class Places:
    """Every place where a picture could have been left by a stack and its servers since a moment."""

    def __init__(self, stack: Stack, *folders: Path) -> None:
        self.stack, self.folders, self.since = stack, (stack.folder, *folders), time.time() - 1

    def processes(self) -> Iterator[psutil.Process]:
        for process in filter(None, (self.stack.web, self.stack.worker)):
            parent = psutil.Process(process.pid)
            yield from (parent, *parent.children(recursive=True))

    def files(self) -> Iterator[Path]:
        """Yield what was written to since that moment, and what our processes hold open, with a name or without."""
        for folder in (*self.folders, *SHARED):
            for parent, _, names in os.walk(folder):
                yield from (file for name in names if self.is_new(file := Path(parent, name)))
        for process in self.processes():
            yield from (file for file in Path(f"/proc/{process.pid}/fd").glob("*") if file.is_file())

    def is_new(self, file: Path) -> bool:
        try:
            found = file.lstat()
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and max(found.st_mtime, found.st_ctime) > self.since

    def found(self) -> list[str]:
        return sorted({str(file) for file in self.files() if holds_a_needle(file)})


def holds_a_needle(file: Path) -> bool:
    try:
        if file.stat().st_size > LARGEST:
            return False
        text = file.read_bytes()
    except OSError:
        return False
    # to look for words first is several times as fast
    found = np.frombuffer(text, np.uint64, len(text) // 8)
    near = WORDS.take(WORDS.searchsorted(found), mode="clip")
    return bool((near == found).any()) and any(needle in text for needle in NEEDLES)


@pytest.fixture(scope="module")
def broker() -> Iterator[Redis]:
    with server_folder("redis") as folder:
        server = Redis(folder)
        yield server
        server.stop()


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> str:
    return postgres.url("traces", like=DEMO)


@pytest.fixture(scope="module")
def stack(tmp_path_factory, model, demo_audio, database, broker) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("traces"), database_url=database, redis_url=broker.url, audio=demo_audio)
    yield running
    running.stop()


@pytest.fixture
def places(stack, postgres, broker) -> Places:
    return Places(stack, postgres.folder, broker.folder)


def test_the_search_finds_what_lies_about(places, stack):
    left = stack.folder / "tmp" / "left"
    found = []
    for content in (b"..." + FRAMES[1][5000:-5000], base64.b64encode(FRAMES[2])):
        left.write_bytes(content)
        found += places.found()
    left.unlink()
    assert found == [str(left)] * 2
    assert places.found() == []


def test_a_large_upload_touches_no_disk_while_it_comes_in(places, stack):
    person = Person(stack.url)
    body, headers = person.form(**frames_of(FRAMES))
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.cookies)
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    connection.putrequest("POST", "/captures/")
    for name, value in (headers | {"Cookie": cookies, "Content-Length": str(len(body))}).items():
        connection.putheader(name, value)
    connection.endheaders()
    most = len(body) * 9 // 10
    connection.send(body[:most])
    time.sleep(1)
    assert most > 2_500_000, "Django would spool this to a disk if it were left to itself"
    assert places.found() == []
    connection.send(body[most:])
    answer = connection.getresponse()
    assert (answer.status, capture_in(answer.headers["Location"]) != "") == (302, True)
    connection.close()


def test_a_capture_leaves_its_bytes_nowhere(places, stack, database, broker):
    person = Person(stack.url)
    with redis.Redis.from_url(broker.url) as store:
        store.flushall()
        capture = person.show(FRAMES)
        assert messages(store) == [[capture]], "a message holds the id alone"
        assert 0 < store.ttl(key_of(capture)) <= 300
        store.save()  # as a Redis would that somebody set to keep its memory on a disk
        assert (broker.folder / "dump.rdb").stat().st_size > sum(map(len, FRAMES))
        assert places.found() == []

        worker = stack.start_worker()
        with held_in_the_middle(person, database, FRAMES) as read:
            wait_until("the worker to be through with its pictures", lambda: somebody_waits(database), pause=0.01)
            assert status_of_capture(database, read) == "reading"
            assert store.exists(key_of(read))
            assert places.found() == []
            assert status_of_capture(database, read) == "reading"
        assert "happy" in person.wait_for(read, "done").text
        wait_until("the pictures to be gone", lambda: not store.exists(key_of(capture), key_of(read)))
        store.save()
    assert places.found() == []
    assert longest_row(database) < ROW
    assert read in worker.words()


def key_of(capture: str) -> str:
    return f"emotune:capture:{capture}"


def messages(store: "redis.Redis") -> list[list[str]]:
    raw = [json.loads(message) for message in store.lrange("celery", 0, -1)]
    assert all(len(json.dumps(message)) < 2000 for message in raw)
    return [json.loads(base64.b64decode(message["body"]))[0] for message in raw]


def status_of_capture(database: str, capture: str) -> str:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT status FROM detection_capture WHERE id = %s", [capture]).fetchone()
    assert row
    return str(row[0])


def somebody_waits(database: str) -> bool:
    """Whether a process waits for a lock, as the worker does that has an outcome to write."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(database) as connection:
        return bool(connection.execute(waiting).fetchone())


def longest_row(database: str) -> int:
    with psycopg.connect(database) as connection:
        tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        assert "detection_capture" in tables
        rows = [connection.execute(f'SELECT max(length(t::text)) FROM "{name}" t').fetchone() for name in tables]
    return max(row[0] or 0 for row in rows if row)


@pytest.mark.short
def test_on_sqlite_and_the_built_in_broker_nothing_is_left_either(tmp_path_factory, model, prepared, redis_url):
    folder = tmp_path_factory.mktemp("traces-sqlite")
    prepared.lay(DEMO, folder)
    stack = Stack(folder, database_url="", redis_url=redis_url, audio=prepared.audio)
    try:
        places, person = Places(stack), Person(stack.url)
        capture = person.show(FRAMES)
        assert places.found() == []
        stack.start_worker()
        person.wait_for(capture, "done")
        assert (folder / "data" / "emotune.sqlite3").stat().st_size > 0
        assert places.found() == []
    finally:
        stack.stop()
    assert list((folder / "tmp").iterdir()) == [], "no library leaves anything either, such as a session of telemetry"
