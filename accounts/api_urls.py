"""Addresses of one's own account in the API."""

from django.urls import path

from accounts import api

urlpatterns = [
    path("me", api.Me.as_view(), name="api-me"),
    path("me/consent", api.MyConsent.as_view(), name="api-consent"),
    path("me/preferences", api.MyPreferences.as_view(), name="api-preferences"),
    path("me/tokens", api.MyTokens.as_view(), name="api-tokens"),
    path("me/tokens/current", api.CurrentToken.as_view(), name="api-token-current"),
    path("me/tokens/<int:token_id>", api.MyToken.as_view(), name="api-token"),
    path("me/exports", api.MyExports.as_view(), name="api-exports"),
    path("me/exports/<uuid:export_id>", api.MyExport.as_view(), name="api-export"),
    path("me/exports/<uuid:export_id>/cancel", api.MyExportCancel.as_view(), name="api-export-cancel"),
    path("me/exports/<uuid:export_id>/file", api.MyExportFile.as_view(), name="api-export-file"),
]
