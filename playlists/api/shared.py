"""A shared playlist by API, for whoever has its link."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalogue.models import Track
from catalogue.serializers import TrackOutput
from emotune.api.fields import EmotionField, Output
from emotune.api.permissions import OPEN
from emotune.api.schema import operation
from emotune.api.views import ApiView
from playlists import queries, sharing

# What tells the mood: all tracks of a playlist that is no journey have one emotion, and lie near to it.
TELLING = ("emotion", "distance", "valence", "arousal", "dominance", "moods")


class SharedMusicOutput(TrackOutput):
    """A track as strangers see it; what tells the mood is left out unless the context has `shows_mood`."""

    emotion = EmotionField(allow_null=True, required=False, help_text="As of any track; only with the mood.")
    distance = serializers.FloatField(allow_null=True, required=False, help_text="The same.")
    valence = serializers.FloatField(required=False, help_text="The same.")
    arousal = serializers.FloatField(required=False, help_text="The same.")
    dominance = serializers.FloatField(required=False, help_text="The same.")
    moods = serializers.ListField(child=serializers.CharField(), source="seeds", required=False, help_text="The same.")

    example: ClassVar[dict[str, Any]] = {
        name: value for name, value in TrackOutput.example.items() if name not in TELLING
    }

    def to_representation(self, instance: Track) -> dict[str, Any]:
        found = super().to_representation(instance)
        shows_mood = self.context.get("shows_mood", False)
        return {name: value for name, value in found.items() if shows_mood or name not in TELLING}


class SharedTrackOutput(Output):
    rank = serializers.IntegerField(help_text="Its place, from 1 on.")
    track = SharedMusicOutput()

    example: ClassVar[dict[str, Any]] = {"rank": 1, "track": SharedMusicOutput.example}


class SharedPlaylistOutput(Output):
    emotion = EmotionField(allow_null=True, help_text="Its mood, or where it begins; null: its owner does not say.")
    wanted = EmotionField(allow_null=True, help_text="Where a journey leads; null: it is none, or nobody says.")
    tracks = SharedTrackOutput(many=True)

    example: ClassVar[dict[str, Any]] = {"emotion": None, "wanted": None, "tracks": [SharedTrackOutput.example]}


class SharedPlaylist(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": OPEN}

    @operation("get_shared_playlist", "playlists", {200: SharedPlaylistOutput})
    def get(self, request: Request, share_token: str) -> Response:
        """See a playlist whose owner gave you its link, whose last part is the token.

        Nothing in it says whose it is. Unless its owner shows the mood, nothing in its tracks tells it either.
        """
        share = sharing.shared(share_token)
        if share is None:
            raise Http404
        playlist = share.playlist
        mood = (playlist.emotion, playlist.wanted) if share.shows_mood else ("", "")
        shown = {"emotion": mood[0], "wanted": mood[1], "tracks": queries.entries(playlist, None)}
        answer = SharedPlaylistOutput(shown, context={"shows_mood": share.shows_mood})
        return Response(answer.data, headers={"X-Robots-Tag": "noindex"})
