"""The base of every operation of the API, and the operations that belong to no app."""

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, IntegerField
from rest_framework.views import APIView

from emotune.api.etags import with_etag
from emotune.api.fields import Output, Query, read_query
from emotune.api.limits import spend_for_caller
from emotune.api.permissions import OPEN, scope_of
from emotune.api.problems import BY_KIND
from emotune.api.schema import contract_of, operation

if TYPE_CHECKING:
    from accounts.models import ApiToken, User


class ApiRequest(Request):
    """A request of somebody who is logged in; for annotations."""

    user: "User"
    auth: "ApiToken | None"


class ApiView(APIView):
    """An address of the API. `scopes` names by method the scope that a token needs; `read` where it does not."""

    scopes: ClassVar[Mapping[str, str]] = {}
    # What admins may be given one by one, as in Django's admin.
    rights: ClassVar[Mapping[str, str]] = {}
    # Where other people's programs add parameters that they have for others than us.
    ignores_parameters: ClassVar[bool] = False
    http_method_names = [  # noqa: RUF012 - as Django declares it
        "get",
        "head",
        "post",
        "put",
        "patch",
        "delete",
    ]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))
        # Where nobody need be logged in, a login that is over is no reason to refuse.
        if scope_of(self, str(request.method)) != OPEN:
            self.perform_authentication(request)
            spend_for_caller(request)
            self.check_permissions(request)
        self._check_parameters(request)

    def _check_parameters(self, request: Request) -> None:
        """Refuse parameters where an operation has none at all; read_query refuses those that one does not know."""
        described = contract_of(self, str(request.method))
        if described and not described.query and not self.ignores_parameters:
            read_query(request, Query)


class UnknownAddress(ApiView):
    """Whatever no other address answers."""

    scopes: ClassVar[Mapping[str, str]] = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), OPEN)

    def get(self, request: Request, rest: str = "") -> Response:
        raise Http404

    post = put = patch = delete = get


class ProblemKindOutput(Output):
    name = CharField(help_text="The last part of the `type`.")
    status = IntegerField(help_text="The HTTP status that comes with it.")
    title = CharField(help_text="The kind in words.")
    advice = CharField(help_text="What to do about it.")

    example: ClassVar[dict[str, Any]] = {
        "name": "not-found",
        "status": 404,
        "title": "There is nothing here",
        "advice": "What belongs to other people looks like nothing, too.",
    }


class ProblemKind(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": OPEN}

    @operation("explain_problem", "about", {200: ProblemKindOutput})
    @with_etag
    def get(self, request: Request, kind: str) -> Response:
        """Explain a kind of problem.

        The `type` of a problem leads here.
        """
        if kind not in BY_KIND:
            raise Http404
        return Response(ProblemKindOutput(BY_KIND[kind]).data)


@cache
def contract() -> str:
    """Return the contract as JSON; it is the same for everybody as long as the process runs."""
    return json.dumps(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


class Schema(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": OPEN}

    @operation("get_schema", "about", {200: "application/vnd.oai.openapi+json"})
    @with_etag
    def get(self, request: Request) -> HttpResponse:
        """Download this contract.

        It is OpenAPI 3.0 in JSON. `/api/v1/docs/` shows it as a page on which every operation can be tried.
        """
        return HttpResponse(contract(), content_type="application/vnd.oai.openapi+json")


@require_safe
@ensure_csrf_cookie
def docs(request: HttpRequest) -> HttpResponse:
    """Show the contract as a page on which every operation can be tried."""
    return render(request, "api/docs.html")
