"""Addresses of playlists, listens and ratings in the API."""

from django.urls import path

from playlists.api import imports, journal, listenbrainz, listens, playlists, ratings, shared

urlpatterns = [
    path("recommendations", playlists.Recommendations.as_view(), name="api-recommendations"),
    path("captures/<uuid:capture_id>/playlist", playlists.CapturePlaylist.as_view(), name="api-capture-playlist"),
    path("playlists", playlists.Playlists.as_view(), name="api-playlists"),
    path("playlists/<int:playlist_id>", playlists.OnePlaylist.as_view(), name="api-playlist"),
    path("playlists/<int:playlist_id>/share", playlists.PlaylistShare.as_view(), name="api-playlist-share"),
    path("shared/<slug:share_token>", shared.SharedPlaylist.as_view(), name="api-shared-playlist"),
    path("journeys", playlists.Journeys.as_view(), name="api-journeys"),
    path("listens", listens.Listens.as_view(), name="api-listens"),
    path("listens/bulk", listens.ListensBulk.as_view(), name="api-listens-bulk"),
    path("listens/<int:listen_id>", listens.OneListen.as_view(), name="api-listen"),
    path("skips", listens.Skips.as_view(), name="api-skips"),
    path("ratings", ratings.Ratings.as_view(), name="api-ratings"),
    path("tracks/<int:track_id>/rating", ratings.TrackRating.as_view(), name="api-track-rating"),
    path("tracks/<int:track_id>/never-again", ratings.NeverAgainTrack.as_view(), name="api-track-never-again"),
    path("never-again", ratings.NeverAgainTracks.as_view(), name="api-never-again"),
    path("never-again/artists", ratings.NeverAgainArtists.as_view(), name="api-never-again-artists"),
    path("me/journal", journal.MyJournal.as_view(), name="api-journal"),
    path("history-imports", imports.HistoryImports.as_view(), name="api-history-imports"),
    path("history-imports/<uuid:history_import_id>", imports.OneHistoryImport.as_view(), name="api-history-import"),
    path(
        "history-imports/<uuid:history_import_id>/cancel",
        imports.HistoryImportCancel.as_view(),
        name="api-history-import-cancel",
    ),
    path("listenbrainz/1/submit-listens", listenbrainz.SubmitListens.as_view(), name="api-listenbrainz-submit"),
    path("listenbrainz/1/validate-token", listenbrainz.ValidateToken.as_view(), name="api-listenbrainz-validate"),
]
