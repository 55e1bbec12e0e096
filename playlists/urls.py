"""Addresses of the playlists app's pages."""

from django.urls import path

from playlists import views

app_name = "playlists"
urlpatterns = [
    path("history/", views.history, name="history"),
    path("captures/<uuid:capture_id>/playlist/", views.for_capture, name="for_capture"),
    path("tracks/<int:track_id>/rating/", views.rate, name="rate"),
    path("tracks/<int:track_id>/listens/", views.listen, name="listen"),
]
