"""What playlists keep of a person: what was played, heard, rated, passed over and never wanted again."""

from typing import TYPE_CHECKING

from emotune import jobs
from emotune.personal import PersonalData
from playlists.models import (
    HistoryImport,
    Listen,
    NeverAgain,
    NeverArtist,
    Playlist,
    PlaylistTrack,
    Rating,
    Share,
    Skip,
)

if TYPE_CHECKING:
    from accounts.models import User

TRACK = {
    "title": "track__title",
    "artist": "track__artist",
    "spotify_id": "track__spotify_id",
    "mbid": "track__mbid",
    "emotion": "track__emotion",
}


def _same(*names: str) -> dict[str, str]:
    """Return fields that are called in the copy what they are called here."""
    return {name: name for name in names}


def _remove_uploads(user: "User") -> None:
    for job in HistoryImport.objects.filter(user=user):
        jobs.forget(job)
        if job.file:
            job.file.delete(save=False)


PERSONAL_DATA = (
    PersonalData(
        "shared_playlists",
        lambda user: Share.objects.filter(playlist__user=user),
        {"playlist": "playlist_id", "shows_mood": "shows_mood", "created_at": "created_at"},
    ),
    PersonalData(
        "listens",
        lambda user: Listen.objects.filter(user=user),
        {"listened_at": "listened_at", **TRACK, "source": "source", "playlist": "playlist_id"},
        order=("listened_at", "pk"),
    ),
    PersonalData(
        "skips",
        lambda user: Skip.objects.filter(user=user),
        {"skipped_at": "skipped_at", **TRACK, "seconds": "seconds", "playlist": "playlist_id"},
    ),
    PersonalData(
        "ratings",
        lambda user: Rating.objects.filter(user=user),
        {"rated_at": "rated_at", **TRACK, "value": "value"},
    ),
    PersonalData(
        "playlist_tracks",
        lambda user: PlaylistTrack.objects.filter(playlist__user=user),
        {"playlist": "playlist_id", "rank": "rank", **TRACK, "score": "score", "reason": "reason"},
    ),
    PersonalData(
        "playlists",
        lambda user: Playlist.objects.filter(user=user),
        {
            "id": "id",
            "created_at": "created_at",
            "capture": "capture_id",
            "mood": "emotion",
            "towards": "wanted",
            **_same("asked", "seed", "target"),
        },
    ),
    PersonalData(
        "never_again_tracks",
        lambda user: NeverAgain.objects.filter(user=user),
        {"created_at": "created_at", **TRACK, "until": "until"},
    ),
    PersonalData(
        "never_again_artists",
        lambda user: NeverArtist.objects.filter(user=user),
        {"created_at": "created_at", "artist": "artist", "until": "until"},
    ),
    PersonalData(
        "history_imports",
        lambda user: HistoryImport.objects.filter(user=user),
        {
            "file": "name",
            **_same("created_at", "kind", "state", "finished_at", "rows", "matched", "repeated", "unmatched"),
            **_same("rated", "rejected", "rejects", "missing"),
        },
        order=("created_at",),
        outside=_remove_uploads,
    ),
)
