"""Hostile uploads by HTTP, to a real web process and a real worker: nothing dies, nothing hangs, nothing answers 500.

`EMOTUNE_HOSTILE=5000 pytest -m slow tests/test_hostile_uploads.py -s` sends 5,000 and prints what came of them.
"""

import http.client
import os
import re
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from tests.browser import jpeg, smiling_photograph
from tests.hostile_files import Hostile, bombs, forms, part
from tests.person import Person, capture_in
from tests.prepared import MIGRATED
from tests.servers import READER_IS_WARM, Process, environment, free_port, status_of, wait_until

COUNT = int(os.environ.get("EMOTUNE_HOSTILE", "400"))
SEED = int(os.environ.get("EMOTUNE_HOSTILE_SEED", "1"))
SENDERS = 4
SOUND_EVERY = 50
# A picture of 64 million pixels with transparency has 256 MB, and twice that on its way to RGB.
MOST_WORKER_MB, MOST_WEB_MB = 1400, 700
OVER = ("done", "unsure", "no_face", "failed", "expired")
DEATHS = re.compile(r"WorkerLostError|TimeLimitExceeded|SIGKILL|SIGSEGV|signal 9|signal 11|MemoryError|WORKER TIMEOUT")


class Site:
    """A web process and a worker on PostgreSQL and Redis, with a limit of captures that nobody reaches."""

    def __init__(self, folder: Path, database: str, broker: str) -> None:
        self.database, port = database, free_port()
        env = environment(
            folder, DATABASE_URL=database, REDIS_URL=broker, CAPTURES_PER_MINUTE="1000000", WEB_WORKERS="2"
        )
        serve = (sys.executable, "-m", "emotune.serve")
        self.worker = Process(*serve, "worker", log=folder / "worker.log", env=env)
        self.web = Process(*serve, "web", f"--bind=127.0.0.1:{port}", log=folder / "web.log", env=env)
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        wait_until("the web process", lambda: status_of(self.url + "/healthz") == 200)
        wait_until("a warm reader", lambda: READER_IS_WARM in self.worker.words(), seconds=120)

    def captures(self) -> dict[str, tuple[str, float]]:
        """Return status and seconds from the claim to the end of each capture."""
        ask = "SELECT id, status, extract(epoch FROM coalesce(finished_at - claimed_at, '0')) FROM detection_capture"
        with psycopg.connect(self.database) as connection:
            return {str(row[0]): (row[1], float(row[2])) for row in connection.execute(ask)}

    def open_captures(self) -> int:
        return sum(status not in OVER for status, _ in self.captures().values())

    def stop(self) -> None:
        self.web.stop()
        self.worker.stop()


class Peaks(threading.Thread):
    """The most memory that processes and their children have held, in MB, and who they were."""

    def __init__(self, **roots: int) -> None:
        super().__init__(daemon=True)
        self.roots, self.most, self.over = roots, dict.fromkeys(roots, 0.0), threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            for name, pid in self.roots.items():
                for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                    try:
                        text = Path(f"/proc/{process.pid}/status").read_text()
                    except OSError:
                        continue
                    if found := re.search(r"VmHWM:\s+(\d+)", text):
                        self.most[name] = max(self.most[name], int(found[1]) / 1024)


class Sender(threading.Thread):
    """Sends every SENDERS-th form over one connection, and notes status, seconds and what was accepted."""

    def __init__(self, site: Site, person: Person, number: int) -> None:
        super().__init__(daemon=True)
        self.site, self.number = site, number
        cookies = {cookie.name: cookie.value for cookie in person.cookies}
        self.headers = {"Cookie": "; ".join(f"{n}={v}" for n, v in cookies.items()), "Accept": "text/html"}
        self.headers["X-CSRFToken"] = cookies["csrftoken"] or ""
        self.notes: list[tuple[str, int, float]] = []
        self.accepted: dict[str, str] = {}

    def run(self) -> None:
        sound = part(Hostile("sound", jpeg(smiling_photograph()))) + b"--B--\r\n"
        for index, form in enumerate(forms(COUNT, SEED)):
            if index % SENDERS != self.number:
                continue
            is_sound = index % SOUND_EVERY == self.number
            self.send(*(("sound", sound, "multipart/form-data; boundary=B") if is_sound else form))
            if len(self.notes) % 40 == 0:
                wait_until("fewer captures to wait", lambda: self.site.open_captures() < 40, seconds=120, pause=0.3)

    def send(self, kind: str, body: bytes, content_type: str) -> None:
        start = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
        try:
            connection.request("POST", "/captures/", body, self.headers | {"Content-Type": content_type})
            response = connection.getresponse()
            response.read()
            status, place = response.status, response.headers.get("Location") or ""
        except (OSError, http.client.HTTPException) as error:
            status, place = 0, ""
            kind = f"{kind}: {error!r}"
        finally:
            connection.close()
        self.notes.append((kind, status, time.monotonic() - start))
        if "/captures/" in place:
            self.accepted[capture_in(place)] = kind


@pytest.fixture
def running(tmp_path: Path, postgres: Any, real_redis: Any):
    site = Site(tmp_path, postgres.url("hostile", like=MIGRATED), real_redis.url)
    yield site
    site.stop()


@pytest.mark.short
def test_hostile_uploads_harm_nobody(running: Site) -> None:
    person = Person(running.url)
    bombs()  # made once, before the senders ask for them
    peaks = Peaks(web=running.web.pid, worker=running.worker.pid)
    peaks.start()
    senders = [Sender(running, person, number) for number in range(SENDERS)]
    start = time.monotonic()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    sent = time.monotonic() - start
    wait_until("the last captures", lambda: not running.open_captures(), seconds=120)
    spent = time.monotonic() - start
    peaks.over.set()

    notes = [note for sender in senders for note in sender.notes]
    accepted = {capture: kind for sender in senders for capture, kind in sender.accepted.items()}
    ended = running.captures()
    statuses = Counter(status for _, status, _ in notes)
    slowest = max(seconds for _, _, seconds in notes)
    longest = max(seconds for _, seconds in ended.values())
    say = sys.stdout.write
    say(f"\n{len(notes)} uploads in {sent:.0f} s, all over after {spent:.0f} s; answers {dict(statuses)}\n")
    say(f"slowest answer {slowest:.2f} s, longest reading {longest:.2f} s\n")
    say(f"{len(accepted)} accepted; outcomes {dict(Counter(status for status, _ in ended.values()))}\n")
    say(f"peak memory: web {peaks.most['web']:.0f} MB, worker {peaks.most['worker']:.0f} MB\n")

    assert not [note for note in notes if note[1] >= 500 or note[1] == 0]
    assert accepted.keys() == ended.keys()
    assert not DEATHS.search(running.worker.words())
    assert not DEATHS.search(running.web.words())
    sound = {ended[capture][0] for capture, kind in accepted.items() if kind == "sound"}
    assert sound <= {"done", "unsure"}
    assert sound
    assert peaks.most["web"] <= MOST_WEB_MB
    assert peaks.most["worker"] <= MOST_WORKER_MB
    # the worker is as well as before
    person.wait_for(person.show([jpeg(smiling_photograph())]), "done", seconds=30)
