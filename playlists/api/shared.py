"""A shared playlist by API, for whoever has its link."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalogue.serializers import TrackOutput
from emotune.api.fields import EmotionField, Output
from emotune.api.permissions import OPEN
from emotune.api.schema import operation
from emotune.api.views import ApiView
from playlists import queries
from playlists.models import Share


class SharedTrackOutput(Output):
    rank = serializers.IntegerField(help_text="Its place, from 1 on.")
    track = TrackOutput()

    example: ClassVar[dict[str, Any]] = {"rank": 1, "track": TrackOutput.example}


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

        Nothing in it says whose it is.
        """
        share = get_object_or_404(Share.objects.select_related("playlist"), token=share_token)
        playlist = share.playlist
        mood = (playlist.emotion, playlist.wanted) if share.shows_mood else ("", "")
        shown = {"emotion": mood[0], "wanted": mood[1], "tracks": queries.entries(playlist, None)}
        return Response(SharedPlaylistOutput(shown).data, headers={"X-Robots-Tag": "noindex"})
