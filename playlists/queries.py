"""Reads for playlists: each a fixed number of queries, whatever the catalogue's size."""

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, When

from catalogue.models import Track
from detection.models import Capture
from playlists.models import NeverAgain, NeverArtist, Playlist, PlaylistTrack, Rating, in_force

if TYPE_CHECKING:
    from accounts.models import User


class Said(NamedTuple):
    """What a person said of a track: `rating` 1, -1 or 0, and whether it or its artist is kept out from now on."""

    rating: int = 0
    never: bool = False
    never_artist: bool = False


def entries(playlist: Playlist, user: "User | None") -> list[PlaylistTrack]:
    """Return a playlist's entries with their tracks, and as `said` what the person said of each; a stranger nothing."""
    found = list(playlist.entries.select_related("track"))
    if user is not None:
        said = said_of(user, [entry.track for entry in found])
        for entry in found:
            entry.said = said[entry.track_id]  # type: ignore[attr-defined]
    return found


def said_of(user: "User", tracks: Collection[Track]) -> dict[int, Said]:
    """Return what a person said of each of some tracks, by its id. Three queries."""
    ids, named = {track.pk for track in tracks}, {track.artist for track in tracks}
    ratings = dict(Rating.objects.filter(user=user, track__in=ids).values_list("track_id", "value"))
    never = set(NeverAgain.objects.filter(in_force(), user=user, track__in=ids).values_list("track_id", flat=True))
    by_name = Q(artist__in=named) | Q(track__artist__in=named)
    is_there = Exists(Track.objects.filter(artist=OuterRef("artist")))
    name = Case(When(is_there, then="artist"), default="track__artist")  # as in playlists/profiles.py
    kept_out = NeverArtist.objects.filter(in_force(), by_name, user=user).values_list(name, flat=True)
    artists = set(kept_out)
    return {track.pk: Said(ratings.get(track.pk, 0), track.pk in never, track.artist in artists) for track in tracks}


def history(user: "User") -> QuerySet[Capture]:
    """Return a person's captures, latest first."""
    return Capture.objects.filter(user=user).order_by("-created_at", "-id")
