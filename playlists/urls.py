"""Addresses of the playlists app's pages."""

from django.urls import path

from playlists import (
    browse_views,
    history_views,
    import_views,
    journal_views,
    journey_views,
    never_views,
    share_views,
    views,
)

app_name = "playlists"
urlpatterns = [
    path("history/", history_views.listens, name="history"),
    path("history/ratings/", history_views.ratings, name="ratings"),
    path("history/ratings/bulk/", history_views.bulk_rate, name="bulk_rate"),
    path("history/moods/", history_views.moods, name="moods"),
    path("history/delete/", history_views.delete_listens, name="listens_delete"),
    path("history/delete/all/", history_views.delete_all, name="listens_delete_all"),
    path("history/undo/", history_views.take_back, name="undo"),
    path("history/import/", import_views.imports, name="import"),
    path("history/import/<uuid:job_id>/", import_views.progress, name="import_progress"),
    path("history/import/<uuid:job_id>/cancel/", import_views.cancel, name="import_cancel"),
    path("history/import/<uuid:job_id>/remove/", import_views.remove, name="import_remove"),
    path("history/never/", never_views.never, name="never"),
    path("history/never/artist/", never_views.never_artist, name="never_artist"),
    path("history/never/undo/", never_views.take_back, name="never_undo"),
    path("captures/<uuid:capture_id>/playlist/", views.for_capture, name="for_capture"),
    path("playlists/<int:playlist_id>/share/", share_views.share, name="share"),
    path("shared/<slug:token>/", share_views.shared, name="shared"),
    path("journal/", journal_views.show, name="journal"),
    path("journeys/", journey_views.journeys, name="journeys"),
    path("journeys/new/", journey_views.journey, name="journey"),
    path("journeys/<int:playlist_id>/", journey_views.shown, name="journey_shown"),
    path("journeys/<int:playlist_id>/delete/", journey_views.forget, name="journey_delete"),
    path("tracks/", browse_views.browse, name="browse"),
    path("map/", browse_views.catalogue_map, name="map"),
    path("map/bins/", browse_views.map_bins, name="map_bins"),
    path("tracks/<int:track_id>/rating/", views.rate, name="rate"),
    path("tracks/<int:track_id>/listens/", views.listen, name="listen"),
    path("tracks/<int:track_id>/skips/", views.skip, name="skip"),
    path("tracks/<int:track_id>/never/", never_views.never_track, name="never_track"),
]
