"""A person's browser without the browser: cookies, forms and the page that looks at a capture again and again."""

import contextlib
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar
from uuid import uuid4

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import encode_multipart

from tests.servers import wait_until

BOUNDARY = "between-the-fields"


@dataclass(frozen=True)
class Answer:
    status: int
    url: str
    text: str


class Person:
    """Somebody with an account who has agreed to the camera."""

    def __init__(self, url: str) -> None:
        self.url, self.cookies = url, CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.get("/accounts/signup/")
        self.post("/accounts/signup/", email=f"{uuid4().hex}@example.org", password1="a long enough phrase")
        version = version_in(self.get("/account/consent/").text)
        assert self.post("/account/consent/", version=version).status == 200

    def get(self, path: str, **headers: str) -> Answer:
        return self._open(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, **fields: object) -> Answer:
        body, headers = self.form(**fields)
        return self._open(urllib.request.Request(self.url + path, body, headers))

    def form(self, **fields: object) -> tuple[bytes, dict[str, str]]:
        """Return the body and the headers of a form as a browser would send it."""
        secret = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        body = encode_multipart(BOUNDARY, fields | {"csrfmiddlewaretoken": secret})
        return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

    def show(self, frames: Sequence[bytes]) -> str:
        """Send pictures and return the id of the capture."""
        answer = self.post("/captures/", **frames_of(frames))
        assert answer.status == 200, answer.text[:2000]
        return capture_in(answer.url)

    def look(self, capture: str) -> Answer:
        """Look at a capture as its page does by itself."""
        return self.get(f"/captures/{capture}/outcome/", **{"HX-Request": "true"})

    def wait_for(self, capture: str, status: str, seconds: float = 60) -> Answer:
        wanted = f'data-status="{status}"'

        def look() -> Answer | None:
            answer = self.look(capture)
            return answer if wanted in answer.text else None

        return wait_until(f"capture {status}", look, seconds, pause=0.5)  # type: ignore[return-value]

    def _open(self, request: urllib.request.Request) -> Answer:
        try:
            with self.opener.open(request, timeout=60) as response:
                return Answer(response.status, response.url, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.url or "", error.read().decode())


@contextlib.contextmanager
def held_in_the_middle(person: Person, database: str, frames: Sequence[bytes]) -> Iterator[str]:
    """Show a face, and let the worker read it but not write the outcome, which waits for a lock of ours."""
    reached = "SELECT 1 FROM detection_capture WHERE id = %s AND status <> 'queued'"
    reading = "SELECT 1 FROM detection_capture WHERE id = %s AND status = 'reading' FOR UPDATE"
    with psycopg.connect(database) as connection:
        for _ in range(5):
            capture = person.show(frames)
            wait_until("the worker", lambda: connection.execute(reached, [capture]).fetchone(), pause=0.002)  # noqa: B023
            if connection.execute(reading, [capture]).fetchone():
                yield capture
                return
            connection.rollback()
    pytest.fail("the worker was too fast to be held")


def frames_of(frames: Sequence[bytes]) -> dict[str, object]:
    files = [SimpleUploadedFile(f"frame-{n}.jpg", frame, "image/jpeg") for n, frame in enumerate(frames)]
    return {"source": "camera", "frames": files}


def version_in(page: str) -> str:
    """Return which text the page of the consent shows."""
    found = re.search(r'name="version" value="([^"]+)"', page)
    assert found, page[:2000]
    return found[1]


def capture_in(url: str) -> str:
    found = re.search(r"/captures/([0-9a-f-]{36})/", url)
    assert found, url
    return found[1]
