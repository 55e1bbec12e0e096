"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    personal_data = "accounts.personal.PERSONAL_DATA"
