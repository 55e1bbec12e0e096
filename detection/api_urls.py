"""Addresses of captures in the API."""

from django.urls import path

from detection import api

urlpatterns = [
    path("captures", api.Captures.as_view(), name="api-captures"),
    path("captures/<uuid:capture_id>", api.OneCapture.as_view(), name="api-capture"),
    path("emotions", api.Emotions.as_view(), name="api-emotions"),
    path("model", api.Model.as_view(), name="api-model"),
]
