"""Bringing another service's history along, by API."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from emotune import jobs
from emotune.api.fields import PageQuery, as_page, page_schema, read_body, read_query
from emotune.api.idempotency import once
from emotune.api.jobs import answer, cancelled, refreshed
from emotune.api.paging import Order, page_of
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from playlists.imports import remove_history_import, submit_history_import
from playlists.models import HistoryImport
from playlists.serializers import DeletedOutput, HistoryImportInput, HistoryImportOutput

LATEST_FIRST = Order(("created_at", "id"), descending=True)
WRITES: Mapping[str, str] = dict.fromkeys(("POST", "DELETE"), "listen")


def import_of(request: ApiRequest, history_import_id: UUID | str) -> HistoryImport:
    return get_object_or_404(HistoryImport, pk=history_import_id, user=request.user)


class HistoryImports(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES
    parser_classes = (MultiPartParser,)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Let an upload go to a file, before anything reads the form: an export is no picture."""
        request.upload_handlers = [TemporaryFileUploadHandler(request)]
        return super().initialize_request(request, *args, **kwargs)

    @operation("list_history_imports", "listens", {200: page_schema(HistoryImportOutput)}, query=PageQuery)
    def get(self, request: ApiRequest) -> Response:
        """List the histories that you brought along, latest first."""
        query = read_query(request, PageQuery)
        imports = HistoryImport.objects.filter(user=request.user)
        page = page_of(imports, LATEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, HistoryImportOutput(refreshed(page.results), many=True).data))

    @operation(
        "submit_history_import",
        "listens",
        {202: HistoryImportOutput},
        body={"multipart/form-data": HistoryImportInput},
        idempotent=True,
        headers={202: ("Location", "Retry-After")},
    )
    def post(self, request: ApiRequest) -> Response:
        """Bring your history of ListenBrainz or Last.fm along.

        A worker reads the file; the import at `Location` says how far it is. One at a time.
        """

        def submit() -> dict[str, Any]:
            return {"id": str(submit_history_import(user=request.user, **read_body(request, HistoryImportInput)).pk)}

        receipt = once(request, submit)
        job = receipt.find(lambda: import_of(request, receipt.made["id"]))
        headers = {"Location": reverse("api-history-import", args=[job.pk]), **receipt.headers}
        return answer(job, HistoryImportOutput, status=202, headers=headers)


class OneHistoryImport(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("get_history_import", "listens", {200: HistoryImportOutput}, headers={200: ("Retry-After",)})
    def get(self, request: ApiRequest, history_import_id: UUID) -> Response:
        """Look at an import: how far it is, or what it brought."""
        return answer(jobs.refresh(import_of(request, history_import_id)), HistoryImportOutput)

    @operation("remove_history_import", "listens", {200: DeletedOutput}, errors=(422,))
    def delete(self, request: ApiRequest, history_import_id: UUID) -> Response:
        """Take back all that an import brought, and forget it. Cancel one that is under way first."""
        gone = remove_history_import(history_import=import_of(request, history_import_id))
        return Response(DeletedOutput({"deleted": gone}).data)


class HistoryImportCancel(ApiView):
    scopes: ClassVar[Mapping[str, str]] = WRITES

    @operation("cancel_history_import", "listens", {202: HistoryImportOutput})
    def post(self, request: ApiRequest, history_import_id: UUID) -> Response:
        """End an import; what it brought so far goes again. One that is over stays over."""
        return cancelled(jobs.refresh(import_of(request, history_import_id)), HistoryImportOutput)
