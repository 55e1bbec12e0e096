"""People, what they agreed to, and the tokens by which their programs log in."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils import timezone

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


class Scope(models.TextChoices):
    """What a program may do with a token."""

    READ = "read", "Read: captures, playlists, listens, ratings and your profile"
    LISTEN = "listen", "Listen: send listens and ratings, make playlists"
    CAPTURE = "capture", "Capture: send pictures to be read, put readings right, delete them"
    ADMIN = "admin", "Admin: import and cluster the catalogue"


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
