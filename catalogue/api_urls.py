"""Addresses of the catalogue in the API."""

from django.urls import path, re_path

from catalogue import api

urlpatterns = [
    path("tracks", api.Tracks.as_view(), name="api-tracks"),
    path("map", api.CatalogueMap.as_view(), name="api-map"),
    path("tracks/<int:track_id>", api.OneTrack.as_view(), name="api-track"),
    path("tracks/<int:track_id>/audio", api.TrackAudio.as_view(), name="api-track-audio"),
    re_path(
        r"^tracks/spotify/(?P<spotify_id>[0-9A-Za-z]{22})$", api.TrackAtSpotify.as_view(), name="api-track-at-spotify"
    ),
    path("imports", api.Imports.as_view(), name="api-imports"),
    path("imports/<uuid:import_id>", api.OneImport.as_view(), name="api-import"),
    path("imports/<uuid:import_id>/cancel", api.ImportCancel.as_view(), name="api-import-cancel"),
    path("imports/<uuid:import_id>/rejects", api.ImportRejects.as_view(), name="api-import-rejects"),
    path("clusterings", api.Clusterings.as_view(), name="api-clusterings"),
    path("clusterings/<int:clustering_id>", api.OneClustering.as_view(), name="api-clustering"),
    path("clusterings/<int:clustering_id>/preview", api.ClusteringPreview.as_view(), name="api-clustering-preview"),
    path("clustering-runs", api.Runs.as_view(), name="api-clustering-runs"),
    path("clustering-runs/<uuid:run_id>", api.OneRun.as_view(), name="api-clustering-run"),
    path("clustering-runs/<uuid:run_id>/cancel", api.RunCancel.as_view(), name="api-clustering-run-cancel"),
]
