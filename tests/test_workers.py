"""Worker processes tell that they are there, warm or not, busy or not, until they leave or are forgotten."""

from types import SimpleNamespace

import pytest
import redis
from fakeredis import FakeRedis

from emotune import store, workers
from emotune.workers import FACES, JOBS, Voice, present, warm_readers
from tests.servers import redis_that_is_away, wait_until


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    found = FakeRedis()
    monkeypatch.setattr(store, "client", lambda: found)
    yield found
    for voice in workers._voices:
        voice.leave()
    workers._voices.clear()


def silent_for(memory, name, seconds):
    memory.pexpire(f"emotune:worker:{name}", int(1000 * (workers.FORGET_AFTER_S - seconds)))


def test_a_process_says_what_it_is():
    Voice(JOBS).say()
    (worker,) = present()
    assert (worker.role, worker.is_warm, worker.task_s, worker.tasks, worker.load) == (JOBS, False, None, 0, 0.0)
    assert worker.memory > 10_000_000
    assert not worker.is_silent


@pytest.mark.parametrize(("system", "unit"), [("linux", 1024), ("darwin", 1)])
def test_where_the_system_does_not_say_memory_is_the_most_that_there_was(monkeypatch, system, unit):
    def fail(_):
        raise FileNotFoundError

    monkeypatch.setattr("pathlib.Path.read_text", fail)
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("resource.getrusage", lambda _: SimpleNamespace(ru_maxrss=300))
    assert workers.resident_bytes() == 300 * unit


def test_a_reader_counts_once_it_is_warm_and_as_long_as_it_speaks(memory):
    voice = Voice(FACES)
    voice.say()
    assert warm_readers() == 0
    voice.is_warm = True
    voice.say()
    assert warm_readers() == 1
    silent_for(memory, voice.name, workers.SILENT_AFTER_S + 1)
    assert warm_readers() == 0
    (worker,) = present()
    assert worker.is_silent


def test_processes_of_one_host_name_and_number_are_two(memory):
    """Containers on their host's network are such."""
    voices = [Voice(FACES), Voice(JOBS)]
    for voice in voices:
        voice.say()
    assert {worker.role for worker in present()} == {FACES, JOBS}


def test_one_that_is_forgotten_leaves_no_name_behind(memory):
    voice = Voice(FACES)
    voice.say()
    memory.delete(f"emotune:worker:{voice.name}")
    assert present() == []
    assert memory.smembers(workers.NAMES) == set()


def test_load_is_the_share_of_time_in_tasks(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=lambda: now[0]))
    workers._voices[:] = [voice] = [Voice(FACES)]
    for idle, busy in ((3, 4), (2, 1)):
        now[0] += idle
        workers.note_begin()
        now[0] += busy
        voice.say()
        (worker,) = present()
        assert worker.task_s == busy
        workers.note_end()
    assert (worker.load, worker.up_s, worker.tasks) == (0.5, 10, 1)


def test_a_process_speaks_by_itself_counts_its_tasks_and_says_goodbye():
    workers.begin()
    wait_until("the first word", present, seconds=5)
    assert present()[0].role == FACES
    workers.note_begin()
    assert workers._voices[0].task_since is not None
    workers.note_end()
    workers.say_warm()
    (worker,) = present()
    assert (worker.tasks, worker.task_s, worker.is_warm) == (1, None, True)
    workers.end()
    assert present() == []


def test_it_goes_on_while_redis_is_away(monkeypatch):
    monkeypatch.setattr(store, "client", redis_that_is_away)
    voice = Voice(FACES)
    voice.say()
    voice.leave()
    with pytest.raises(redis.RedisError):
        present()
