"""Share a playlist by a link that nobody can guess, and take the link back."""

import secrets

from playlists.models import Playlist, Share

TOKEN_BYTES = 16


def share(*, playlist: Playlist, shows_mood: bool = False) -> Share:
    """Give a playlist a link, or change what its link shows; the address of one that exists stays."""
    share, _ = Share.objects.update_or_create(
        playlist=playlist,
        defaults={"shows_mood": shows_mood},
        create_defaults={"shows_mood": shows_mood, "token": secrets.token_urlsafe(TOKEN_BYTES)},
    )
    return share


def shared(token: str) -> Share | None:
    """Return what a link shows, with its playlist; None where it was taken back, or the mood that it tells of was."""
    share = Share.objects.select_related("playlist__capture").filter(token=token).first()
    if share is None:
        return None
    playlist = share.playlist
    # tracks of a journey have several emotions: it tells of a mood only where that is shown beside them
    tells = share.shows_mood or not playlist.wanted
    is_taken_back = tells and playlist.capture and playlist.capture.mood != playlist.emotion
    return None if is_taken_back else share


def revoke(*, playlist: Playlist) -> None:
    """Take the link back: whoever follows it finds nothing, and a later one has another address."""
    Share.objects.filter(playlist=playlist).delete()
