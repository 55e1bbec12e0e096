"""Addresses of the API, version 1."""

from django.urls import include, path

from emotune.api import views
from emotune.api.status import Status

urlpatterns = [
    path("v1/schema", views.Schema.as_view(), name="api-schema"),
    path("v1/docs", views.docs, name="api-docs"),
    path("v1/status", Status.as_view(), name="api-status"),
    path("v1/problems/<slug:kind>", views.ProblemKind.as_view(), name="api-problem"),
    path("v1/", include("detection.api_urls")),
    path("v1/", include("catalogue.api_urls")),
    path("v1/", include("playlists.api_urls")),
    path("v1/", include("accounts.api_urls")),
    path("<path:rest>", views.UnknownAddress.as_view()),
    path("", views.UnknownAddress.as_view()),
]
