"""Playlists, journeys and recommendations by API."""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework.response import Response

from detection.access import capture_of
from detection.models import Capture
from detection.services import refresh
from emotune.api.fields import PageQuery, as_page, page_schema, read_body, read_query
from emotune.api.idempotency import once
from emotune.api.paging import Order, page_of
from emotune.api.problems import NotYet
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from playlists import queries, services, sharing
from playlists.models import Playlist
from playlists.serializers import (
    JourneyInput,
    PlaylistInput,
    PlaylistListQuery,
    PlaylistOutput,
    RecommendationsOutput,
    RecommendationsQuery,
    ShareInput,
    ShareOutput,
    WholePlaylistOutput,
    whole,
)

LATEST_FIRST = Order(("id",), descending=True)
MAKES: Mapping[str, str] = {"POST": "listen"}


def playlist_of(request: ApiRequest, playlist_id: int) -> Playlist:
    return get_object_or_404(Playlist, pk=playlist_id, user=request.user)


def _show(request: ApiRequest, playlist: Playlist) -> dict[str, object]:
    return whole(playlist, queries.entries(playlist, request.user))


def _read_capture(request: ApiRequest, capture_id: UUID) -> Capture:
    """Return the person's capture once it is read. Raises NotYet."""
    capture = refresh(capture=capture_of(request.user, capture_id))
    if capture.is_open:
        raise NotYet("This capture is still being read. Please ask again in a second.")
    return capture


class Recommendations(ApiView):
    @operation("list_recommendations", "tracks", {200: RecommendationsOutput}, query=RecommendationsQuery)
    def get(self, request: ApiRequest) -> Response:
        """Get the tracks that fit a mood best for you, without making a playlist."""
        wanted = read_query(request, RecommendationsQuery)
        found = services.recommend(user=request.user, **wanted)
        return Response(RecommendationsOutput({"emotion": wanted["emotion"], "tracks": found}).data)


class CapturePlaylist(ApiView):
    @operation("get_capture_playlist", "playlists", {200: WholePlaylistOutput}, errors=(409, 410, 422))
    def get(self, request: ApiRequest, capture_id: UUID) -> Response:
        """Get the playlist for a capture's mood.

        It is made the first time it is asked for, and stays: put the reading right, and there is another one. While
        the capture is being read the answer is 409.
        """
        capture = _read_capture(request, capture_id)
        return Response(_show(request, services.build_playlist(capture=capture)))


class Playlists(ApiView):
    scopes: ClassVar[Mapping[str, str]] = MAKES

    @operation("list_playlists", "playlists", {200: page_schema(PlaylistOutput)}, query=PlaylistListQuery)
    def get(self, request: ApiRequest) -> Response:
        """List your playlists and journeys, latest first."""
        query = read_query(request, PlaylistListQuery)
        playlists = Playlist.objects.filter(user=request.user)
        if "capture" in query:
            playlists = playlists.filter(capture=query["capture"])
        page = page_of(playlists, LATEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, PlaylistOutput(page.results, many=True).data))

    @operation(
        "make_playlist",
        "playlists",
        {201: WholePlaylistOutput},
        body=PlaylistInput,
        idempotent=True,
        errors=(404,),
        headers={201: ("Location",)},
    )
    def post(self, request: ApiRequest) -> Response:
        """Make the playlist for the mood of a capture. A capture has one for each mood, so twice gives the same."""

        def make() -> dict[str, int]:
            capture = _read_capture(request, read_body(request, PlaylistInput)["capture"])
            return {"id": services.build_playlist(capture=capture).pk}

        receipt = once(request, make)
        return _made(request, receipt.find(lambda: playlist_of(request, receipt.made["id"])), receipt.headers)


def _made(request: ApiRequest, playlist: Playlist, headers: Mapping[str, str]) -> Response:
    location = reverse("api-playlist", args=[playlist.pk])
    return Response(_show(request, playlist), status=201, headers={"Location": location, **headers})


class Journeys(ApiView):
    scopes: ClassVar[Mapping[str, str]] = MAKES

    @operation("list_journeys", "playlists", {200: page_schema(PlaylistOutput)}, query=PageQuery)
    def get(self, request: ApiRequest) -> Response:
        """List your journeys, latest first."""
        query = read_query(request, PageQuery)
        journeys = Playlist.objects.filter(user=request.user).exclude(wanted="")
        page = page_of(journeys, LATEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, PlaylistOutput(page.results, many=True).data))

    @operation(
        "make_journey",
        "playlists",
        {201: WholePlaylistOutput},
        body=JourneyInput,
        idempotent=True,
        errors=(404,),
        headers={201: ("Location",)},
    )
    def post(self, request: ApiRequest) -> Response:
        """Make a playlist that leads in even steps from one mood to another.

        It begins at the mood of a capture, or at any of the seven. Where moods are near to each other it is shorter.
        """
        receipt = once(request, lambda: {"id": _make_journey(request).pk})
        return _made(request, receipt.find(lambda: playlist_of(request, receipt.made["id"])), receipt.headers)


def _make_journey(request: ApiRequest) -> Playlist:
    way = read_body(request, JourneyInput)
    wanted, k = way["wanted"], way["tracks"]
    if "capture" not in way:
        return services.build_journey_from(user=request.user, emotion=way["emotion"], wanted=wanted, k=k)
    return services.build_journey(capture=_read_capture(request, way["capture"]), wanted=wanted, k=k)


class OnePlaylist(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"DELETE": "listen"}

    @operation("get_playlist", "playlists", {200: WholePlaylistOutput})
    def get(self, request: ApiRequest, playlist_id: int) -> Response:
        """Look at a playlist or a journey, with its tracks."""
        return Response(_show(request, playlist_of(request, playlist_id)))

    @operation("delete_journey", "playlists", {204: None}, errors=(422,))
    def delete(self, request: ApiRequest, playlist_id: int) -> Response:
        """Delete a journey; what was heard on it stays. The playlist of a capture goes with its capture."""
        services.delete_journey(playlist=playlist_of(request, playlist_id))
        return Response(status=204)


class PlaylistShare(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"PUT": "listen", "DELETE": "listen"}

    @operation("share_playlist", "playlists", {200: ShareOutput}, body=ShareInput)
    def put(self, request: ApiRequest, playlist_id: int) -> Response:
        """Give a playlist a link by which anybody may see it; the link of one that has one stays."""
        playlist = playlist_of(request, playlist_id)
        share = sharing.share(playlist=playlist, **read_body(request, ShareInput))
        url = request.build_absolute_uri(reverse("playlists:shared", args=[share.token]))
        return Response(ShareOutput({"url": url, "shows_mood": share.shows_mood}).data)

    @operation("unshare_playlist", "playlists", {204: None})
    def delete(self, request: ApiRequest, playlist_id: int) -> Response:
        """Take the link back: whoever follows it finds nothing."""
        sharing.revoke(playlist=playlist_of(request, playlist_id))
        return Response(status=204)
