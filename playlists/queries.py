"""Reads for playlists: each a fixed number of queries, whatever the catalogue's size."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from django.db.models import Count, Q, QuerySet

from catalogue.models import Track
from detection.models import Capture
from playlists.models import Playlist, PlaylistTrack, Rating
from playlists.ranking import Candidates, Taste

if TYPE_CHECKING:
    from accounts.models import User

# So many tracks nearest to the emotion are ranked, and so many of a person's latest playlists count as heard lately.
POOL = 600
RECENT_PLAYLISTS = 4
PLAYABLE = ~Q(spotify_id="") | ~Q(audio="")


def candidates(emotion: str, least: int) -> Candidates:
    """Return tracks of an emotion, nearest first: real playable ones, and only where those are fewer than `least`
    the demonstration's, then those that can only be linked to."""
    of_emotion = Track.objects.filter(emotion=emotion).order_by("distance", "id")
    demo = Q(origin=Track.Origin.DEMO)
    rows: list[tuple[int, float | None, str, str]] = []
    for wanted in (PLAYABLE & ~demo, demo, ~PLAYABLE):
        if len(rows) < least:
            rows += of_emotion.filter(wanted).values_list("id", "distance", "artist", "spotify_id")[:POOL]
    return Candidates(
        ids=tuple(row[0] for row in rows),
        distance=np.array([row[1] or 0.0 for row in rows], np.float64),
        artists=tuple(row[2] for row in rows),
        spotify_ids=tuple(row[3] for row in rows),
    )


def taste(user: "User | None") -> Taste:
    """Return what a person's ratings and latest playlists say; nobody has no taste."""
    if user is None:
        return Taste()
    tracks: dict[int, int] = {}
    artists: Counter[str] = Counter()
    for track_id, artist, value in Rating.objects.filter(user=user).values_list("track_id", "track__artist", "value"):
        tracks[track_id] = value
        artists[artist] += value
    latest = Playlist.objects.filter(user=user).values_list("id", flat=True)[:RECENT_PLAYLISTS]
    recent = PlaylistTrack.objects.filter(playlist__in=list(latest)).values_list("track_id", flat=True)
    return Taste(tracks=tracks, artists=dict(artists), recent=frozenset(recent))


def entries(playlist: Playlist, user: "User") -> list[PlaylistTrack]:
    """Return a playlist's entries with their tracks; each has the person's rating in `rating` (1, -1 or 0)."""
    found = list(playlist.entries.select_related("track"))
    rated = Rating.objects.filter(user=user, track__in=[entry.track_id for entry in found])
    values = dict(rated.values_list("track_id", "value"))
    for entry in found:
        entry.rating = values.get(entry.track_id, 0)  # type: ignore[attr-defined]
    return found


def history(user: "User") -> QuerySet[Capture]:
    """Return a person's captures, latest first, each with `playlist_count`."""
    return Capture.objects.filter(user=user).annotate(playlist_count=Count("playlists"))
