"""Addresses of the detection app's pages."""

from django.urls import URLPattern

app_name = "detection"
urlpatterns: list[URLPattern] = []
