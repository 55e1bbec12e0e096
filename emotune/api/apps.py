"""The frame of the API as an app of Django: it has rows of its own."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "emotune.api"
    personal_data = "emotune.api.personal.PERSONAL_DATA"
