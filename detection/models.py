"""Captures: one showing of a face, or a mood named by hand, and what came of it. Never a picture."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from emotune.emotions import EMOTIONS


class Status(models.TextChoices):
    QUEUED = "queued", "waiting for the reader"
    READING = "reading", "being read"
    DONE = "done", "read"
    NO_FACE = "no_face", "no face found"
    UNSURE = "unsure", "not sure"
    FAILED = "failed", "could not be read"
    EXPIRED = "expired", "waited too long"


OPEN = (Status.QUEUED, Status.READING)


class Source(models.TextChoices):
    CAMERA = "camera", "camera"
    UPLOAD = "upload", "uploaded photograph"
    NAMED = "named", "named by hand"


class Capture(models.Model):
    """What was read of one burst of frames. `emotion` is the reader's word, `chosen` the person's own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="captures")
    source = models.CharField(max_length=10, choices=Source.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(default=timezone.now, help_text="when the task was last sent")
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="when a worker last took it")
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_with = models.UUIDField(null=True, blank=True, help_text="the capture whose message this one was read with")

    emotion = models.CharField(max_length=10, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    scores = models.JSONField(null=True, blank=True, help_text="probability by emotion")
    faces = models.PositiveSmallIntegerField(null=True, blank=True, help_text="in the frame with most")
    box = models.JSONField(null=True, blank=True, help_text="x, y, width, height in pixels of the picture")
    landmarks = models.JSONField(null=True, blank=True, help_text="x, y in pixels of the picture, by name")
    model_version = models.CharField(max_length=60, blank=True)
    milliseconds = models.FloatField(null=True, blank=True, help_text="of the worker, waiting not counted")
    problem = models.CharField(max_length=300, blank=True, help_text="what to tell the person when it failed")
    chosen = models.CharField(max_length=10, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at"]),
            models.Index(fields=["-created_at", "-id"], name="capture_latest"),
            models.Index(fields=["created_at"], name="capture_waiting", condition=models.Q(status="queued")),
            models.Index(
                fields=["claimed_with"], name="capture_claimed_with", condition=models.Q(claimed_with__isnull=False)
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(emotion__in=("", *EMOTIONS)), name="capture_emotion_known"),
            models.CheckConstraint(condition=models.Q(chosen__in=("", *EMOTIONS)), name="capture_chosen_known"),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} {self.status} {self.mood}".strip()

    @property
    def mood(self) -> str:
        """The emotion to play for: the person's own word before the reader's; empty while there is neither."""
        return self.chosen or (self.emotion if self.status == Status.DONE else "")

    @property
    def top_two(self) -> list[str]:
        """The two most probable emotions, the likelier first."""
        scores: dict[str, float] = self.scores or {}
        return sorted(scores, key=lambda name: -scores[name])[:2]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def expires_at(self) -> datetime:
        """When the pictures are gone whether they were read or not."""
        return self.created_at + settings.CAPTURE_TTL
