"""Reads for playlists: each a fixed number of queries, whatever the catalogue's size."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from detection.models import Capture
from playlists.models import NeverAgain, Playlist, PlaylistTrack, Rating, in_force

if TYPE_CHECKING:
    from accounts.models import User


def entries(playlist: Playlist, user: "User | None") -> list[PlaylistTrack]:
    """Return a playlist's entries with their tracks, and what the person said of each.

    That is `rating` (1, -1 or 0) and `never`, whether the track is kept out from now on. A stranger said nothing.
    """
    found = list(playlist.entries.select_related("track"))
    if user is None:
        return found
    values, never = words_on(user, [entry.track_id for entry in found])
    for entry in found:
        entry.rating = values.get(entry.track_id, 0)  # type: ignore[attr-defined]
        entry.never = entry.track_id in never  # type: ignore[attr-defined]
    return found


def words_on(user: "User", tracks: Collection[int]) -> tuple[dict[int, int], set[int]]:
    """Return a person's ratings of some tracks by their ids, and the ids of those that are kept out from now on."""
    values = dict(Rating.objects.filter(user=user, track__in=tracks).values_list("track_id", "value"))
    never = NeverAgain.objects.filter(in_force(), user=user, track__in=tracks).values_list("track_id", flat=True)
    return values, set(never)


def history(user: "User") -> QuerySet[Capture]:
    """Return a person's captures, latest first."""
    return Capture.objects.filter(user=user).order_by("-created_at", "-id")
