"""What a view leaves of a body is read: who is refused early hears the answer instead of a broken connection."""

import io

import pytest
from django.http import HttpResponse

from emotune.uploads import BodyLimitMiddleware


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
