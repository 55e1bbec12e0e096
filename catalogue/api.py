"""Tracks by API, and imports and clusterings for those who run the site."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from catalogue import services, views
from catalogue.audio import CONTENT_TYPES
from catalogue.browsing import holds, words_of
from catalogue.map import SIDE, Square, bins
from catalogue.models import Clustering, ClusteringRun, Import, Track
from catalogue.rights import LOOK, right_to_run
from catalogue.serializers import (
    ClusteringOutput,
    ImportInput,
    ImportOutput,
    MapOutput,
    MapQuery,
    PreviewOutput,
    RunInput,
    RunOutput,
    TrackOutput,
    TrackQuery,
)
from emotune import jobs
from emotune.api.etags import with_etag
from emotune.api.fields import PageQuery, as_page, page_schema, read_body, read_query
from emotune.api.idempotency import once
from emotune.api.jobs import answer, cancelled, refreshed
from emotune.api.paging import Order, page_of
from emotune.api.problems import InvalidQuery
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput, NotAllowed

if TYPE_CHECKING:
    from emotune.http import AppRequest

BY_FIT = Order(("distance", "id"))
BY_ID = Order(("id",))
LATEST_FIRST = Order(("created_at", "id"), descending=True)
NEWEST_FIRST = Order(("id",), descending=True)
AUDIO = ", ".join(sorted(set(CONTENT_TYPES.values())))
ADMIN: Mapping[str, str] = dict.fromkeys(("GET", "POST"), "admin")


class Tracks(ApiView):
    @operation("list_tracks", "tracks", {200: page_schema(TrackOutput)}, query=TrackQuery)
    @with_etag
    def get(self, request: ApiRequest) -> Response:
        """List the tracks of the catalogue.

        With an emotion, those that are nearest to its centre come first.
        """
        query = read_query(request, TrackQuery)
        order = BY_FIT if "emotion" in query else BY_ID
        page = page_of(_matching(query), order, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, TrackOutput(page.results, many=True).data))


def _matching(query: Mapping[str, Any]) -> QuerySet[Track]:
    tracks = Track.objects.filter(**{name: query[name] for name in ("emotion", "artist") if name in query})
    if "emotion" in query:
        tracks = tracks.filter(distance__isnull=False)
    for name in ("genre", "title"):
        for word in words_of(query.get(name, "")):
            tracks = tracks.filter(holds(name, word))
    if "area" in query:
        tracks = tracks.filter(Square.cell(query["area"]).contains())
    for word in words_of(query.get("search", "")):
        tracks = tracks.filter(holds("title", word) | holds("artist", word))
    return tracks


class CatalogueMap(ApiView):
    @operation("get_map", "tracks", {200: MapOutput}, query=MapQuery)
    @with_etag
    def get(self, request: ApiRequest) -> Response:
        """See where the tracks lie by valence and arousal: how many of each emotion are in each cell of a square.

        A zoom has twice as many cells a unit as the one before; from zoom 1 on, `x` and `y` choose the square.
        """
        query = read_query(request, MapQuery)
        try:
            square = Square(query["zoom"], query["x"], query["y"], SIDE)
        except InvalidInput as error:
            raise InvalidQuery({"x": [error.message]}) from None
        numbers = iter(bins(square))
        cells = [
            {"area": f"{square.zoom}-{x}-{y}", "emotion": (*EMOTIONS, "")[place], "tracks": tracks}
            for x, y, place, tracks in zip(numbers, numbers, numbers, numbers, strict=True)
        ]
        return Response(MapOutput({"per_unit": square.per_unit, "side": SIDE, "cells": cells}).data)


class OneTrack(ApiView):
    @operation("get_track", "tracks", {200: TrackOutput})
    @with_etag
    def get(self, request: ApiRequest, track_id: int) -> Response:
        """Look at a track."""
        return Response(TrackOutput(get_object_or_404(Track, pk=track_id)).data)


class TrackAtSpotify(ApiView):
    @operation("get_track_by_spotify_id", "tracks", {200: TrackOutput})
    @with_etag
    def get(self, request: ApiRequest, spotify_id: str) -> Response:
        """Look at the track that Spotify knows by this id."""
        track = Track.objects.filter(spotify_id=spotify_id).order_by("id").first()
        if track is None:
            raise Http404
        return Response(TrackOutput(track).data)


class TrackAudio(ApiView):
    ignores_parameters: ClassVar[bool] = True  # players of audio add some, such as one to get past their cache

    @operation(
        "get_track_audio",
        "tracks",
        {200: AUDIO, 206: AUDIO, 304: None},
        errors=(416,),
        headers={
            200: ("Accept-Ranges", "Last-Modified"),
            206: ("Accept-Ranges", "Content-Range", "Last-Modified"),
            304: ("Last-Modified",),
        },
    )
    def get(self, request: ApiRequest, track_id: int) -> HttpResponseBase:
        """Hear a track whose audio lies here, or the part of it that the header Range names."""
        return views.audio(cast("AppRequest", request._request), track_id)  # noqa: SLF001 - DRF's way to Django's request


class Imports(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN
    rights: ClassVar[Mapping[str, str]] = {"GET": "catalogue.view_import", "POST": "catalogue.add_import"}
    parser_classes = (MultiPartParser,)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Let an upload go to a file, before anything reads the form: it is larger than what memory is for."""
        request.upload_handlers = [TemporaryFileUploadHandler(request)]
        return super().initialize_request(request, *args, **kwargs)

    @operation("list_imports", "catalogue", {200: page_schema(ImportOutput)}, query=PageQuery)
    def get(self, request: ApiRequest) -> Response:
        """List the imports of tracks, latest first."""
        query = read_query(request, PageQuery)
        page = page_of(Import.objects.all(), LATEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, ImportOutput(refreshed(page.results), many=True).data))

    @operation(
        "submit_import",
        "catalogue",
        {202: ImportOutput},
        body={"multipart/form-data": ImportInput},
        idempotent=True,
        headers={202: ("Location", "Retry-After")},
    )
    def post(self, request: ApiRequest) -> Response:
        """Import tracks from a file of MuSe.

        A worker reads it; the import at `Location` says how far it is. Tracks that are there already are brought up to
        date.
        """

        def submit() -> dict[str, Any]:
            file = read_body(request, ImportInput)["file"]
            return {"id": str(services.submit_import(user=request.user, file=file).pk)}

        receipt = once(request, submit)
        job = receipt.find(lambda: get_object_or_404(Import, pk=receipt.made["id"]))
        headers = {"Location": reverse("api-import", args=[job.pk]), **receipt.headers}
        return answer(job, ImportOutput, status=202, headers=headers)


class OneImport(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN
    rights: ClassVar[Mapping[str, str]] = {"GET": "catalogue.view_import"}

    @operation("get_import", "catalogue", {200: ImportOutput}, headers={200: ("Retry-After",)})
    def get(self, request: ApiRequest, import_id: UUID) -> Response:
        """Look at an import: how far it is, or what became of its rows."""
        return answer(_fresh(Import, import_id), ImportOutput)


class ImportCancel(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN
    rights: ClassVar[Mapping[str, str]] = {"POST": "catalogue.add_import"}

    @operation("cancel_import", "catalogue", {202: ImportOutput})
    def post(self, request: ApiRequest, import_id: UUID) -> Response:
        """End an import; the catalogue stays as it was. One that is over stays over."""
        job = _fresh(Import, import_id)
        services.cancel_job(user=request.user, job=job)
        return cancelled(job, ImportOutput)


class ImportRejects(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN
    rights: ClassVar[Mapping[str, str]] = {"GET": "catalogue.view_import"}

    @operation("get_import_rejects", "catalogue", {200: "text/csv"})
    def get(self, request: ApiRequest, import_id: UUID) -> FileResponse:
        """Download the rows that could not be used: line, reason and title."""
        job = get_object_or_404(Import, pk=import_id)
        if not job.has_rejects:
            raise Http404
        return FileResponse(job.rejects.open(), as_attachment=True, filename="rejects.csv", content_type="text/csv")


def _fresh(model: type[Any], pk: UUID) -> Any:
    return jobs.refresh(get_object_or_404(model, pk=pk))


class Clusterings(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN
    rights: ClassVar[Mapping[str, str]] = {"GET": LOOK}

    @operation("list_clusterings", "catalogue", {200: page_schema(ClusteringOutput)}, query=PageQuery)
    def get(self, request: ApiRequest) -> Response:
        """List the clusterings, newest first."""
        query = read_query(request, PageQuery)
        page = page_of(Clustering.objects.all(), NEWEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, ClusteringOutput(page.results, many=True).data))


class OneClustering(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN
    rights: ClassVar[Mapping[str, str]] = {"GET": LOOK}

    @operation("get_clustering", "catalogue", {200: ClusteringOutput})
    def get(self, request: ApiRequest, clustering_id: int) -> Response:
        """Look at a clustering."""
        return Response(ClusteringOutput(get_object_or_404(Clustering, pk=clustering_id)).data)


class ClusteringPreview(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN
    rights: ClassVar[Mapping[str, str]] = {"GET": LOOK}

    @operation("preview_clustering", "catalogue", {200: PreviewOutput})
    def get(self, request: ApiRequest, clustering_id: int) -> Response:
        """See what putting a clustering in force would change."""
        clustering = get_object_or_404(Clustering, pk=clustering_id)
        return Response(PreviewOutput(services.preview_of(clustering=clustering)).data)


class Runs(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN
    rights: ClassVar[Mapping[str, str]] = {"GET": LOOK}

    @operation("list_clustering_runs", "catalogue", {200: page_schema(RunOutput)}, query=PageQuery)
    def get(self, request: ApiRequest) -> Response:
        """List the jobs that make clusterings or put them in force, latest first."""
        query = read_query(request, PageQuery)
        page = page_of(ClusteringRun.objects.all(), LATEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, RunOutput(refreshed(page.results), many=True).data))

    @operation(
        "submit_clustering_run",
        "catalogue",
        {202: RunOutput},
        body=RunInput,
        idempotent=True,
        errors=(404,),
        headers={202: ("Location", "Retry-After")},
    )
    def post(self, request: ApiRequest) -> Response:
        """Cluster the catalogue, or put a clustering in force.

        With `method`, a worker makes a clustering to be looked at; with `activate`, it re-tags every track by the one
        that is named. The run at `Location` says how far it is.
        """
        wanted = read_body(request, RunInput)
        _ask_right(request, activates="activate" in wanted)
        receipt = once(request, lambda: {"id": str(_submit_run(request, wanted).pk)})
        run = receipt.find(lambda: get_object_or_404(ClusteringRun, pk=receipt.made["id"]))
        headers = {"Location": reverse("api-clustering-run", args=[run.pk]), **receipt.headers}
        return answer(run, RunOutput, status=202, headers=headers)


def _submit_run(request: ApiRequest, wanted: Mapping[str, Any]) -> ClusteringRun:
    if "method" in wanted:
        return services.submit_clustering(user=request.user, method=wanted["method"])
    clustering = get_object_or_404(Clustering, pk=wanted["activate"])
    return services.submit_activation(user=request.user, clustering=clustering)


def _ask_right(request: ApiRequest, *, activates: bool) -> None:
    if not request.user.has_perm(right_to_run(activates=activates)):
        raise NotAllowed("You have not been given the right to do this. Ask another admin for it.")


class OneRun(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN
    rights: ClassVar[Mapping[str, str]] = {"GET": LOOK}

    @operation("get_clustering_run", "catalogue", {200: RunOutput}, headers={200: ("Retry-After",)})
    def get(self, request: ApiRequest, run_id: UUID) -> Response:
        """Look at a run: how far it is, or which clustering it made."""
        return answer(_fresh(ClusteringRun, run_id), RunOutput)


class RunCancel(ApiView):
    scopes: ClassVar[Mapping[str, str]] = ADMIN

    @operation("cancel_clustering_run", "catalogue", {202: RunOutput})
    def post(self, request: ApiRequest, run_id: UUID) -> Response:
        """End a run; nothing is changed. One that is over stays over."""
        job = _fresh(ClusteringRun, run_id)
        _ask_right(request, activates=job.activates)
        services.cancel_job(user=request.user, job=job)
        return cancelled(job, RunOutput)
