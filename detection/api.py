"""Captures and what reads them, by API."""

import time
from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from detection import services
from detection.access import capture_of
from detection.models import Capture, Source
from detection.serializers import (
    CaptureListQuery,
    CaptureOutput,
    CaptureQuery,
    CorrectionInput,
    EmotionsOutput,
    FramesInput,
    ModelOutput,
    MoodInput,
)
from detection.vision.card import ModelFileError, load_card
from emotune.api.etags import with_etag
from emotune.api.fields import as_page, page_schema, read_body, read_query
from emotune.api.idempotency import once
from emotune.api.paging import Order, page_of
from emotune.api.parsers import StrictJsonParser
from emotune.api.permissions import OPEN
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from emotune.emotions import EMOTION_LIST
from emotune.errors import Unavailable

LATEST_FIRST = Order(("created_at", "id"), descending=True)
# A request that waits holds one of the web process's threads: so many may, and the others are answered at once.
WAITING = BoundedSemaphore(3)
LOOK_AGAIN_S = 0.1


class Captures(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"POST": "capture"}
    parser_classes = (MultiPartParser, StrictJsonParser)

    @operation("list_captures", "captures", {200: page_schema(CaptureOutput)}, query=CaptureListQuery)
    def get(self, request: ApiRequest) -> Response:
        """List your captures, latest first."""
        query = read_query(request, CaptureListQuery)
        services.settle_overdue(user=request.user)
        captures = Capture.objects.filter(user=request.user)
        if status := query.get("status"):
            captures = captures.filter(status=status)
        page = page_of(captures, LATEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, CaptureOutput(page.results, many=True).data))

    @operation(
        "submit_capture",
        "captures",
        {201: CaptureOutput, 202: CaptureOutput},
        body={"multipart/form-data": FramesInput, "application/json": MoodInput},
        idempotent=True,
        headers={201: ("Location",), 202: ("Location", "Retry-After")},
    )
    def post(self, request: ApiRequest) -> Response:
        """Submit pictures of a face, or name a mood.

        Pictures, as a form, are queued for a worker: the answer is 202, and the capture at `Location` soon says what
        was read. It needs the person's consent to the camera. They are kept in memory for minutes at most. A mood, as
        JSON, is there at once: the answer is 201.
        """
        receipt = once(request, lambda: {"id": str(_submit(request).id)})
        capture = receipt.find(lambda: capture_of(request.user, UUID(receipt.made["id"])))
        headers = {"Location": reverse("api-capture", args=[capture.id]), **receipt.headers}
        return _answer(capture, status=201 if capture.source == Source.NAMED else 202, headers=headers)


def _submit(request: ApiRequest) -> Capture:
    if not (request.content_type or "").startswith(MultiPartParser.media_type):
        return services.name_mood(user=request.user, **read_body(request, MoodInput))
    form = read_body(request, FramesInput)
    images = [file.read() for file in form["frames"]]
    return services.submit_capture(user=request.user, images=images, source=form["source"])


class OneCapture(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"PATCH": "capture", "DELETE": "capture"}

    @operation(
        "get_capture",
        "captures",
        {200: CaptureOutput},
        query=CaptureQuery,
        errors=(410,),
        headers={200: ("Retry-After",)},
    )
    def get(self, request: ApiRequest, capture_id: UUID) -> Response:
        """Look at a capture.

        Ask again while its status is `queued` or `reading`, after as many seconds as `Retry-After` says; or let the
        answer `wait` for the outcome, which is there within a second where a worker is free.
        """
        until = time.monotonic() + read_query(request, CaptureQuery)["wait"]
        capture = services.refresh(capture=capture_of(request.user, capture_id))
        if capture.is_open and time.monotonic() < until and WAITING.acquire(blocking=False):
            try:
                while capture.is_open and time.monotonic() < until:
                    time.sleep(LOOK_AGAIN_S)
                    capture = services.refresh(capture=capture_of(request.user, capture_id))
            finally:
                WAITING.release()
        return _answer(capture)

    @operation("correct_capture", "captures", {200: CaptureOutput}, body=CorrectionInput)
    def patch(self, request: ApiRequest, capture_id: UUID) -> Response:
        """Put the reading right.

        The person's own word stands beside the reader's and goes before it; null takes it back.
        """
        capture = capture_of(request.user, capture_id)
        emotion = read_body(request, CorrectionInput)["chosen"] or ""
        return _answer(services.choose_emotion(capture=capture, emotion=emotion))

    @operation("delete_capture", "captures", {204: None})
    def delete(self, request: ApiRequest, capture_id: UUID) -> Response:
        """Delete a capture and its playlists."""
        services.delete_capture(capture=capture_of(request.user, capture_id))
        return Response(status=204)


def _answer(capture: Capture, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    soon = {"Retry-After": "1"} if capture.is_open else {}
    return Response(CaptureOutput(capture).data, status=status, headers={**(headers or {}), **soon})


class Emotions(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": OPEN}

    @operation("list_emotions", "tracks", {200: EmotionsOutput})
    @with_etag
    def get(self, request: Request) -> Response:
        """List the seven emotions with their places and colours."""
        places = ("valence", "arousal", "dominance")
        rows = [vars(emotion) | dict(zip(places, emotion.anchor, strict=True)) for emotion in EMOTION_LIST]
        return Response(EmotionsOutput({"emotions": rows}).data)


class Model(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": OPEN}

    @operation("get_model", "captures", {200: ModelOutput})
    @with_etag
    def get(self, request: Request) -> Response:
        """Read the card of the model that reads faces: what it is, what it learned from, how good it is."""
        try:
            card = load_card(settings.MODEL_DIR)
        except ModelFileError as error:
            raise Unavailable("There is no model here at present, so there is no card of it either.") from error
        return Response(ModelOutput(card.to_json()).data)
