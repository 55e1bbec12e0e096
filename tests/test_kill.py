"""Worker and broker killed in the middle of a capture: it ends as it should, and the page says what is the matter."""

import os
import signal
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from emotune.settings import CELERY_TASK_TIME_LIMIT
from tests.browser import jpeg, smiling_photograph
from tests.person import Person, frames_of, held_in_the_middle
from tests.prepared import DEMO
from tests.servers import READER_IS_WARM, Process, Redis, Stack, server_folder, wait_until

pytestmark = pytest.mark.short

FRAMES = [jpeg(smiling_photograph().resize((2400, 1800)))] * 4


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    """A Redis of this module's own, to be killed."""
    with server_folder("redis") as folder:
        server = Redis(folder)
        yield server
        server.stop()


@pytest.fixture(scope="module")
def database(postgres) -> str:
    url: str = postgres.url("kill", like=DEMO)
    return url


@pytest.fixture(scope="module")
def stack(tmp_path_factory, model, demo_audio, database, redis) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("kill"), database_url=database, redis_url=redis.url, audio=demo_audio)
    yield running
    running.stop()


@pytest.fixture
def worker(stack: Stack) -> Iterator[Process]:
    yield stack.start_worker()
    stack.stop_worker()


@pytest.fixture
def person(stack: Stack) -> Person:
    return Person(stack.url)


def attempts(database: str, capture: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT attempts FROM detection_capture WHERE id = %s", [capture]).fetchone()
    assert row
    return int(row[0])


def test_a_reading_process_that_dies_is_replaced_and_the_capture_is_read(person, worker, database):
    """As when memory runs out: Celery itself starts another process and gives the message back."""
    with held_in_the_middle(person, database, FRAMES) as capture:
        for child in psutil.Process(worker.pid).children():
            child.kill()
    assert "happy" in person.wait_for(capture, "done", seconds=30).text
    assert attempts(database, capture) == 2


def locked(connection: psycopg.Connection, capture: str, attempt: int) -> bool:
    """Hold the row of a capture if that attempt is being made just now; else hold nothing."""
    held = "SELECT 1 FROM detection_capture WHERE id = %s AND status = 'reading' AND attempts = %s FOR UPDATE"
    if connection.execute(held, [capture, attempt]).fetchone():
        return True
    connection.rollback()
    return False


def test_a_capture_that_kills_its_worker_each_time_is_given_up_after_three(person, worker, database):
    """The others go on: the worker reads the next capture."""
    with psycopg.connect(database) as connection:
        capture = person.show(FRAMES)
        for attempt in (1, 2, 3):
            wait_until(
                f"attempt {attempt}",
                lambda: locked(connection, capture, attempt),  # noqa: B023
                pause=0.002,
            )
            for child in psutil.Process(worker.pid).children():
                child.kill()
            connection.rollback()
    assert "went wrong several times" in person.wait_for(capture, "failed", seconds=15).text
    assert attempts(database, capture) == 3
    assert "happy" in person.wait_for(person.show(FRAMES[:1]), "done", seconds=30).text


def test_a_process_that_hangs_is_ended_and_its_capture_ends_in_words(person, worker, database):
    """It waits for a lock of ours when its time is over, and goes on waiting: after twenty seconds it is killed."""
    with held_in_the_middle(person, database, FRAMES) as capture:
        (hanging,) = psutil.Process(worker.pid).children()
        hanging.wait(timeout=CELERY_TASK_TIME_LIMIT + 45)
    assert "took too long" in person.wait_for(capture, "failed", seconds=60).text
    assert "happy" in person.wait_for(person.show(FRAMES[:1]), "done", seconds=40).text
    assert hanging not in psutil.Process(worker.pid).children()


def test_a_process_that_has_grown_is_replaced_by_a_warm_one_and_no_capture_is_lost(person, stack):
    """Every process has more than one megabyte, so each reads one capture and goes."""
    stack.env["WORKER_MAX_MEMORY_MB"] = "1"
    try:
        worker = stack.start_worker()
    finally:
        del stack.env["WORKER_MAX_MEMORY_MB"]
    readers = set()
    for _ in range(3):
        (reader,) = wait_until("a reading process", lambda: psutil.Process(worker.pid).children())
        readers.add(reader.pid)
        assert "happy" in person.wait_for(person.show(FRAMES[:1]), "done", seconds=40).text
        reader.wait(timeout=20)
    assert len(readers) == 3
    stack.stop_worker()


def test_a_worker_is_warm_before_it_is_ready_and_takes_a_capture(person, stack, worker):
    person.wait_for(person.show(FRAMES[:1]), "done")
    words = worker.words().rpartition(READER_IS_WARM)
    assert "ready." not in words[0].rpartition("ready.")[2]
    assert words[2].index(" ready.") < words[2].index("detection.read_capture")


def test_a_worker_killed_in_the_middle_and_started_again_reads_the_capture(person, stack, worker, database):
    with held_in_the_middle(person, database, FRAMES) as capture:
        worker.kill()
    assert 'data-status="reading"' in person.look(capture).text
    stack.start_worker()
    assert "happy" in person.wait_for(capture, "done", seconds=60).text
    assert attempts(database, capture) == 2


def test_a_capture_waits_for_a_worker_that_is_not_there(person, stack):
    capture = person.show(FRAMES[:1])
    assert 'data-status="queued"' in person.look(capture).text
    stack.start_worker()
    assert "happy" in person.wait_for(capture, "done").text
    stack.stop_worker()


def test_a_broker_that_hangs_is_named_on_the_page_and_nothing_is_lost(person, stack, redis):
    capture = person.show(FRAMES[:1])
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        page = wait_until("words", lambda: stalled(person, capture), seconds=30, pause=1)
        assert "goes on as soon as it answers" in page
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    stack.start_worker()
    assert "happy" in person.wait_for(capture, "done", seconds=60).text
    stack.stop_worker()


def stalled(person: Person, capture: str) -> str:
    page = person.look(capture).text
    return page if "The reader cannot be reached" in page else ""


def test_without_a_broker_pictures_are_refused_in_words_and_the_rest_goes_on(person, stack, redis):
    capture = person.show(FRAMES[:1])
    worker = stack.start_worker()
    person.wait_for(capture, "done")
    redis.kill()
    try:
        refused = person.post("/captures/", **frames_of(FRAMES[:1]))
        assert refused.status == 503
        assert "cannot be reached just now" in refused.text
        named = person.post("/captures/name/", emotion="sad")
        assert named.status == 200
        assert 'data-emotion="sad"' in named.text
        assert person.get(f"/captures/{capture}/playlist/").text.count('class="track"') == 15
        assert worker.popen.poll() is None, "the worker waits for its broker"
    finally:
        redis.start()
    again = person.show(FRAMES[:1])
    assert "happy" in person.wait_for(again, "done", seconds=60).text
    stack.stop_worker()


def test_a_broker_that_comes_back_empty_ends_the_capture_in_words(person, stack, redis):
    capture = person.show(FRAMES[:1])
    redis.kill()
    redis.start()
    stack.start_worker()
    page = person.wait_for(capture, "expired", seconds=90).text
    assert "Nothing was kept; please try again" in page
    stack.stop_worker()
