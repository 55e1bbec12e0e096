"""What submissions with an Idempotency-Key made, so that sending one again makes nothing twice."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class Submission(models.Model):
    """A submission that was carried out. It names what it made and keeps nothing of what was sent."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="submissions")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="of what was sent, by a key of this site")
    receipt = models.JSONField(default=dict, help_text="what it made: an id, or numbers of rows")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="a_key_once_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.key}"
