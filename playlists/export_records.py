"""One record of an export of listens, as ListenBrainz or Last.fm writes it: what was heard, when, or a like."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

LISTENBRAINZ, LASTFM = "listenbrainz", "lastfm"
# An id alone, or at the end of a link or URI. The whole text is matched: to look for an id anywhere in it, whatever is
# behind, would cost the square of its length.
SPOTIFY = re.compile(r"(?:[^?#]*[/:])?([0-9A-Za-z]{22})(?:[?#].*)?", re.ASCII | re.DOTALL)
LONGEST_LINK = 300
MBID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
LONGEST_NAME = 500
# What JSON may hold and no database keeps: NUL and halves of surrogate pairs.
UNKEEPABLE = re.compile("[\0\ud800-\udfff]")
# Nobody noted listens before; and the clocks of other players may be a little ahead.
FIRST_LISTEN = datetime(2002, 10, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=10)
DATES = ("%d %b %Y %H:%M", "%d %b %Y, %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
# Seconds since 1970; tools that take them for measurements write "1636225800.0".
NUMBER = re.compile(r"\d{1,14}(?:\.\d{1,9})?", re.ASCII)
SECONDS = re.compile(r"\d:\d\d:\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Music:
    """What an export knows of a recording; `spotify_id` and `mbid` are empty where it does not."""

    artist: str
    title: str
    spotify_id: str = ""
    mbid: str = ""


@dataclass(frozen=True, slots=True)
class Listened:
    """A listen of an export, and where in the file it stands; `to_the_minute` says that its moment has no seconds."""

    where: str
    music: Music
    at: datetime
    source: str
    to_the_minute: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A like (1) or dislike (-1) of an export, and when it was given."""

    where: str
    music: Music
    value: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be used, with the reason in words."""

    where: str
    reason: str


Record = Listened | Judged | Broken


class Bad(Exception):
    """Why one record cannot be used."""


def record_of(value: Any, where: str, now: datetime) -> Record | None:
    """Return what one JSON object says; None for what says nothing, such as a track that plays now. Raises Bad."""
    if not isinstance(value, dict):
        raise Bad("this is no object")
    if "score" in value and "listened_at" not in value:
        return _feedback(value, where, now)
    metadata = value.get("track_metadata")
    if isinstance(metadata, dict):
        return Listened(where, _listenbrainz(metadata), _moment(value.get("listened_at"), now), LISTENBRAINZ)
    playing = value.get("@attr")
    if isinstance(playing, dict) and playing.get("nowplaying"):
        return None
    date = value.get("date", value.get("timestamp", value.get("uts")))
    at = date.get("uts", date.get("#text")) if isinstance(date, dict) else date
    name = value.get("name", value.get("track", value.get("title")))
    music = _music(_name(value.get("artist")), _name(name), mbid=value.get("mbid"))
    return Listened(where, music, _moment(at, now), LASTFM, _is_to_the_minute(at))


def _feedback(value: dict[str, Any], where: str, now: datetime) -> Judged | None:
    score = value["score"]
    if score not in (-1, 0, 1):
        raise Bad(f"{str(score)[:40]!r} is no score: 1, 0 or -1 is expected")
    metadata = value.get("track_metadata")
    mbid = _text(value.get("recording_mbid"))
    music = _listenbrainz(metadata) if isinstance(metadata, dict) else Music("", "", mbid=_mbid(mbid))
    if not music.mbid:
        music = Music(music.artist, music.title, music.spotify_id, _mbid(mbid))
    return Judged(where, music, int(score), _judged_at(value.get("created"), now)) if score else None


def _listenbrainz(metadata: dict[str, Any]) -> Music:
    info = metadata.get("additional_info")
    mapping = metadata.get("mbid_mapping")
    info, mapping = info if isinstance(info, dict) else {}, mapping if isinstance(mapping, dict) else {}
    spotify = info.get("spotify_id") or info.get("origin_url")
    mbid = info.get("recording_mbid") or mapping.get("recording_mbid") or metadata.get("recording_mbid")
    return _music(metadata.get("artist_name"), metadata.get("track_name"), mbid=mbid, spotify=spotify)


def _music(artist: Any, title: Any, *, mbid: Any = "", spotify: Any = "") -> Music:
    artist, title = _text(artist).strip(), _text(title).strip()
    if not artist or not title:
        raise Bad("the artist or the title is missing")
    if len(artist) > LONGEST_NAME or len(title) > LONGEST_NAME:
        raise Bad(f"the artist or the title is longer than {LONGEST_NAME} characters")
    if UNKEEPABLE.search(artist + title):
        raise Bad("the artist or the title holds a character that is none: NUL, or half of one")
    return Music(artist, title, _spotify(_text(spotify)), _mbid(_text(mbid)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(value: Any) -> Any:
    """Return the name in Last.fm's objects for artists, whose text stands under one of two keys."""
    return value.get("#text", value.get("name")) if isinstance(value, dict) else value


def _mbid(text: str) -> str:
    text = text.strip().lower()
    return text if MBID.fullmatch(text) else ""


def _spotify(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_LINK or ("://" in text and "spotify.com/" not in text):
        return ""
    match = SPOTIFY.fullmatch(text)
    return match[1] if match else ""


def _moment(value: Any, now: datetime) -> datetime:
    """Read a moment within the bounds of listens. Raises Bad for one outside them, and for what is none."""
    if isinstance(value, bool) or value in (None, ""):
        raise Bad("the time is missing")
    at = _read_moment(value)
    if at is None:
        raise Bad(f"{str(value)[:40]!r} is no time")
    if not FIRST_LISTEN <= at <= now + AHEAD:
        raise Bad(f"{at:%Y-%m-%d %H:%M} lies in the future or before {FIRST_LISTEN:%Y}")
    return at


def _judged_at(value: Any, now: datetime) -> datetime:
    """Return when a like was given, now where that is not said, and within bounds: a wrong clock makes it no less a
    like."""
    at = None if isinstance(value, bool) else _read_moment(value)
    return min(max(at, FIRST_LISTEN), now) if at else now


def _read_moment(value: Any) -> datetime | None:
    """Read a moment: seconds or milliseconds since 1970, ISO 8601, or as Last.fm writes it; all in UTC."""
    return _of_number(value) if isinstance(value, int | float) else _of_words(str(value).strip())


def _is_to_the_minute(value: Any) -> bool:
    """Say whether a moment is written without seconds, which were cut off then."""
    return isinstance(value, str) and not NUMBER.fullmatch(value.strip()) and not SECONDS.search(value)


def _of_number(value: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def is_moment(text: str) -> bool:
    """Say whether a text is a moment in one of the ways in which exports write it."""
    return _of_words(text) is not None


def _of_words(text: str) -> datetime | None:
    if NUMBER.fullmatch(text):
        return _of_number(float(text))
    for form in DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # in UTC it would lie before the year 1 or after the year 9999
        return None


def record_of_row(fields: dict[str, str], where: str, now: datetime) -> Listened:
    """Return the listen of one row of a CSV, whose fields are named as in `exports.COLUMNS`. Raises Bad."""
    music = _music(fields.get("artist"), fields.get("title"), mbid=fields.get("mbid"), spotify=fields.get("spotify"))
    at = fields.get("at")
    return Listened(where, music, _moment(at, now), LASTFM, _is_to_the_minute(at))
