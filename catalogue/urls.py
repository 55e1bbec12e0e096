"""Addresses of the catalogue app's pages."""

from django.urls import path

from catalogue import views

app_name = "catalogue"
urlpatterns = [
    path("audio/<int:track_id>/", views.audio, name="audio"),
]
