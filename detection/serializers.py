"""Captures as the API reads and sends them."""

from typing import Any, ClassVar

from django.conf import settings
from rest_framework import serializers

from detection.models import Source, Status
from emotune.api.fields import BoundedListField, EmotionField, Input, Output, PageQuery, Query, UploadField
from emotune.emotions import EMOTIONS

LONGEST_WAIT = 10
FRAMES = "1 to 5 JPEG, PNG or WebP pictures of one face, within a second of each other; 12 MB each, 16 MB together."


class CaptureOutput(Output):
    id = serializers.UUIDField()
    source = serializers.ChoiceField(  # type: ignore[assignment]
        Source.choices, help_text="Where it came from."
    )
    status = serializers.ChoiceField(Status.choices, help_text="How far it is; queued and reading will change.")
    mood = EmotionField(allow_null=True, help_text="What to play for: the person's word before the reader's.")
    emotion = EmotionField(allow_null=True, help_text="What the reader says.")
    chosen = EmotionField(allow_null=True, help_text="What the person says.")
    confidence = serializers.FloatField(allow_null=True, help_text="The emotion's probability.")
    scores = serializers.DictField(
        child=serializers.FloatField(), allow_null=True, help_text="Probability by emotion; together they are 1."
    )
    faces = serializers.IntegerField(allow_null=True, help_text="In the frame with most; the largest is read.")
    box = serializers.ListField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="x, y, width and height of the face that was read, in pixels of the picture, upright as EXIF says.",
    )
    landmarks = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField()),
        allow_null=True,
        help_text="x and y by name, in the same pixels; left is the picture's left.",
    )
    model_version = serializers.CharField(help_text="Of the network that read it; empty where none did.")
    milliseconds = serializers.FloatField(allow_null=True, help_text="What reading took, waiting not counted.")
    problem = serializers.CharField(help_text="What to tell the person where it failed; else empty.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar[dict[str, Any]] = {
        "id": "6f1c1a52-8f5e-4b86-9c1a-0d8f3f5b7a11",
        "source": "upload",
        "status": "done",
        "mood": "happy",
        "emotion": "happy",
        "chosen": None,
        "confidence": 0.95,
        "scores": {
            "angry": 0.01,
            "disgust": 0.0,
            "fear": 0.01,
            "happy": 0.95,
            "sad": 0.01,
            "surprise": 0.01,
            "neutral": 0.01,
        },
        "faces": 1,
        "box": [212.5, 96.0, 148.0, 186.5],
        "landmarks": {
            "left_eye": [251.0, 165.5],
            "right_eye": [322.5, 163.0],
            "nose": [288.0, 205.5],
            "mouth_left": [257.5, 236.0],
            "mouth_right": [319.0, 234.5],
        },
        "model_version": "emotune-2026-11-22",
        "milliseconds": 61.4,
        "problem": "",
        "created_at": "2026-11-22T18:04:05.123456Z",
        "finished_at": "2026-11-22T18:04:05.301122Z",
    }


class FramesInput(Input):
    frames = BoundedListField(
        child=UploadField(), min_length=1, max_length=settings.CAPTURE_MAX_FRAMES, help_text=FRAMES
    )
    source = serializers.ChoiceField(  # type: ignore[assignment]
        [Source.CAMERA.value, Source.UPLOAD.value],
        default=Source.UPLOAD.value,
        help_text="Whether these are frames of a camera or an uploaded photograph.",
    )


class MoodInput(Input):
    emotion = EmotionField(help_text="The mood that the person names; no picture is read.")

    example: ClassVar[dict[str, Any]] = {"emotion": "sad"}


class CorrectionInput(Input):
    chosen = EmotionField(allow_null=True, help_text="The person's own word; null takes it back.")

    example: ClassVar[dict[str, Any]] = {"chosen": "neutral"}


class CaptureListQuery(PageQuery):
    status = serializers.ChoiceField(Status.choices, required=False, help_text="Only captures that are this far.")


class CaptureQuery(Query):
    wait = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_WAIT,
        default=0,
        help_text="Hold the answer for so many seconds at most, until the capture is read.",
    )


class EmotionOutput(Output):
    name = serializers.ChoiceField(EMOTIONS)
    valence = serializers.FloatField(help_text="Of the emotion's anchor, 1 to 9: unpleasant to pleasant.")
    arousal = serializers.FloatField(help_text="1 to 9: calm to excited.")
    dominance = serializers.FloatField(help_text="1 to 9: controlled to in control.")
    colour = serializers.CharField(help_text="The CSS colour that stands for it on the pages.")
    glyph = serializers.CharField(help_text="The sign that stands for it beside the colour.")
    adjective = serializers.CharField(help_text='Completes "You look ...".')

    example: ClassVar[dict[str, Any]] = {
        "name": "sad",
        "valence": 2.4,
        "arousal": 2.81,
        "dominance": 3.84,
        "colour": "#0072b2",
        "glyph": "■",
        "adjective": "sad",
    }


class EmotionsOutput(Output):
    emotions = EmotionOutput(many=True)

    example: ClassVar[dict[str, Any]] = {"emotions": [EmotionOutput.example]}


class ModelOutput(Output):
    version = serializers.CharField(help_text="Its name.")
    unsure_below = serializers.FloatField(help_text="Under this probability a reading is called unsure.")
    architecture = serializers.DictField(help_text="What the network is built of.")
    data = serializers.DictField(help_text="What it learned from.")  # type: ignore[assignment]
    training = serializers.DictField(help_text="How it learned.")
    measures = serializers.DictField(help_text="What was measured of it, on pictures that it never saw.")

    example: ClassVar[dict[str, Any]] = {
        "version": "emotune-2026-11-26-0c5e21a7",
        "unsure_below": 0.605,
        "architecture": {"stem": 32, "widths": [64, 128, 192], "blocks": [2, 3, 3]},
        "data": {"train": 27274, "test": 3589},
        "training": {"epochs": 5, "seed": 7},
        "measures": {"crowd": {"crowd": {"accuracy": 0.845, "strangers": {"count": 2945, "accuracy": 0.839}}}},
    }
