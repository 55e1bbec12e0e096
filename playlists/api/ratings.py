"""Ratings, and what is never wanted again, by API."""

from collections.abc import Mapping
from typing import ClassVar

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.response import Response

from catalogue.models import Track
from emotune.api.fields import PageQuery, as_page, page_schema, read_body, read_query
from emotune.api.idempotency import once
from emotune.api.paging import Order, page_of
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from playlists import history, listening
from playlists.models import NeverAgain, NeverArtist, Rating
from playlists.serializers import (
    ArtistQuery,
    CountsOutput,
    NeverAgainOutput,
    NeverArtistInput,
    NeverArtistOutput,
    RatingInput,
    RatingListQuery,
    RatingOutput,
    RatingsInput,
    UntilInput,
)

LATEST_RATED = Order(("rated_at", "id"), descending=True)
LATEST_MADE = Order(("created_at", "id"), descending=True)
WRITES: Mapping[str, str] = dict.fromkeys(("POST", "PUT", "DELETE"), "listen")


class Ratings(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("list_ratings", "ratings", {200: page_schema(RatingOutput)}, query=RatingListQuery)
    def get(self, request: ApiRequest) -> Response:
        """List what you like and dislike, latest rated first."""
        query = read_query(request, RatingListQuery)
        ratings = Rating.objects.filter(user=request.user).select_related("track")
        if "value" in query:
            ratings = ratings.filter(value=query["value"])
        page = page_of(ratings, LATEST_RATED, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, RatingOutput(page.results, many=True).data))

    @operation("rate_tracks", "ratings", {200: CountsOutput}, body=RatingsInput, idempotent=True)
    def post(self, request: ApiRequest) -> Response:
        """Give up to 1000 tracks one rating, or take their ratings back. Ids of no track are left out."""

        def rate() -> dict[str, int]:
            wanted = read_body(request, RatingsInput)
            found = listening.bulk_rate(user=request.user, track_ids=set(wanted["tracks"]), value=wanted["value"])
            return {"received": len(wanted["tracks"]), "changed": len(found)}

        receipt = once(request, rate)
        return Response(CountsOutput(receipt.made).data, headers=receipt.headers)


class TrackRating(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("get_rating", "ratings", {200: RatingOutput})
    def get(self, request: ApiRequest, track_id: int) -> Response:
        """Look at your rating of a track; there is none where you have said nothing."""
        return Response(RatingOutput(_rating_of(request, track_id)).data)

    @operation("rate_track", "ratings", {200: RatingOutput}, body=RatingInput)
    def put(self, request: ApiRequest, track_id: int) -> Response:
        """Like a track, or dislike it: one that you dislike is not played to you again."""
        track = get_object_or_404(Track, pk=track_id)
        listening.rate(user=request.user, track=track, **read_body(request, RatingInput))
        return Response(RatingOutput(_rating_of(request, track_id)).data)

    @operation("delete_rating", "ratings", {204: None})
    def delete(self, request: ApiRequest, track_id: int) -> Response:
        """Take your rating of a track back."""
        listening.rate(user=request.user, track=get_object_or_404(Track, pk=track_id), value=0)
        return Response(status=204)


def _rating_of(request: ApiRequest, track_id: int) -> Rating:
    return get_object_or_404(Rating.objects.select_related("track"), track__pk=track_id, user=request.user)


class NeverAgainTracks(ApiView):
    @operation("list_never_again", "ratings", {200: page_schema(NeverAgainOutput)}, query=PageQuery)
    def get(self, request: ApiRequest) -> Response:
        """List the tracks that you never want again, latest first."""
        query = read_query(request, PageQuery)
        _, tracks = history.kept_out(request.user)
        page = page_of(tracks, LATEST_MADE, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, NeverAgainOutput(page.results, many=True).data))


class NeverAgainTrack(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("never_again", "ratings", {200: NeverAgainOutput}, body=UntilInput)
    def put(self, request: ApiRequest, track_id: int) -> Response:
        """Never get a track again, for ever or until a moment."""
        track = get_object_or_404(Track, pk=track_id)
        listening.never_again(user=request.user, track=track, until=read_body(request, UntilInput).get("until"))
        found = get_object_or_404(NeverAgain.objects.select_related("track"), track=track_id, user=request.user)
        return Response(NeverAgainOutput(found).data)

    @operation("undo_never_again", "ratings", {204: None})
    def delete(self, request: ApiRequest, track_id: int) -> Response:
        """Let a track be played to you again."""
        listening.never_again(user=request.user, track=get_object_or_404(Track, pk=track_id), undo=True)
        return Response(status=204)


class NeverAgainArtists(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("list_never_again_artists", "ratings", {200: page_schema(NeverArtistOutput)}, query=PageQuery)
    def get(self, request: ApiRequest) -> Response:
        """List the artists whom you never want again, latest first."""
        query = read_query(request, PageQuery)
        artists, _ = history.kept_out(request.user)
        page = page_of(artists, LATEST_MADE, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, NeverArtistOutput(page.results, many=True).data))

    @operation("never_again_artist", "ratings", {200: NeverArtistOutput}, body=NeverArtistInput)
    def put(self, request: ApiRequest) -> Response:
        """Never get anything by an artist again, for ever or until a moment."""
        wanted = read_body(request, NeverArtistInput)
        artist = listening.never_artist(user=request.user, artist=wanted["artist"], until=wanted.get("until"))
        return Response(NeverArtistOutput(get_object_or_404(NeverArtist, artist=artist, user=request.user)).data)

    @operation("undo_never_again_artist", "ratings", {204: None}, query=ArtistQuery, errors=(404,))
    def delete(self, request: ApiRequest) -> Response:
        """Let an artist be played to you again."""
        artist = read_query(request, ArtistQuery)["artist"]
        if not NeverArtist.objects.filter(user=request.user, artist=artist).exists():
            raise Http404
        listening.never_artist(user=request.user, artist=artist, undo=True)
        return Response(status=204)
