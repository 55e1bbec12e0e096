"""Addresses of the playlists app's pages."""

from django.urls import path

from playlists import browse_views, views

app_name = "playlists"
urlpatterns = [
    path("history/", views.history, name="history"),
    path("captures/<uuid:capture_id>/playlist/", views.for_capture, name="for_capture"),
    path("tracks/", browse_views.browse, name="browse"),
    path("map/", browse_views.catalogue_map, name="map"),
    path("map/bins/", browse_views.map_bins, name="map_bins"),
    path("tracks/<int:track_id>/rating/", views.rate, name="rate"),
    path("tracks/<int:track_id>/listens/", views.listen, name="listen"),
]
