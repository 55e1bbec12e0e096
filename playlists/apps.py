"""The playlists app."""

from django.apps import AppConfig


class PlaylistsConfig(AppConfig):
    name = "playlists"
    personal_data = "playlists.personal.PERSONAL_DATA"
