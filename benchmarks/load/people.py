"""What people do, for locust: sign in, show a face and wait for the result, listen, rate, browse, with
the requests that the pages' scripts make.

`benchmarks.load` starts this file with the servers. EMOTUNE_LOAD names the folder with the photograph; in the end the
ledger of captures and the times of all answers lie there too.
"""

import itertools
import json
import os
import re
import time
from pathlib import Path
from typing import Any

from locust import HttpUser, between, events, task

FOLDER = Path(os.environ["EMOTUNE_LOAD"])
PHOTOGRAPH = (FOLDER / "face.jpg").read_bytes()
PASSWORD = "a long enough phrase"
PAUSE_S = float(os.environ.get("EMOTUNE_LOAD_PAUSE", "2"))
# A person shows a face this often.
CAPTURE_EVERY_S = float(os.environ.get("EMOTUNE_LOAD_CAPTURE_EVERY", "10"))
GIVE_UP_S = 30
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
OVER = re.compile(r'data-status="(done|unsure|no_face|failed|expired)"')
LOOKS_AGAIN = re.compile(r'hx-get="(/captures/[^"]+/outcome/[^"]*)" hx-trigger="every (\d+)ms"')
# What a page's script says with each of its requests: the answer is then the part of the page that changes.
BY_SCRIPT = {"HX-Request": "true"}

numbers = itertools.count()
# Captures that the site accepted, and those whose outcome a person saw; milliseconds of each answer.
accepted: list[str] = []
seen: list[str] = []
answers: list[float] = []


@events.request.add_listener
def note_time(request_type: str, response_time: float, **_: Any) -> None:
    if request_type != "FLOW":
        answers.append(response_time)


@events.quitting.add_listener
def write_ledger(**_: Any) -> None:
    (FOLDER / "ledger.json").write_text(json.dumps({"accepted": accepted, "seen": seen, "answers": answers}))


class Listener(HttpUser):
    """One person with an address of their own, as the proxy in front would tell it."""

    # Locust starts five people at one moment; with one pace for all they would act at one moment for ever.
    wait_time = between(0.5 * PAUSE_S, 1.5 * PAUSE_S)

    def on_start(self) -> None:
        self.number = next(numbers)
        self.client.headers["X-Forwarded-For"] = f"198.51.100.{self.number % 250 + 1}"
        self.next_capture = time.monotonic() + (self.number % 10) / 10 * CAPTURE_EVERY_S
        self.tracks: list[str] = []
        self.client.get("/accounts/login/", name="login (page)")
        self._post(
            "/accounts/login/", "login", by_script=False, login=f"person{self.number}@example.org", password=PASSWORD
        )

    def _post(self, path: str, name: str, files: object = None, *, by_script: bool = True, **fields: str) -> Any:
        data = {"csrfmiddlewaretoken": self.client.cookies.get("csrftoken", ""), **fields}
        headers = BY_SCRIPT if by_script else None
        return self.client.post(path, data=data, files=files, name=name, headers=headers)

    @task
    def do_something(self) -> None:
        if time.monotonic() >= self.next_capture:
            self.next_capture += CAPTURE_EVERY_S
            self.show_a_face()
        else:
            step = (self.browse, self.listen, self.look_back)[int(time.monotonic() * 10) % 3]
            step()

    def show_a_face(self) -> None:
        start = time.perf_counter()
        files = [("frames", ("frame.jpg", PHOTOGRAPH, "image/jpeg"))]
        page = self._post("/captures/", "capture", files=files, source="camera")
        found = re.search(r"/captures/([0-9a-f-]{36})/", page.text)
        if not found:
            return
        accepted.append(found[1])
        shown = page
        while not OVER.search(shown.text) and time.perf_counter() - start < GIVE_UP_S:
            shown = self.look_again(shown)
        spent = 1000 * (time.perf_counter() - start)
        if OVER.search(shown.text):
            problem = None
            seen.append(found[1])
        else:
            problem = TimeoutError(f"capture {found[1]} is not over")
        events.request.fire(
            request_type="FLOW",
            name="capture to result",
            response_time=spent,
            response_length=0,
            exception=problem,
            context={},
        )
        playlist = self.client.get(f"/captures/{found[1]}/playlist/", name="playlist", headers=BY_SCRIPT)
        self.tracks = re.findall(r"/tracks/(\d+)/rating/", playlist.text)

    def look_again(self, shown: Any) -> Any:
        """Ask for the outcome where and when the page does; return what is shown then."""
        found = LOOKS_AGAIN.search(shown.text)
        where, delay = (found[1].replace("&amp;", "&"), int(found[2])) if found else (shown.url, 1000)
        time.sleep(delay / 1000)
        answer = self.client.get(where, headers=BY_SCRIPT, name="outcome (poll)")
        return shown if answer.status_code == 204 else answer

    def browse(self) -> None:
        self.client.get(f"/tracks/?emotion={EMOTIONS[self.number % 7]}", name="tracks")

    def listen(self) -> None:
        if not self.tracks:
            return self.browse()
        track = self.tracks[int(time.monotonic()) % len(self.tracks)]
        self._post(f"/tracks/{track}/rating/", "rating", value="1")
        return None

    def look_back(self) -> None:
        self.client.get("/history/", name="history")
