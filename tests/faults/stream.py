"""A steady small stream of captures, by page and by API, and the book that is kept of each of them.

Every third capture is not looked at again after it was sent, as by somebody who closed the page.
"""

import http.client
import io
import itertools
import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.test.client import encode_multipart

from tests.browser import smiling_photograph
from tests.faults.installation import Installation
from tests.person import BOUNDARY, Answer, Person, capture_in, frames_of
from tests.servers import wait_until

EVERY_S = 1.5
LOOK_EVERY_S = 0.5
ENDS = {"done", "no_face", "unsure", "failed", "expired"}
UNREACHABLE = (OSError, http.client.HTTPException)
READ = re.compile(r"capture ([0-9a-f-]{36}): (\w+)")


def photograph(does: bytes = b"") -> bytes:
    """Return a small smiling face, which may say what is to happen to its reader (hooks/sitecustomize.py)."""
    file = io.BytesIO()
    smiling_photograph().resize((480, 360)).save(file, "JPEG", quality=85, comment=does)
    return file.getvalue()


FACE = photograph()


@dataclass
class Seen:
    """One answer that somebody got: status 0 when there was none."""

    at: float
    what: str
    status: int
    words: str = ""
    seconds: float = 0.0


@dataclass
class Sent:
    """One capture that somebody tried to send, and what they were told."""

    at: float
    is_followed: bool
    answer: Seen
    capture: str = ""
    told: str = ""
    told_at: float = 0.0
    next_look: float = 0.0


@dataclass
class Ledger:
    sent: list[Sent] = field(default_factory=list)
    answers: list[Seen] = field(default_factory=list)

    def statuses(self) -> Counter[int]:
        return Counter(seen.status for seen in self.answers)

    def taken(self) -> dict[str, Sent]:
        return {sent.capture: sent for sent in self.sent if sent.capture}


class ByPage:
    """Somebody with a browser, whose page looks at its capture again and again."""

    def __init__(self, installation: Installation) -> None:
        self.person = Person(installation.url)

    def show(self, picture: bytes) -> Answer:
        return self.person.post("/captures/", **frames_of([picture]))

    def look(self, capture: str) -> Answer:
        return self.person.look(capture)

    @staticmethod
    def id_in(answer: Answer) -> str:
        return capture_in(answer.url) if re.search("/captures/[0-9a-f]{8}-", answer.url) else ""

    @staticmethod
    def state_in(answer: Answer) -> str:
        found = re.search(r'data-status="(\w+)"', answer.text)
        return found[1] if found else ""


class ByApi:
    """A program with a token."""

    def __init__(self, installation: Installation, token: str) -> None:
        self.url, self.login = installation.url, {"Authorization": f"Bearer {token}"}

    def show(self, picture: bytes) -> Answer:
        body = encode_multipart(BOUNDARY, frames_of([picture]))
        return self._ask("/captures", body, **{"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})

    def look(self, capture: str) -> Answer:
        return self._ask(f"/captures/{capture}")

    def _ask(self, path: str, body: bytes | None = None, **headers: str) -> Answer:
        request = urllib.request.Request(f"{self.url}/api/v1{path}", body, self.login | headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, answer.url, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.url or "", error.read().decode())

    @staticmethod
    def id_in(answer: Answer) -> str:
        return str(json.loads(answer.text)["id"]) if answer.status == 202 else ""

    @staticmethod
    def state_in(answer: Answer) -> str:
        return str(json.loads(answer.text)["status"]) if answer.status == 200 else ""


class Stream:
    """Four people, each in a thread: they send a capture every EVERY_S, and look at what is not over yet."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.ledger = installation, Ledger()
        self.before = {row[0] for row in installation.rows("SELECT id::text FROM detection_capture")}
        self.kept_before = installation.pictures()
        self.visitor = ByPage(installation)
        self._people: list[ByPage | ByApi] = [
            ByPage(installation),
            ByPage(installation),
            *(ByApi(installation, token) for token in installation.tokens),
        ]
        self._sending, self._over = threading.Event(), threading.Event()
        self._sent: list[list[Sent]] = [[] for _ in self._people]
        self._threads = [threading.Thread(target=self._live, args=(person, n)) for n, person in enumerate(self._people)]
        self._under_way: set[ByPage | ByApi] = set()
        self._problem: BaseException | None = None

    def start(self) -> None:
        self._sending.set()
        for thread in self._threads:
            thread.start()

    def stop_sending(self) -> None:
        self._sending.clear()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(70)
        if self._problem:
            raise self._problem

    def show(self, picture: bytes, *, is_followed: bool = True) -> Sent:
        """Send one picture more, by the first program, who looks after it like any other."""
        sent = self._send(self._people[-1], picture, is_followed=is_followed)
        assert sent.capture, sent.answer
        self._sent[-1].append(sent)
        return sent

    def _live(self, person: "ByPage | ByApi", number: int) -> None:
        mine = self._sent[number]
        numbers = itertools.count(number)
        next_one = time.monotonic() + number * EVERY_S / len(self._people)
        try:
            while not self._over.wait(0.05):
                if self._sending.is_set() and time.monotonic() >= next_one:
                    next_one = max(next_one + EVERY_S, time.monotonic())
                    mine.append(self._send(person, FACE, is_followed=next(numbers) % 3 > 0))
                self._look_at(person, mine)
        except BaseException as problem:  # noqa: BLE001 - raised again where the test ends
            self._problem = problem

    def _look_at(self, person: "ByPage | ByApi", mine: list[Sent]) -> None:
        for sent in [sent for sent in mine if sent.capture and sent.is_followed and not sent.told]:
            if time.monotonic() >= sent.next_look and not self._over.is_set():
                self.look(person, sent)

    def look(self, person: "ByPage | ByApi", sent: Sent) -> None:
        answer, seen = self._note("look", lambda: person.look(sent.capture))
        sent.next_look = time.monotonic() + LOOK_EVERY_S
        if answer and seen.status == 200 and (state := person.state_in(answer)) in ENDS:
            sent.told, sent.told_at = state, seen.at

    def _send(self, person: "ByPage | ByApi", picture: bytes, *, is_followed: bool) -> Sent:
        self._under_way.add(person)
        answer, seen = self._note("show", lambda: person.show(picture))
        sent = Sent(seen.at - seen.seconds, is_followed, seen, person.id_in(answer) if answer else "")
        self.ledger.sent.append(sent)
        self._under_way.discard(person)
        return sent

    def _note(self, what: str, ask: Callable[[], Answer]) -> tuple[Answer | None, Seen]:
        start = time.monotonic()
        answer = None
        try:
            answer = ask()
            seen = Seen(0, what, answer.status, answer.text if answer.status >= 400 else "")
        except UNREACHABLE as error:
            seen = Seen(0, what, 0, str(error))
        seen.at = time.monotonic()
        seen.seconds = seen.at - start
        self.ledger.answers.append(seen)
        return answer, seen

    def wait_until_all_ended(self, seconds: float) -> float:
        """Send no more, and wait until every capture is over, also those that nobody looks at; return how long."""
        self.stop_sending()
        time.sleep(0.2)
        wait_until("the end of what is being sent", lambda: not self._under_way, 60)
        start = time.monotonic()
        open_rows = "SELECT id FROM detection_capture WHERE status IN ('queued', 'reading')"
        wait_until("the end of all captures", lambda: not self.installation.rows(open_rows), seconds, pause=0.5)
        took = time.monotonic() - start
        followed = [sent for sent in self.ledger.taken().values() if sent.is_followed]
        wait_until("everybody being told", lambda: all(sent.told for sent in followed), 15)
        self.stop()
        return took
