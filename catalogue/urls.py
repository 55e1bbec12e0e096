"""Addresses of the catalogue app's pages."""

from django.urls import URLPattern

app_name = "catalogue"
urlpatterns: list[URLPattern] = []
