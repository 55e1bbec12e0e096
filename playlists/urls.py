"""Addresses of the playlists app's pages."""

from django.urls import URLPattern

app_name = "playlists"
urlpatterns: list[URLPattern] = []
