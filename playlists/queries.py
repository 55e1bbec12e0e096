"""Reads for playlists: each a fixed number of queries, whatever the catalogue's size."""

from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.utils import timezone

from catalogue.models import Clustering, Track
from detection.models import Capture
from emotune.emotions import EMOTION_LIST
from playlists.models import Listen, NeverAgain, NeverArtist, Playlist, PlaylistTrack, Rating, Skip
from playlists.pool import Centres, Row, as_features
from playlists.ranking import Taste
from playlists.taste import Evidence

if TYPE_CHECKING:
    from accounts.models import User

# So many of a person's latest ratings, listens and skips speak for their taste, and so many playlists and listens are
# still in their ears.
LATEST = 200
COOLING_PLAYLISTS = 8
COOLING_LISTENS = 60
# What an act says of a track, and the variance of that word: a listener may let a track run that they do not care for.
LISTENED, SKIPPED = 0.4, -0.4
RATING_NOISE, ACT_NOISE = 0.3, 1.0
TASTED = ("valence", "arousal", "dominance", "artist", "genre", "spotify_id")


def centres() -> Centres:
    """Return the seven emotions' centres: the active clustering's centroids, or the anchors while there is none."""
    active = Clustering.objects.filter(state=Clustering.State.ACTIVE).values_list("centroids", flat=True).first()
    found: Centres = {emotion.name: emotion.anchor for emotion in EMOTION_LIST}
    return found | {name: (float(v), float(a), float(d)) for name, (v, a, d) in (active or {}).items()}


def taste(user: "User | None", centres: Centres) -> Taste:
    """Return what a person's acts say; nobody has no taste. Computed anew each time, so that undoing leaves nothing."""
    if user is None:
        return Taste()
    ratings = _acts(Rating.objects.filter(user=user).order_by("-rated_at", "-id"), "value")
    listens = _acts(Listen.objects.filter(user=user), "playlist_id")
    skips = _acts(Skip.objects.filter(user=user), "playlist_id")
    liked: dict[str, int] = {}
    for _, value, row in ratings:
        if value > 0:
            liked[row.artist] = liked.get(row.artist, 0) + 1
    banned = _banned(user)
    return Taste(
        evidence=_evidence(ratings, listens, skips, centres),
        liked=liked,
        cooling=_cooling(user, [row.id for _, _, row in listens]),
        banned=frozenset(track_id for track_id, _ in banned),
        banned_spotify=frozenset(spotify_id for _, spotify_id in banned if spotify_id),
    )


def _acts(acts: "QuerySet[Rating] | QuerySet[Listen] | QuerySet[Skip]", value: str) -> list[tuple[str, int, Row]]:
    """Return the latest acts as (emotion of the track, the act's value, the track)."""
    columns = ("track__emotion", value, "track_id", *(f"track__{name}" for name in TASTED))
    return [(row[0], row[1] or 0, Row(*row[2:])) for row in acts.values_list(*columns)[:LATEST]]


def _evidence(
    ratings: list[tuple[str, int, Row]],
    listens: list[tuple[str, int, Row]],
    skips: list[tuple[str, int, Row]],
    centres: Centres,
) -> Evidence:
    """Count each track once: by its rating, or else by its latest listen, or else by its skip."""
    words: dict[int, tuple[str, float, float, Row]] = {}
    for emotion, value, row in ratings:
        words[row.id] = (emotion, float(value), RATING_NOISE, row)
    for acts, act in ((listens, LISTENED), (skips, SKIPPED)):
        for emotion, _, row in acts:
            words.setdefault(row.id, (emotion, act, ACT_NOISE, row))
    kept = list(words.values())[:LATEST]
    features = as_features([row for *_, row in kept], [emotion for emotion, *_ in kept], centres)
    return Evidence.of(features, [value for _, value, *_ in kept], [noise for _, _, noise, _ in kept])


def _banned(user: "User") -> list[tuple[int, str]]:
    """Return id and Spotify id of what a person never wants to hear again, also by artist, and of what they dislike."""
    now = timezone.now()
    never = NeverAgain.objects.filter(Q(until=None) | Q(until__gt=now), user=user)
    disliked = Rating.objects.filter(user=user, value=-1).order_by()
    artists = NeverArtist.objects.filter(Q(until=None) | Q(until__gt=now), user=user)
    by_artists = Track.objects.filter(artist__in=artists.values("artist"))
    columns = ("track_id", "track__spotify_id")
    return list(
        never.values_list(*columns).union(disliked.values_list(*columns), by_artists.values_list("id", "spotify_id"))
    )


def _cooling(user: "User", heard: list[int]) -> dict[int, float]:
    """Return by track how fresh it is in a person's memory: 1 for the latest, fading evenly with each one since."""
    latest = Playlist.objects.filter(user=user).order_by("-created_at", "-id").values("id")[:COOLING_PLAYLISTS]
    places = PlaylistTrack.objects.filter(playlist__in=latest).order_by("-playlist__created_at", "-playlist_id")
    order: dict[int, int] = {}
    cooling: dict[int, float] = {}
    for playlist_id, track_id in places.values_list("playlist_id", "track_id"):
        age = order.setdefault(playlist_id, len(order)) / COOLING_PLAYLISTS
        cooling[track_id] = max(cooling.get(track_id, 0.0), 1 - age)
    for place, track_id in enumerate(heard[:COOLING_LISTENS]):
        cooling[track_id] = max(cooling.get(track_id, 0.0), 1 - place / COOLING_LISTENS)
    return cooling


def entries(playlist: Playlist, user: "User") -> list[PlaylistTrack]:
    """Return a playlist's entries with their tracks; each has the person's rating in `rating` (1, -1 or 0)."""
    found = list(playlist.entries.select_related("track"))
    rated = Rating.objects.filter(user=user, track__in=[entry.track_id for entry in found])
    values = dict(rated.values_list("track_id", "value"))
    for entry in found:
        entry.rating = values.get(entry.track_id, 0)  # type: ignore[attr-defined]
    return found


def history(user: "User") -> QuerySet[Capture]:
    """Return a person's captures, latest first."""
    return Capture.objects.filter(user=user).order_by("-created_at", "-id")
