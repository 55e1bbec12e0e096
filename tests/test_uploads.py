"""What a view leaves of a body is read: who is refused early hears the answer instead of a broken connection."""

import io

import pytest
from django.http import HttpRequest, HttpResponse

from emotune.api.middleware import ApiMiddleware
from emotune.uploads import BodyLimitMiddleware
from playlists.imports import MAX_BYTES


class Counted(io.BytesIO):
    taken = 0

    def read(self, size=-1):
        piece = super().read(size)
        self.taken += len(piece)
        return piece


@pytest.mark.parametrize("status", [200, 302, 400])
def test_the_rest_of_a_body_is_read_after_the_answer_was_made(rf, status):
    request = rf.post("/captures/", b"x" * 300_000, content_type="multipart/form-data")
    body = Counted(b"x" * 300_000)
    request._stream._read = body.read
    response = BodyLimitMiddleware(lambda _: HttpResponse(status=status))(request)
    assert response.status_code == status
    assert body.taken == 300_000


def test_a_body_that_breaks_off_is_no_error(rf):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError("the client went away")

    request = rf.post("/captures/", b"x" * 10, content_type="text/plain")
    request._stream._read = Broken().read
    assert BodyLimitMiddleware(lambda _: HttpResponse("ok"))(request).status_code == 200


def test_a_request_without_a_body_is_left_alone(rf):
    request = rf.get("/")
    assert BodyLimitMiddleware(lambda _: HttpResponse("ok"))(request).content == b"ok"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/tracks/1/never-again/", "/api/v1/tracks/1/never-again"])
def test_a_body_in_chunks_is_answered_before_anything_takes_it_for_an_empty_one(rf, method, path):
    asked: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpResponse:
        asked.append(request)
        return HttpResponse("done")

    handled = BodyLimitMiddleware(answer)
    chunked = {"headers": {"Transfer-Encoding": "chunked"}, "CONTENT_LENGTH": ""}
    refused = handled(getattr(rf, method)(path, b"until=", "application/x-www-form-urlencoded", **chunked))
    assert (refused.status_code, asked) == (411, [])
    assert b"Send Content-Length" in refused.content
    assert handled(rf.get(path, **chunked)).content == b"done"


@pytest.mark.parametrize("path", ["/api/v1/imports", "/api/v1/imports/", "/api/v1/history-imports/"])
def test_an_address_of_the_api_takes_as_much_with_a_slash_at_its_end(rf, path):
    handled = ApiMiddleware(BodyLimitMiddleware(lambda _: HttpResponse("taken")))
    request = rf.post(path, CONTENT_LENGTH=100 * 1024 * 1024, content_type="text/plain")
    request._stream._read = io.BytesIO().read
    assert handled(request).content == b"taken"
    over = rf.post(path, CONTENT_LENGTH=513 * 1024 * 1024, content_type="text/plain")
    over._stream._read = io.BytesIO().read
    assert handled(over).status_code == 413


def test_what_a_larger_body_may_be_is_said_for_its_address(rf, settings):
    settings.FORCE_SCRIPT_NAME = "/music"
    request = rf.post("/history/import/", CONTENT_LENGTH=101 * 1024 * 1024, content_type="text/plain")
    request._stream._read = io.BytesIO().read
    assert request.path == "/music/history/import/"
    refused = BodyLimitMiddleware(lambda _: HttpResponse("taken"))(request)
    assert b"up to 100 MB are read" in refused.content


@pytest.mark.parametrize("path", ["/history/import/", "/api/v1/history-imports"])
def test_the_largest_history_fits_with_its_form_and_a_larger_one_is_told_its_size(rf, path):
    answers = []
    for length in (MAX_BYTES + 4096, MAX_BYTES + 300_000):
        request = rf.post(path, CONTENT_LENGTH=length, content_type="text/plain")
        request._stream._read = io.BytesIO().read
        answers.append(BodyLimitMiddleware(lambda _: HttpResponse("taken"))(request).content)
    assert answers[0] == b"taken"
    assert b"This file has 101 MB; up to 100 MB are read. Pack it with gzip or zip first." in answers[1]
