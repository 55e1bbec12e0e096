"""The part of ListenBrainz's API that scrobblers speak, so that they need nothing but another address and a token."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.response import Response

from emotune.api.fields import BoundedListField, Input, Output
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from playlists import submissions
from playlists.listening import MOST_AT_ONCE
from playlists.submissions import IMPORT, PLAYING_NOW, SINGLE


class SubmissionInput(Input):
    """What ListenBrainz's documentation says of it; names that are not known here are let through."""

    is_strict = False
    listen_type = serializers.ChoiceField([SINGLE, PLAYING_NOW, IMPORT], help_text="What plays now is not noted.")
    payload = BoundedListField(
        child=serializers.DictField(), min_length=1, max_length=MOST_AT_ONCE, help_text="The listens."
    )

    example: ClassVar[dict[str, Any]] = {
        "listen_type": "single",
        "payload": [
            {
                "listened_at": 1700000000,
                "track_metadata": {"artist_name": "The Example Quartet", "track_name": "A Slow Rain"},
            }
        ],
    }

    def to_internal_value(self, data: Any) -> Any:
        known = {name: data[name] for name in self.fields if name in data} if isinstance(data, Mapping) else data
        return super().to_internal_value(known)


class SubmittedOutput(Output):
    status = serializers.CharField(help_text="ok")
    received = serializers.IntegerField(help_text="Listens that were sent.")
    recognised = serializers.IntegerField(help_text="Those of music that the catalogue has.")
    new = serializers.IntegerField(help_text="Those of them that were not noted before.")

    example: ClassVar[dict[str, Any]] = {"status": "ok", "received": 1, "recognised": 1, "new": 1}


class ValidTokenOutput(Output):
    code = serializers.IntegerField(help_text="200")
    message = serializers.CharField(help_text="In words.")
    valid = serializers.BooleanField(help_text="Whether the token can be used.")
    user_name = serializers.CharField(help_text="Whose it is.")

    example: ClassVar[dict[str, Any]] = {
        "code": 200,
        "message": "Token valid.",
        "valid": True,
        "user_name": "ada@example.org",
    }


class ListenBrainzView(ApiView):
    """Errors have ListenBrainz's names beside those of a problem, and its parameters, as `return_msid`, do no harm."""

    ignores_parameters: ClassVar[bool] = True

    def handle_exception(self, exc: Exception) -> Any:
        response: HttpResponse = super().handle_exception(exc)
        problem = json.loads(response.content)
        response.content = json.dumps(problem | {"code": problem["status"], "error": problem["detail"]}).encode()
        return response


class SubmitListens(ListenBrainzView):
    scopes: ClassVar[Mapping[str, str]] = {"POST": "listen"}

    @operation("listenbrainz_submit_listens", "listens", {200: SubmittedOutput}, body=SubmissionInput)
    def post(self, request: ApiRequest) -> Response:
        """Submit listens as to ListenBrainz.

        Point a scrobbler's API address at `/api/v1/listenbrainz` and give it a token with the scope `listen`. Music is
        recognised by its Spotify or MusicBrainz id, then by artist and title. Music that the catalogue lacks is left
        out without an error, and what plays now is taken and not noted. Twice the same is noted once.
        """
        form = SubmissionInput(data=request.data)
        form.is_valid(raise_exception=True)
        sent = form.validated_data
        done = submissions.record_submission(user=request.user, kind=sent["listen_type"], payload=sent["payload"])
        return Response(SubmittedOutput({"status": "ok", **vars(done)}).data)


class ValidateToken(ListenBrainzView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": "listen"}

    @operation("listenbrainz_validate_token", "listens", {200: ValidTokenOutput})
    def get(self, request: ApiRequest) -> Response:
        """Ask whether a token is fit to submit listens, as of ListenBrainz."""
        found = {"code": 200, "message": "Token valid.", "valid": True, "user_name": request.user.email}
        return Response(ValidTokenOutput(found).data)
