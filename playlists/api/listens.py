"""Listens and skips by API, one by one and many at once."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models.functions import Coalesce
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from catalogue.models import Track
from emotune.api.fields import as_page, page_schema, read_body, read_query
from emotune.api.idempotency import once
from emotune.api.paging import Order, page_of
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from playlists import listening
from playlists.api.playlists import playlist_of
from playlists.history import Filters
from playlists.listening import Heard, InvalidListens
from playlists.models import Listen
from playlists.serializers import (
    CountsOutput,
    DeletedOutput,
    EverythingQuery,
    ListenInput,
    ListenListQuery,
    ListenOutput,
    ListensInput,
    SkipInput,
)

LATEST_FIRST = Order(("listened_at", "id"), descending=True)
WRITES: Mapping[str, str] = dict.fromkeys(("POST", "PUT", "DELETE"), "listen")


class Listens(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("list_listens", "listens", {200: page_schema(ListenOutput)}, query=ListenListQuery)
    def get(self, request: ApiRequest) -> Response:
        """List what you heard, latest first."""
        query = read_query(request, ListenListQuery)
        days: dict[str, str] = {name: query[name].isoformat() for name in ("since", "until") if name in query}
        filters = Filters.of(days | {"q": query.get("search", ""), "emotion": query.get("emotion", "")})
        listens = Listen.objects.filter(user=request.user).select_related("track")
        if filters.emotion:
            listens = listens.alias(mood=Coalesce("playlist__emotion", "track__emotion"))
        listens = listens.filter(filters.condition())
        page = page_of(listens, LATEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, ListenOutput(page.results, many=True).data))

    @operation("record_listen", "listens", {201: ListenOutput}, body=ListenInput, idempotent=True, errors=(404,))
    def post(self, request: ApiRequest) -> Response:
        """Note that you heard a track: 30 seconds or half of it. The same track at the same moment is noted once."""

        def record() -> dict[str, int]:
            wanted = read_body(request, ListenInput)
            (heard,) = _heard([wanted])
            playlist = playlist_of(request, heard.playlist_id) if heard.playlist_id else None
            try:
                listening.check_listens(user=request.user, listens=[heard])
            except InvalidListens as error:
                raise ValidationError(_fields(error, [wanted])["0"]) from None
            listen = listening.record_listen(
                user=request.user,
                track=get_object_or_404(Track, pk=heard.track_id),
                source=heard.source,
                playlist=playlist,
                listened_at=heard.listened_at,
            )
            return {"id": listen.pk}

        receipt = once(request, record)
        listen = receipt.find(lambda: _listen_of(request, receipt.made["id"]))
        return Response(ListenOutput(listen).data, status=201, headers=receipt.headers)

    @operation("delete_listens", "listens", {200: DeletedOutput}, query=EverythingQuery)
    def delete(self, request: ApiRequest) -> Response:
        """Delete all that you heard, for ever."""
        read_query(request, EverythingQuery)
        return Response(DeletedOutput({"deleted": listening.delete_all_listens(user=request.user)}).data)


class ListensBulk(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("record_listens", "listens", {200: CountsOutput}, body=ListensInput, idempotent=True)
    def post(self, request: ApiRequest) -> Response:
        """Note up to 1000 listens at once, all or none. Those that are noted already stay as they are."""

        def record() -> dict[str, int]:
            wanted = read_body(request, ListensInput)["listens"]
            try:
                new = listening.record_listens_bulk(user=request.user, listens=_heard(wanted))
            except InvalidListens as error:
                raise ValidationError({"listens": _fields(error, wanted)}) from None
            return {"received": len(wanted), "changed": new}

        receipt = once(request, record)
        return Response(CountsOutput(receipt.made).data, headers=receipt.headers)


def _heard(listens: Sequence[Mapping[str, Any]]) -> list[Heard]:
    """Return listens with the ids of their tracks, 0 for one that the catalogue does not have."""
    named = {listen["spotify_id"] for listen in listens if "spotify_id" in listen}
    rows = Track.objects.filter(spotify_id__in=named).order_by("-id").values_list("spotify_id", "id")
    by_name = dict(rows) if named else {}
    now = timezone.now()
    return [
        Heard(
            listen.get("track") or by_name.get(listen.get("spotify_id", ""), 0),
            listen.get("listened_at", now),
            playlist_id=listen.get("playlist"),
        )
        for listen in listens
    ]


def _fields(error: InvalidListens, listens: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return by place what is wrong with listens, under the names by which they were sent."""
    return {
        str(place): {
            "spotify_id" if name == "track" and "spotify_id" in listens[place] else name: [sentence]
            for name, sentence in found.items()
        }
        for place, found in error.wrong.items()
    }


def _listen_of(request: ApiRequest, listen_id: int) -> Listen:
    return get_object_or_404(Listen.objects.select_related("track"), pk=listen_id, user=request.user)


class OneListen(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("get_listen", "listens", {200: ListenOutput})
    def get(self, request: ApiRequest, listen_id: int) -> Response:
        """Look at a listen."""
        return Response(ListenOutput(_listen_of(request, listen_id)).data)

    @operation("delete_listen", "listens", {204: None})
    def delete(self, request: ApiRequest, listen_id: int) -> Response:
        """Delete a listen."""
        listen = _listen_of(request, listen_id)
        if not listening.delete_listens(user=request.user, listen_ids=[listen.pk]):
            raise Http404
        return Response(status=204)


class Skips(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("record_skip", "listens", {204: None}, body=SkipInput, idempotent=True, errors=(404,))
    def post(self, request: ApiRequest) -> Response:
        """Note that a track was begun and passed over before it counted as heard."""

        def record() -> dict[str, int]:
            skip = read_body(request, SkipInput)
            noted = listening.record_skip(
                user=request.user,
                track=get_object_or_404(Track, pk=skip["track"]),
                playlist=playlist_of(request, skip["playlist"]) if skip.get("playlist") else None,
                seconds=skip.get("seconds"),
            )
            return {"id": noted.pk}

        return Response(status=204, headers=once(request, record).headers)
