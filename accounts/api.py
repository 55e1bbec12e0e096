"""A person's own account by API: profile, consent, preferences, tokens, copies of everything, and its end."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast
from uuid import UUID

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.contrib.auth import logout
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework.response import Response

from accounts import data_views
from accounts.deletion import delete_account
from accounts.exports import delete_export, exports_of, request_export
from accounts.models import CONSENT_VERSION, ApiToken, Export, User
from accounts.serializers import (
    ConsentInput,
    ConsentOutput,
    DeletionInput,
    ExportOutput,
    MeOutput,
    NewTokenOutput,
    PreferencesInput,
    PreferencesOutput,
    RevokedOutput,
    TokenInput,
    TokenOutput,
)
from accounts.services import give_consent, revoke_all_tokens, set_preferences, withdraw_consent
from accounts.tokens import create_token, revoke_token
from emotune import jobs
from emotune.api.fields import PageQuery, as_page, page_schema, read_body, read_query
from emotune.api.idempotency import once
from emotune.api.jobs import answer, cancelled
from emotune.api.paging import Order, page_of
from emotune.api.permissions import ANY, IN_PERSON
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from emotune.errors import AccountGone, InvalidInput, NotAllowed

if TYPE_CHECKING:
    from emotune.http import AppRequest

LATEST_FIRST = Order(("created_at", "id"), descending=True)
PROVE = "Prove that it is you: enter your password at /accounts/reauthenticate/, then try again."


def _check_person(request: ApiRequest) -> None:
    """Ask for what the page asks for: the password once more. Raises NotAllowed."""
    if not did_recently_reauthenticate(request._request):  # noqa: SLF001 - DRF's way to Django's request
        raise NotAllowed(PROVE)


class Me(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"DELETE": IN_PERSON}

    @operation("get_me", "me", {200: MeOutput})
    def get(self, request: ApiRequest) -> Response:
        """Look at your profile, and at what this login may do."""
        return Response(MeOutput(request.user, context={"token": request.auth}).data)

    @operation("delete_me", "me", {204: None}, body=DeletionInput)
    def delete(self, request: ApiRequest) -> Response:
        """Delete your account with everything that is kept of you, at once and for ever.

        You have to have entered your password at `/accounts/reauthenticate/` within the last minutes.
        """
        read_body(request, DeletionInput)
        _check_person(request)
        user = User.objects.filter(pk=request.user.pk).first()
        if user is None:
            raise AccountGone
        delete_account(user=user)
        logout(request._request)  # noqa: SLF001 - DRF's way to Django's request
        return Response(status=204)


class MyConsent(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"PUT": IN_PERSON, "DELETE": "capture"}

    @operation("get_consent", "me", {200: ConsentOutput})
    def get(self, request: ApiRequest) -> Response:
        """Look at your consent to have your face read."""
        return _consent(request)

    @operation("give_consent", "me", {200: ConsentOutput}, body=ConsentInput)
    def put(self, request: ApiRequest) -> Response:
        """Agree to have your face read.

        Name the version of the text at `/account/consent/`. A program cannot agree for a person.
        """
        if read_body(request, ConsentInput)["version"] != CONSENT_VERSION:
            raise InvalidInput(f"The present text has the version {CONSENT_VERSION}. Read it at /account/consent/.")
        give_consent(user=request.user)
        return _consent(request)

    @operation("withdraw_consent", "me", {200: ConsentOutput})
    def delete(self, request: ApiRequest) -> Response:
        """Withdraw your consent: no more pictures of you are read."""
        withdraw_consent(user=request.user)
        return _consent(request)


def _consent(request: ApiRequest) -> Response:
    found = request.user.consent
    state = {
        "given": found is not None,
        "version": found.version if found else None,
        "given_at": found.given_at if found else None,
    }
    return Response(ConsentOutput(state).data)


class MyPreferences(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"PATCH": "listen"}

    @operation("get_preferences", "me", {200: PreferencesOutput})
    def get(self, request: ApiRequest) -> Response:
        """Look at how you want to listen."""
        return Response(PreferencesOutput(request.user.preferences).data)

    @operation("set_preferences", "me", {200: PreferencesOutput}, body=PreferencesInput)
    def patch(self, request: ApiRequest) -> Response:
        """Change how you want to listen; what is not given stays."""
        return Response(
            PreferencesOutput(set_preferences(user=request.user, **read_body(request, PreferencesInput))).data
        )


class MyTokens(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"POST": IN_PERSON, "DELETE": IN_PERSON}

    @operation("list_tokens", "me", {200: page_schema(TokenOutput)}, query=PageQuery)
    def get(self, request: ApiRequest) -> Response:
        """List your tokens, newest first, those that are revoked as well."""
        query = read_query(request, PageQuery)
        tokens = ApiToken.objects.filter(user=request.user)
        page = page_of(tokens, LATEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, TokenOutput(page.results, many=True).data))

    @operation("make_token", "me", {201: NewTokenOutput}, body=TokenInput, headers={201: ("Location",)})
    def post(self, request: ApiRequest) -> Response:
        """Make a token. Its secret is in this answer alone.

        You have to have entered your password at `/accounts/reauthenticate/` within the last minutes. A token cannot
        make tokens.
        """
        wanted = read_body(request, TokenInput)
        _check_person(request)
        token, secret = create_token(user=request.user, **wanted)
        shown = {**TokenOutput(token).data, "secret": secret}
        return Response(shown, status=201, headers={"Location": reverse("api-token", args=[token.pk])})

    @operation("revoke_tokens", "me", {200: RevokedOutput})
    def delete(self, request: ApiRequest) -> Response:
        """Revoke all your tokens, from the next request on. Every program that used your account is logged out."""
        return Response(RevokedOutput({"revoked": revoke_all_tokens(user=request.user)}).data)


class CurrentToken(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"DELETE": ANY}

    @operation("revoke_current_token", "me", {204: None})
    def delete(self, request: ApiRequest) -> Response:
        """Revoke the token that this request is made with, from the next one on. It need not know its own id."""
        if request.auth is None:
            raise InvalidInput("You are logged in without a token. Name the one to revoke by its id.")
        revoke_token(token=request.auth)
        return Response(status=204)


class MyToken(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"DELETE": ANY}

    @operation("get_token", "me", {200: TokenOutput})
    def get(self, request: ApiRequest, token_id: int) -> Response:
        """Look at a token: what it may do, and when it was last used."""
        return Response(TokenOutput(_token_of(request, token_id)).data)

    @operation("revoke_token", "me", {204: None})
    def delete(self, request: ApiRequest, token_id: int) -> Response:
        """Revoke a token, from the next request on. A token can revoke itself and no other."""
        token = _token_of(request, token_id)
        if request.auth is not None and request.auth.pk != token.pk:
            raise NotAllowed("A token can revoke itself and no other. Log in and do it in person.")
        revoke_token(token=token)
        return Response(status=204)


def _token_of(request: ApiRequest, token_id: int) -> ApiToken:
    return get_object_or_404(ApiToken, pk=token_id, user=request.user)


class MyExports(ApiView):
    @operation("list_exports", "me", {200: page_schema(ExportOutput)}, query=PageQuery)
    def get(self, request: ApiRequest) -> Response:
        """List the copies of everything that is kept of you, latest first."""
        query = read_query(request, PageQuery)
        exports = exports_of(user=request.user)
        page = page_of(exports, LATEST_FIRST, request, limit=query["limit"], cursor=query["cursor"])
        return Response(as_page(page, ExportOutput(page.results, many=True).data))

    @operation("submit_export", "me", {202: ExportOutput}, idempotent=True, headers={202: ("Location", "Retry-After")})
    def post(self, request: ApiRequest) -> Response:
        """Have a copy made of everything that is kept of you: a zip of JSON Lines and CSV.

        A worker makes it; the export at `Location` says how far it is. It is deleted after 30 days.
        """
        receipt = once(request, lambda: {"id": str(request_export(user=request.user).pk)})
        export = receipt.find(lambda: _export_of(request, UUID(receipt.made["id"])))
        headers = {"Location": reverse("api-export", args=[export.pk]), **receipt.headers}
        return answer(export, ExportOutput, status=202, headers=headers)


def _export_of(request: ApiRequest, export_id: UUID) -> Export:
    return get_object_or_404(Export, pk=export_id, user=request.user)


class MyExport(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"DELETE": "listen"}

    @operation("get_export", "me", {200: ExportOutput}, headers={200: ("Retry-After",)})
    def get(self, request: ApiRequest, export_id: UUID) -> Response:
        """Look at a copy: how far it is, or where it is."""
        return answer(jobs.refresh(_export_of(request, export_id)), ExportOutput)

    @operation("delete_export", "me", {204: None})
    def delete(self, request: ApiRequest, export_id: UUID) -> Response:
        """Delete a copy, or stop making it."""
        delete_export(export=_export_of(request, export_id))
        return Response(status=204)


class MyExportCancel(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"POST": "listen"}

    @operation("cancel_export", "me", {202: ExportOutput})
    def post(self, request: ApiRequest, export_id: UUID) -> Response:
        """Stop making a copy. One that is made stays."""
        return cancelled(jobs.refresh(_export_of(request, export_id)), ExportOutput)


class MyExportFile(ApiView):
    @operation("download_export", "me", {200: "application/zip"}, errors=(410,))
    def get(self, request: ApiRequest, export_id: UUID) -> HttpResponseBase:
        """Download a copy."""
        return data_views.download(cast("AppRequest", request._request), export_id)  # noqa: SLF001 - DRF's way
