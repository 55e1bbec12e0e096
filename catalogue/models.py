"""Tracks with their place in valence-arousal-dominance space, the clusterings that tag them, and the jobs for both."""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from emotune.emotions import EMOTIONS
from emotune.jobs import OPEN, Job


class Clustering(models.Model):
    """One run of a clustering: how it was made, what it found, and whether its tags are in force."""

    class State(models.TextChoices):
        PREVIEW = "preview"
        ACTIVE = "active"
        RETIRED = "retired"

    method = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict, help_text="what the method was run with")
    centroids = models.JSONField(help_text="valence, arousal, dominance by emotion")
    quality = models.JSONField(default=dict, help_text="silhouette, sizes, drift")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PREVIEW)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    activated_at = models.DateTimeField(null=True, blank=True)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    revision = models.UUIDField(default=uuid4, editable=False, help_text="another one after each import in force")

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="active"), name="one_active_clustering")
        ]

    def __str__(self) -> str:
        return f"{self.method} of {self.created_at:%Y-%m-%d %H:%M} ({self.state})"


class Track(models.Model):
    """A piece of music. `emotion` and `distance` (to the emotion's centroid) belong to the active clustering."""

    class Origin(models.TextChoices):
        MUSE = "muse", "MuSe"
        DEMO = "demo", "demonstration"
        LOCAL = "local", "own library"

    key = models.CharField(max_length=600, help_text="what an import recognises the track by")
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.MUSE)
    title = models.CharField(max_length=500)
    artist = models.CharField(max_length=500)
    genre = models.CharField(max_length=200, blank=True)
    seeds = models.JSONField(default=list, help_text="AllMusic moods by which MuSe found the track")
    tag_count = models.PositiveIntegerField(null=True, blank=True)
    valence = models.FloatField()
    arousal = models.FloatField()
    dominance = models.FloatField()
    lastfm_url = models.URLField(max_length=600, blank=True)
    mbid = models.CharField(max_length=36, blank=True)
    spotify_id = models.CharField(max_length=22, blank=True)
    audio = models.CharField(max_length=300, blank=True, help_text="path below AUDIO_ROOT")
    emotion = models.CharField(max_length=10, blank=True)
    distance = models.FloatField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["emotion", "distance", "id"]),
            models.Index(fields=["spotify_id"]),
            models.Index(fields=["artist", "id"]),
            # what scrobblers name (playlists/submissions.py)
            models.Index(Lower("artist"), name="track_by_folded_artist"),
            models.Index(fields=["mbid"], condition=models.Q(mbid__gt=""), name="track_by_mbid"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(emotion__in=("", *EMOTIONS)), name="track_emotion_known"),
            # unique=True would give PostgreSQL a second index, for prefixes, that every new tag has to be written to
            models.UniqueConstraint(fields=["key"], name="track_key_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.artist} - {self.title}"

    @property
    def spotify_embed(self) -> str:
        return f"https://open.spotify.com/embed/track/{self.spotify_id}" if self.spotify_id else ""

    @property
    def is_playable(self) -> bool:
        """Whether the page itself can play the track; otherwise it can only link to Last.fm."""
        return bool(self.spotify_id or self.audio)


class Import(Job):
    """A file of MuSe on its way into the catalogue, and what became of its rows."""

    COUNTS: ClassVar = ("rows", "created", "updated", "unchanged", "rejected")

    name = models.CharField(max_length=200, help_text="what the file was called where it came from")
    file = models.FileField(upload_to="imports", blank=True)
    rows = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    rejects = models.FileField(upload_to="imports", blank=True, help_text="line, reason and title of rejected rows")

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

    @property
    def has_rejects(self) -> bool:
        """Whether the file of rejected rows is there: a database that was restored elsewhere names it in vain."""
        return bool(self.rejects) and self.rejects.storage.exists(self.rejects.name or "")

    def let_go(self) -> None:
        if self.file:
            self.file.delete(save=False)
            Import.objects.filter(pk=self.pk).update(file="")

    @classmethod
    def not_let_go(cls) -> models.QuerySet["Import"]:
        return cls.objects.exclude(state__in=OPEN).exclude(file="")


class ClusteringRun(Job):
    """A clustering that somebody asked for, or one that is to be put in force."""

    method = models.CharField(max_length=20)
    activates = models.BooleanField(default=False, help_text="puts `clustering` in force; otherwise makes it")
    clustering = models.ForeignKey(
        Clustering, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs", help_text="once it is there"
    )

    class Meta(Job.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["clustering"],
                condition=models.Q(activates=True, state__in=OPEN),
                name="one_open_activation_of_a_clustering",
            ),
        ]

    def __str__(self) -> str:
        return f"{'activation of ' if self.activates else ''}{self.method} ({self.state})"
