"""People, what they agreed to and prefer, the tokens of their programs, and what happened to their accounts."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from emotune.jobs import OPEN, Job

# Raise this when the text of the consent page changes in substance: everybody is asked again.
CONSENT_VERSION = "2026-11"


class UserManager(BaseUserManager["User"]):
    """Makes and finds users by their e-mail address, whose case means nothing."""

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        return super().normalize_email(email).lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("an e-mail address is needed")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person, known by an e-mail address alone."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()  # type: ignore[misc,assignment]

    def __str__(self) -> str:
        return self.email

    @property
    def consent(self) -> "Consent | None":
        """The person's agreement to the present text, unless withdrawn."""
        return self.consents.filter(version=CONSENT_VERSION, withdrawn_at=None).first()

    @property
    def allows_camera(self) -> bool:
        """Whether the person agreed to the present text and has not withdrawn it."""
        return self.consent is not None

    @cached_property
    def preferences(self) -> "Preferences":
        """What the person set, or else what everybody starts with."""
        try:
            return self.stored_preferences
        except Preferences.DoesNotExist:
            return Preferences(user=self)


class Consent(models.Model):
    """One agreement to have one's face read: which text, when, and when it was withdrawn."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="consents")
    version = models.CharField(max_length=20)
    given_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "version"], condition=models.Q(withdrawn_at=None), name="one_consent_in_force"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.version}"


class Playback(models.TextChoices):
    """Where a track is played that can be had in two places."""

    SPOTIFY = "spotify", "Spotify's player, when the track is there"
    OWN = "own", "The site's own audio, when the track has it"
    OWN_ONLY = "own_only", "The site's own audio alone: Spotify is never asked"


class Preferences(models.Model):
    """How a person wants to listen. No row is the defaults."""

    MIN_TRACKS, MAX_TRACKS = 5, 50

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="stored_preferences")
    playback = models.CharField(max_length=10, choices=Playback.choices, default=Playback.SPOTIFY)
    tracks = models.PositiveSmallIntegerField(default=15, help_text="in a playlist")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(playback__in=Playback.values), name="playback_known"),
            models.CheckConstraint(condition=models.Q(tracks__range=(5, 50)), name="tracks_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.tracks} tracks, {self.playback}"


class Happening(models.TextChoices):
    """What is worth telling a person about their account."""

    LOGGED_IN = "logged_in", "Logged in"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    PASSWORD_RESET = "password_reset", "Password set by a link from a message"
    EMAIL_CHANGED = "email_changed", "E-mail address changed"
    PASSKEY_ADDED = "passkey_added", "Passkey added"
    PASSKEY_REMOVED = "passkey_removed", "Passkey removed"
    CODES_MADE = "codes_made", "Recovery codes made"
    TOKEN_MADE = "token_made", "Token made"
    TOKEN_REVOKED = "token_revoked", "Token revoked"
    CONSENT_GIVEN = "consent_given", "Agreed to the camera"
    CONSENT_WITHDRAWN = "consent_withdrawn", "Withdrew from the camera"
    EXPORT_ASKED = "export_asked", "Asked for a copy of everything"
    EXPORT_FETCHED = "export_fetched", "Downloaded the copy of everything"


class AccountEvent(models.Model):
    """One thing that happened to an account, for its owner to recognise, or not to."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=Happening.choices)
    detail = models.CharField(max_length=200, blank=True, help_text="the token's name, the device")
    happened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-happened_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-happened_at"], name="events_of_a_person"),
            models.Index(fields=["happened_at"], name="events_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_kind_display()} {self.detail}".strip()


class Scope(models.TextChoices):
    """What a program may do with a token."""

    READ = "read", "Read: captures, playlists, listens, ratings and your profile"
    LISTEN = "listen", "Listen: send listens and ratings, make playlists"
    CAPTURE = "capture", "Capture: send pictures to be read, put readings right, delete them"
    ADMIN = "admin", "Admin: import and cluster the catalogue, see how well the site is"


class ApiToken(models.Model):
    """A program's way in, made by a person. The secret itself is kept nowhere."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    shown = models.CharField(max_length=12, help_text="the secret's beginning")
    fingerprint = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret")
    scopes = models.JSONField(default=list, help_text="some of read, listen, capture, admin")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="empty: never")
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the minute")

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.shown}...) of {self.user}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and not self.is_expired

    def allows(self, scope: str) -> bool:
        """Whether it may do this now: the word admin is worth nothing once its owner is not staff any more."""
        return scope in self.scopes and (scope != Scope.ADMIN or self.user.is_staff)


# A copy of everything is kept for so long.
EXPORT_KEPT = timedelta(days=30)


class Export(Job):
    """A copy of all that is kept of a person, made by a worker for them to download."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    file = models.FileField(upload_to="exports", blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text="bytes")
    rows = models.PositiveIntegerField(default=0)

    class Meta(Job.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(state__in=OPEN), name="one_open_export_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"copy for {self.user} ({self.state})"

    @property
    def expires_at(self) -> datetime:
        return (self.finished_at or self.created_at) + EXPORT_KEPT
