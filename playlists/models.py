"""Playlists made for moods, what was listened to, and how it was rated."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from catalogue.models import Track
from detection.models import Capture
from emotune.emotions import EMOTIONS
from emotune.jobs import OPEN, Job, JobState


class Playlist(models.Model):
    """Tracks for one mood; a capture has one for each mood that it was said to show, so a correction can be undone,
    and one for each journey from such a mood to one that the person wants. Other journeys belong to no capture."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="playlists")
    capture = models.ForeignKey(Capture, null=True, blank=True, on_delete=models.CASCADE, related_name="playlists")
    emotion = models.CharField(max_length=10)
    wanted = models.CharField(max_length=10, blank=True, help_text="where a journey leads; empty: this is none")
    asked = models.PositiveSmallIntegerField(default=0, help_text="the tracks asked for of a journey; 0: this is none")
    seed = models.PositiveIntegerField(help_text="the same seed and the same catalogue give the same tracks")
    target = models.JSONField(
        null=True, blank=True, help_text="valence, arousal and dominance that its tracks were chosen for"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    tracks = models.ManyToManyField(Track, through="PlaylistTrack")

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["capture", "emotion", "wanted", "asked"], name="one_playlist_per_capture_and_way"
            ),
            models.UniqueConstraint(
                fields=["user", "emotion", "wanted", "asked", "seed"],
                condition=models.Q(capture=None),
                name="one_journey_without_capture_per_seed",
            ),
            models.CheckConstraint(condition=models.Q(emotion__in=EMOTIONS), name="playlist_emotion_known"),
            models.CheckConstraint(condition=models.Q(wanted__in=("", *EMOTIONS)), name="playlist_wanted_known"),
        ]

    def __str__(self) -> str:
        return f"{self.emotion} for {self.user}"


class PlaylistTrack(models.Model):
    """One place in a playlist, with why the track stands there."""

    # Both are found by an index that begins with them; one more of each would be written for every place.
    playlist = models.ForeignKey(Playlist, on_delete=models.CASCADE, related_name="entries", db_index=False)
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="+", db_index=False)
    rank = models.PositiveSmallIntegerField()
    distance = models.FloatField()
    score = models.FloatField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar = ["rank"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["playlist", "rank"], name="one_track_per_rank"),
            models.UniqueConstraint(fields=["playlist", "track"], name="a_track_once_per_playlist"),
        ]
        # asks for each candidate whether one of the latest places is the track's
        indexes: ClassVar = [models.Index(fields=["track", "id"], name="place_by_track")]

    def __str__(self) -> str:
        return f"{self.rank}. {self.track}"


class HistoryImport(Job):
    """A file of another service on its way into a person's history, and what became of its records.

    What it brought belongs to it: an import that is deleted, was cancelled or has failed takes it along.
    """

    class Kind(models.TextChoices):
        ANY = "", "whatever the file is"
        LISTENBRAINZ = "listenbrainz", "ListenBrainz"
        LASTFM = "lastfm", "Last.fm"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="history_imports")
    kind = models.CharField(max_length=12, choices=Kind.choices, blank=True)
    name = models.CharField(max_length=200, help_text="what the file was called where it came from")
    file = models.FileField(upload_to="histories", blank=True)
    rows = models.PositiveIntegerField(default=0)
    matched = models.PositiveIntegerField(default=0, help_text="new listens")
    repeated = models.PositiveIntegerField(default=0, help_text="listens that were noted already")
    unmatched = models.PositiveIntegerField(default=0, help_text="of music that the catalogue does not have")
    rated = models.PositiveIntegerField(default=0, help_text="likes and dislikes that were taken over")
    rejected = models.PositiveIntegerField(default=0)
    rejects = models.JSONField(default=list, help_text="place and reason of the first rejected records")
    missing = models.JSONField(default=list, help_text="artist, title and listens of what was missed most")

    class Meta(Job.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(state__in=OPEN), name="one_open_import_of_a_history"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

    def let_go(self) -> None:
        """Take back what an import brought that is not done, and its file: last, for the name says that this is due."""
        if self.state != JobState.DONE:
            Listen.objects.filter(imported=self.pk).delete()
            Rating.objects.filter(imported=self.pk).delete()
        if self.file:
            self.file.delete(save=False)
            HistoryImport.objects.filter(pk=self.pk).update(file="")

    @classmethod
    def not_let_go(cls) -> models.QuerySet["HistoryImport"]:
        return cls.objects.exclude(state__in=OPEN).exclude(file="")


class Share(models.Model):
    """The link by which anybody may see one playlist; without this row there is none."""

    playlist = models.OneToOneField(Playlist, on_delete=models.CASCADE, related_name="share")
    token = models.CharField(max_length=32, unique=True)
    shows_mood = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"link to {self.playlist}"


class CompanyFit(models.Model):
    """What was found when the acts of all people were last looked at together: vectors by artist, of no person."""

    fitted_at = models.DateTimeField(default=timezone.now)
    people = models.PositiveIntegerField(help_text="how many did enough to count")
    tracks = models.BinaryField(help_text="for each vector a track by its artist: ids as 64-bit integers")
    vectors = models.BinaryField(help_text="32-bit floats, row by row")

    def __str__(self) -> str:
        return f"company of {self.people} people, {self.fitted_at:%Y-%m-%d %H:%M}"


class Listen(models.Model):
    """A track that was really heard: 30 seconds or half of it."""

    class Source(models.TextChoices):
        SPOTIFY = "spotify", "Spotify"
        AUDIO = "audio", "audio"
        API = "api", "another player"
        LISTENBRAINZ = "listenbrainz", "ListenBrainz"
        LASTFM = "lastfm", "Last.fm"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="listens")
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="+")
    playlist = models.ForeignKey(Playlist, null=True, blank=True, on_delete=models.SET_NULL, related_name="listens")
    source = models.CharField(max_length=12, choices=Source.choices)
    imported = models.ForeignKey(
        HistoryImport, null=True, blank=True, editable=False, on_delete=models.CASCADE, related_name="listens"
    )
    listened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-listened_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "track", "listened_at"], name="a_listen_once_per_moment"),
        ]
        indexes: ClassVar = [models.Index(fields=["user", "-listened_at", "-id"], name="listens_of_a_person")]

    def __str__(self) -> str:
        return f"{self.user} heard {self.track}"


class Rating(models.Model):
    """A person's word on a track: 1 likes it, -1 does not. No row is no word."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings")
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="+")
    value = models.SmallIntegerField()
    imported = models.ForeignKey(
        HistoryImport, null=True, blank=True, editable=False, on_delete=models.CASCADE, related_name="ratings"
    )
    rated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "track"], name="one_rating_per_person_and_track"),
            models.CheckConstraint(condition=models.Q(value__in=(-1, 1)), name="rating_is_like_or_dislike"),
        ]
        indexes: ClassVar = [models.Index(fields=["user", "value", "-rated_at", "-id"], name="ratings_of_a_person")]

    def __str__(self) -> str:
        return f"{self.user} {self.value:+d} {self.track}"


class Skip(models.Model):
    """A track that was begun and passed over before it counted as heard."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="skips")
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="+")
    playlist = models.ForeignKey(Playlist, null=True, blank=True, on_delete=models.SET_NULL, related_name="skips")
    seconds = models.PositiveSmallIntegerField(null=True, blank=True, help_text="heard before it was passed over")
    skipped_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-skipped_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["user", "-skipped_at"], name="skips_of_a_person")]

    def __str__(self) -> str:
        return f"{self.user} skipped {self.track}"


def in_force() -> models.Q:
    """Return the condition of a wish that has no end, or none yet."""
    return models.Q(until=None) | models.Q(until__gt=timezone.now())


class NeverAgain(models.Model):
    """A person's wish not to be given a track again, for ever or until a moment."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="never_again")
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField(null=True, blank=True, help_text="empty: for ever")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "track"], name="never_again_once_per_person_and_track"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: never again {self.track}"


class NeverArtist(models.Model):
    """A person's wish not to be given anything by an artist, for ever or until a moment."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="never_artists")
    artist = models.CharField(max_length=500, help_text="as the catalogue spells the name")
    # Without a constraint, which would lock the catalogue while it is added, and refuse deletions of a track by the
    # version before, which knows nothing of this: whoever reads bears a track that has gone.
    track = models.ForeignKey(
        Track,
        null=True,
        blank=True,
        editable=False,
        db_constraint=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="one by the artist, who is known by it once an import spells the name otherwise",
    )
    until = models.DateTimeField(null=True, blank=True, help_text="empty: for ever")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "artist"], name="never_artist_once_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: never again {self.artist}"
