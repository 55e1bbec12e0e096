"""A person's account as the API reads and sends it."""

from typing import Any, ClassVar

from rest_framework import serializers

from accounts.models import ApiToken, Export, Playback, Preferences, Scope, User
from accounts.tokens import MAX_NAME
from emotune.api.fields import BoundedListField, Input, Output
from emotune.api.jobs import JobOutput
from emotune.jobs import JobState

MOMENT = "2026-11-22T18:04:05.123456Z"
DELETION_WORD = "delete"


class MeOutput(Output):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    joined_at = serializers.DateTimeField(source="date_joined")
    allows_camera = serializers.BooleanField(help_text="Whether the consent to the camera is in force.")
    is_staff = serializers.BooleanField(help_text="Whether the person runs this site.")
    scopes = serializers.SerializerMethodField(help_text="What this login may do.")

    example: ClassVar[dict[str, Any]] = {
        "id": 7,
        "email": "ada@example.org",
        "joined_at": MOMENT,
        "allows_camera": True,
        "is_staff": False,
        "scopes": ["read", "listen"],
    }

    def get_scopes(self, user: User) -> list[str]:
        token: ApiToken | None = self.context["token"]
        if token is not None:
            return [scope.value for scope in Scope if token.allows(scope)]
        return [scope.value for scope in Scope if scope != Scope.ADMIN or user.is_staff]


class ConsentOutput(Output):
    given = serializers.BooleanField(help_text="Whether it is in force for the present text.")
    version = serializers.CharField(allow_null=True, help_text="Of the text that was agreed to.")
    given_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar[dict[str, Any]] = {"given": True, "version": "2026-11", "given_at": MOMENT}


class ConsentInput(Input):
    version = serializers.CharField(max_length=20, help_text="The text that the person has read and agrees to.")

    example: ClassVar[dict[str, Any]] = {"version": "2026-11"}


class PreferencesOutput(Output):
    playback = serializers.ChoiceField(Playback.choices, help_text="Where a track is played.")
    tracks = serializers.IntegerField(help_text="In a playlist.")

    example: ClassVar[dict[str, Any]] = {"playback": "spotify", "tracks": 15}


class PreferencesInput(Input):
    playback = serializers.ChoiceField(Playback.choices, required=False, help_text="Where a track is played.")
    tracks = serializers.IntegerField(
        required=False,
        min_value=Preferences.MIN_TRACKS,
        max_value=Preferences.MAX_TRACKS,
        help_text="In a playlist.",
    )

    example: ClassVar[dict[str, Any]] = {"tracks": 20}


class TokenOutput(Output):
    id = serializers.IntegerField()
    name = serializers.CharField()
    shown = serializers.CharField(help_text="The beginning of the secret.")
    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.values), help_text="What it may do.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="null: never.")
    revoked_at = serializers.DateTimeField(allow_null=True, help_text="null: it was not.")
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")

    example: ClassVar[dict[str, Any]] = {
        "id": 3,
        "name": "my scrobbler",
        "shown": "emo_4fT2",
        "scopes": ["listen"],
        "created_at": MOMENT,
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
    }


class NewTokenOutput(TokenOutput):
    secret = serializers.CharField(help_text="The token itself; it is in this answer alone.")

    example: ClassVar[dict[str, Any]] = TokenOutput.example | {"secret": "emo_4fT2..."}


class TokenInput(Input):
    name = serializers.CharField(max_length=MAX_NAME, help_text="What it is for.")
    scopes = BoundedListField(
        child=serializers.ChoiceField(Scope.values), min_length=1, max_length=4, help_text="What it may do."
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="Its end; null: never.")

    example: ClassVar[dict[str, Any]] = {"name": "my scrobbler", "scopes": ["listen"]}


class RevokedOutput(Output):
    revoked = serializers.IntegerField(help_text="How many worked until now.")

    example: ClassVar[dict[str, Any]] = {"revoked": 2}


class ExportOutput(JobOutput):
    size = serializers.IntegerField(help_text="Of the zip, in bytes.")
    rows = serializers.IntegerField(help_text="That are in it.")
    expires_at = serializers.DateTimeField(help_text="When it is deleted.")
    download = serializers.SerializerMethodField(help_text="Where it is; null before it is made.")

    example: ClassVar[dict[str, Any]] = JobOutput.example | {
        "state": "done",
        "progress": None,
        "size": 20480,
        "rows": 812,
        "expires_at": "2026-12-22T18:04:05.123456Z",
        "download": "/api/v1/me/exports/0b7f4c0e-2a59-4f5e-9b33-7f0b8d1c2e64/file",
    }

    def get_download(self, export: Export) -> str | None:
        return f"/api/v1/me/exports/{export.pk}/file" if export.state == JobState.DONE else None


class DeletionInput(Input):
    confirm = serializers.ChoiceField([DELETION_WORD], help_text="Say `delete`: there is no way back.")

    example: ClassVar[dict[str, Any]] = {"confirm": DELETION_WORD}
