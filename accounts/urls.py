"""Addresses of the accounts app's pages."""

from django.urls import path

from accounts import data_views, token_views, views

app_name = "accounts"
urlpatterns = [
    path("", views.profile, name="profile"),
    path("consent/", views.consent, name="consent"),
    path("consent/withdraw/", views.withdraw, name="withdraw"),
    path("preferences/", views.preferences, name="preferences"),
    path("tokens/", token_views.tokens, name="tokens"),
    path("tokens/revoke/", data_views.revoke_tokens, name="revoke_tokens"),
    path("tokens/<int:token_id>/revoke/", token_views.revoke, name="revoke_token"),
    path("activity/", data_views.activity, name="activity"),
    path("exports/", data_views.exports, name="exports"),
    path("exports/<uuid:export_id>/", data_views.download, name="download"),
    path("exports/<uuid:export_id>/delete/", data_views.discard, name="discard_export"),
    path("delete/", data_views.deletion, name="delete"),
]
