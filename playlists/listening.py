"""What a person does with tracks: rate them, hear them, skip them, never want them again; and how it is taken back."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from catalogue.models import Track
from emotune.errors import AccountGone, InvalidInput
from playlists.export_records import AHEAD, FIRST_LISTEN
from playlists.models import HistoryImport, Listen, NeverAgain, NeverArtist, Playlist, Rating, Skip

if TYPE_CHECKING:
    from accounts.models import User

LISTEN_SOURCES = ("spotify", "audio", "api")
LONGEST_SKIP = 3600
# More than a page shows, and few enough for one statement.
MOST_AT_ONCE = 1000
MINUTE = timedelta(minutes=1)
UNKNOWN_SOURCE = f"A listen comes from one of {', '.join(LISTEN_SOURCES)}."
IMPOSSIBLE_MOMENT = f"A listen lies between {FIRST_LISTEN:%Y-%m-%d} and now. Check the clock that noted it."
NO_ARTIST = "The catalogue has no artist of that name. Search for a track by them and choose it there."


@dataclass(frozen=True)
class Heard:
    """One listen: which track, when, from where, and in which playlist of the person's if in any. `to_the_minute`: its
    moment was told without seconds."""

    track_id: int
    listened_at: datetime
    source: str = Listen.Source.API
    playlist_id: int | None = None
    imported_id: UUID | None = None
    to_the_minute: bool = False


class InvalidListens(InvalidInput):
    """Some of many listens cannot be used. `wrong` says by the place of each which fields are wrong, and why."""

    def __init__(self, wrong: Mapping[int, Mapping[str, str]]) -> None:
        place, found = next(iter(wrong.items()))
        super().__init__(f"Listen {place + 1} cannot be noted. {next(iter(found.values()))}")
        self.wrong = wrong


@dataclass(frozen=True)
class Word:
    """A rating as it was before another one: 0 is none. One that an import brought belongs to it."""

    value: int
    rated_at: datetime | None = None
    imported_id: UUID | None = None


@dataclass(frozen=True)
class Rated:
    """What one act of rating wrote, 1, -1 or 0 (none), and when; `before` has each track's rating before it."""

    value: int
    at: datetime
    before: Mapping[int, Word]

    def __len__(self) -> int:
        return len(self.before)


def rate(*, user: "User", track: Track, value: int) -> int:
    """Store a person's rating of a track: 1 likes it, -1 does not, 0 takes the rating back. Returns the value.

    The last of several at once wins. Raises InvalidInput for any other value.
    """
    bulk_rate(user=user, track_ids=[track.pk], value=value)
    return value


def bulk_rate(*, user: "User", track_ids: Collection[int], value: int) -> Rated:
    """Give several tracks one rating, 1, -1 or 0 (none). Returns what was done, for `restore_ratings`.

    Ids of no track are left out. Raises InvalidInput for any other value, and for more than MOST_AT_ONCE tracks.
    """
    if value not in (-1, 0, 1):
        raise InvalidInput("A rating is 1 (like), -1 (dislike) or 0 (none).")
    _check_number(track_ids, "tracks")
    with transaction.atomic():
        _wait_for_turn(user)
        known = Track.objects.filter(id__in=track_ids).order_by("id").values_list("id", flat=True)
        before = _words(user, known)
        now = timezone.now()
        _put_ratings(user, {track_id: Word(value, now) for track_id in before})
    return Rated(value, now, before)


def restore_ratings(*, user: "User", rated: Rated) -> int:
    """Put ratings back as they were before `bulk_rate`, with their times, except those that were changed after it.
    Returns how many these are; a track or an import that has gone takes its rating along."""
    _check_number(rated.before, "ratings")
    brought = {word.imported_id for word in rated.before.values() if word.imported_id}
    imports = set(HistoryImport.objects.filter(user=user, id__in=brought).values_list("id", flat=True))
    wrote = Word(rated.value, rated.at) if rated.value else Word(0)
    known = Track.objects.filter(id__in=rated.before).order_by("id").values_list("id", flat=True)
    with transaction.atomic():
        _wait_for_turn(user)
        now = _words(user, known)
        then = {
            track_id: rated.before[track_id] if rated.before[track_id].imported_id in {None, *imports} else Word(0)
            for track_id in now
        }
        _put_ratings(user, {track_id: then[track_id] for track_id, word in now.items() if word == wrote})
    return sum(word not in (wrote, then[track_id]) for track_id, word in now.items())


def _wait_for_turn(user: "User") -> None:
    """Let one change of a person's ratings at a time through, so that overlapping ones never wait for each other.

    Raises AccountGone.
    """
    people = get_user_model().objects.select_for_update(no_key=True)
    if not people.filter(id=user.pk).values_list("id").first():
        raise AccountGone


def _words(user: "User", track_ids: Iterable[int]) -> dict[int, Word]:
    """Return the ratings of some tracks, in their order."""
    found = {track_id: Word(0) for track_id in track_ids}
    for row in Rating.objects.filter(user=user, track__in=found):
        found[row.track_id] = Word(row.value, row.rated_at, row.imported_id)
    return found


def _put_ratings(user: "User", ratings: Mapping[int, Word]) -> None:
    none = [track_id for track_id, word in ratings.items() if word.value == 0]
    if none:
        Rating.objects.filter(user=user, track__in=none).delete()
    Rating.objects.bulk_create(
        [
            Rating(
                user=user,
                track_id=track_id,
                value=word.value,
                rated_at=word.rated_at or timezone.now(),
                imported_id=word.imported_id,
            )
            for track_id, word in ratings.items()
            if word.value
        ],
        update_conflicts=True,
        unique_fields=["user", "track"],
        update_fields=["value", "rated_at", "imported"],
    )


def record_listen(
    *,
    user: "User",
    track: Track,
    source: str,
    playlist: Playlist | None = None,
    listened_at: datetime | None = None,
) -> Listen:
    """Note that a track was heard: 30 seconds or half of it, which the player decides. Twice the same is one listen.

    Raises InvalidInput for an unknown source and for a moment that cannot be.
    """
    if source not in LISTEN_SOURCES:
        raise InvalidInput(UNKNOWN_SOURCE)
    moment = listened_at or timezone.now()
    if not _can_be(moment, timezone.now()):
        raise InvalidInput(IMPOSSIBLE_MOMENT)
    listen, _ = Listen.objects.get_or_create(
        user=user, track=track, listened_at=moment, defaults={"source": source, "playlist": playlist}
    )
    return listen


def record_listens_bulk(*, user: "User", listens: Sequence[Heard]) -> int:
    """Note many listens at once; those that are noted already stay as they are. Returns how many are new.

    Raises InvalidInput, and notes none, for more than MOST_AT_ONCE, and InvalidListens as `check_listens` does.
    """
    _check_number(listens, "listens")
    check_listens(user=user, listens=listens)
    return add_listens(user=user, listens=listens)


def check_listens(*, user: "User", listens: Sequence[Heard]) -> None:
    """Raise InvalidListens for listens with a moment that cannot be, an unknown source, track or playlist."""
    wanted = {listen.track_id for listen in listens}
    tracks = set(Track.objects.filter(id__in=wanted).values_list("id", flat=True))
    named = {listen.playlist_id for listen in listens if listen.playlist_id}
    playlists = {None, *Playlist.objects.filter(id__in=named, user=user).values_list("id", flat=True)}
    now = timezone.now()
    checked = (_wrong_in(listen, tracks, playlists, now) for listen in listens)
    if wrong := {place: found for place, found in enumerate(checked) if found}:
        raise InvalidListens(wrong)


def _wrong_in(listen: Heard, tracks: set[int], playlists: set[int | None], now: datetime) -> dict[str, str]:
    """Return the fields of a listen that cannot be, each with a sentence."""
    found = {}
    if listen.track_id not in tracks:
        found["track"] = "The catalogue has no such track."
    if listen.playlist_id not in playlists:
        found["playlist"] = "You have no such playlist."
    if not _can_be(listen.listened_at, now):
        found["listened_at"] = IMPOSSIBLE_MOMENT
    if listen.source not in Listen.Source:
        found["source"] = UNKNOWN_SOURCE
    return found


def add_listens(*, user: "User", listens: Sequence[Heard], by_minute: bool = False) -> int:
    """Store listens that were checked before, whatever their number in memory; return how many are new.

    With `by_minute`, one is noted already also where its track has another listen within the same minute, and either
    has no seconds: some exporters cut them off.
    """
    wanted = {(listen.track_id, listen.listened_at): listen for listen in reversed(listens)}
    moments = {moment for _, moment in wanted}
    noted = Listen.objects.filter(user=user, listened_at__in=moments).order_by()
    known = set(noted.values_list("track_id", "listened_at"))
    if by_minute:
        known |= _noted_by_minute(user, wanted)
    new = [
        Listen(
            user=user,
            track_id=listen.track_id,
            listened_at=listen.listened_at,
            source=listen.source,
            playlist_id=listen.playlist_id,
            imported_id=listen.imported_id,
        )
        for key, listen in wanted.items()
        if key not in known
    ]
    Listen.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _noted_by_minute(user: "User", wanted: Mapping[tuple[int, datetime], Heard]) -> set[tuple[int, datetime]]:
    """Return which listens have another one of the same track, noted or among them, within their minute, where either
    has no seconds. Of two among them it is the one without."""
    cut = {key for key, listen in wanted.items() if listen.to_the_minute}
    whole = {(track_id, moment): (track_id, _minute_of(moment)) for track_id, moment in wanted.keys() - cut}
    found = cut.intersection(whole.values())
    # that a noted one has no seconds is not kept: only imports bring such, and few others happen at a minute's begin
    begins = {minute for _, minute in whole.values()}
    rows = Listen.objects.filter(user=user, imported__isnull=False, listened_at__in=begins).order_by()
    noted = set(rows.values_list("track_id", "listened_at"))
    found |= {key for key, minute in whole.items() if minute in noted}
    if cut:
        tracks, moments = {track_id for track_id, _ in cut}, [moment for _, moment in cut]
        span = (min(moments), max(moments) + MINUTE)
        near = Listen.objects.filter(user=user, track__in=tracks, listened_at__range=span).order_by()
        there = near.values_list("track_id", "listened_at").iterator()
        found |= cut.intersection((track_id, _minute_of(moment)) for track_id, moment in there)
    return found


def _minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def delete_listens(*, user: "User", listen_ids: Collection[int]) -> list[Heard]:
    """Delete some of a person's listens; return them for `restore_listens`. Ids of others' are left out."""
    _check_number(listen_ids, "listens")
    with transaction.atomic():
        rows = Listen.objects.filter(user=user, id__in=listen_ids)
        found = [Heard(row.track_id, row.listened_at, row.source, row.playlist_id, row.imported_id) for row in rows]
        rows.delete()
    return found


def restore_listens(*, user: "User", listens: Sequence[Heard]) -> int:
    """Put deleted listens back; one whose track or import has gone stays away. Returns how many came back."""
    _check_number(listens, "listens")
    tracks = set(Track.objects.filter(id__in={row.track_id for row in listens}).values_list("id", flat=True))
    wanted = {row.playlist_id for row in listens if row.playlist_id}
    playlists = set(Playlist.objects.filter(user=user, id__in=wanted).values_list("id", flat=True))
    brought = {row.imported_id for row in listens if row.imported_id}
    imports = set(HistoryImport.objects.filter(user=user, id__in=brought).values_list("id", flat=True))
    rows = [
        replace(row, playlist_id=row.playlist_id if row.playlist_id in playlists else None)
        for row in listens
        if row.track_id in tracks and (row.imported_id is None or row.imported_id in imports)
    ]
    return add_listens(user=user, listens=rows)


def delete_all_listens(*, user: "User") -> int:
    """Delete every listen of a person, which cannot be taken back; return how many they were."""
    deleted, _ = Listen.objects.filter(user=user).delete()
    return deleted


def record_skip(*, user: "User", track: Track, playlist: Playlist | None = None, seconds: float | None = None) -> Skip:
    """Note that a track was begun and passed over after some seconds, before it counted as heard.

    Raises InvalidInput for seconds that nobody can have listened.
    """
    if seconds is not None and not 0 <= seconds <= LONGEST_SKIP:
        raise InvalidInput(f"A skip comes after 0 to {LONGEST_SKIP} seconds.")
    return Skip.objects.create(
        user=user, track=track, playlist=playlist, seconds=None if seconds is None else int(seconds)
    )


def never_again(*, user: "User", track: Track, undo: bool = False, until: datetime | None = None) -> bool:
    """Keep a track out of all of a person's later playlists, for ever or until a moment; `undo` takes that back.

    Returns whether the track is kept out now. The last of several at once wins. Raises InvalidInput for a moment that
    has passed.
    """
    if undo:
        NeverAgain.objects.filter(user=user, track=track).delete()
        return False
    _check_end(until)
    NeverAgain.objects.bulk_create(
        [NeverAgain(user=user, track=track, until=until)],
        update_conflicts=True,
        unique_fields=["user", "track"],
        update_fields=["until"],
    )
    return True


def never_artist(*, user: "User", artist: str, undo: bool = False, until: datetime | None = None) -> str:
    """Keep all tracks by an artist out, as `never_again` does one; return the name as the catalogue spells it.

    Who is kept out already may have another end under a name that the catalogue no longer has. Raises InvalidInput for
    any other artist who is not in the catalogue, for a moment that has passed, and always for a NUL.
    """
    if "\0" in artist:  # PostgreSQL refuses to look for it
        raise InvalidInput(NO_ARTIST)
    if undo:
        NeverArtist.objects.filter(user=user, artist=artist).delete()
        return artist
    _check_end(until)
    name = artist.strip()
    track_id = _one_by(name)
    if track_id is None:
        present = NeverArtist.objects.filter(user=user, artist=name).first()
        if present is None:
            raise InvalidInput(NO_ARTIST)
        track_id = present.track_id
    _keep_artist_out(user, name, track_id, until)
    return name


def restore_artist(*, user: "User", artist: str, track_id: int | None, until: datetime | None) -> None:
    """Keep an artist out as before `never_artist`, whether or not the catalogue still has the name: `track_id` is the
    track by which they were known, if by any."""
    known_by = _one_by(artist)
    if known_by is None and track_id is not None:
        known_by = Track.objects.filter(pk=track_id).values_list("id", flat=True).first()
    _keep_artist_out(user, artist, known_by, until)


def _one_by(artist: str) -> int | None:
    """Return a track of an artist of this very name; None where the catalogue has none."""
    tracks = Track.objects.filter(artist=artist).order_by("id").values_list("id", flat=True)
    return tracks.first() if artist else None


def _keep_artist_out(user: "User", name: str, track_id: int | None, until: datetime | None) -> None:
    NeverArtist.objects.bulk_create(
        [NeverArtist(user=user, artist=name, track_id=track_id, until=until)],
        update_conflicts=True,
        unique_fields=["user", "artist"],
        update_fields=["until", "track"],
    )


def _check_number(rows: Collection[object], what: str) -> None:
    if len(rows) > MOST_AT_ONCE:
        raise InvalidInput(f"At most {MOST_AT_ONCE} {what} at once. Send them in several parts.")


def _can_be(moment: datetime, now: datetime) -> bool:
    return FIRST_LISTEN <= moment <= now + AHEAD


def _check_end(until: datetime | None) -> None:
    if until is not None and until <= timezone.now():
        raise InvalidInput("That moment has passed. Choose a later one, or none for ever.")
