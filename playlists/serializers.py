"""Playlists, listens and ratings as the API reads and sends them."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalogue.serializers import TrackOutput
from emotune.api.fields import BoundedListField, EmotionField, Input, Output, PageQuery, Query, UploadField
from emotune.api.jobs import JobOutput
from playlists.listening import LONGEST_SKIP, MOST_AT_ONCE
from playlists.models import HistoryImport, Listen, Playlist

MAX_ID = 2**63 - 1
SPOTIFY_ID = r"^[0-9A-Za-z]{22}$"
CAPTURE = "6f1c1a52-8f5e-4b86-9c1a-0d8f3f5b7a11"
MOMENT = "2026-11-22T18:04:05.123456Z"


def an_id(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=MAX_ID, **options)


class RecommendationOutput(Output):
    rank = serializers.IntegerField(help_text="1 is the best.")
    track = TrackOutput()
    distance = serializers.FloatField(help_text="To the mood that is played for; the smaller the nearer.")
    score = serializers.FloatField(help_text="The higher the sooner.")
    reason = serializers.CharField(help_text="Why it stands there.")

    example: ClassVar[dict[str, Any]] = {
        "rank": 1,
        "track": TrackOutput.example,
        "distance": 0.21,
        "score": 0.93,
        "reason": "close to the mood",
    }


class RecommendationsOutput(Output):
    emotion = EmotionField()
    tracks = RecommendationOutput(many=True)

    example: ClassVar[dict[str, Any]] = {"emotion": "sad", "tracks": [RecommendationOutput.example]}


class RecommendationsQuery(Query):
    emotion = EmotionField(help_text="The mood to play for.")
    k = serializers.IntegerField(
        min_value=1, max_value=100, required=False, help_text="How many tracks; as many as you set if left out."
    )
    seed = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, default=0, help_text="Another one may change the last third, which explores."
    )


class PlaylistOutput(Output):
    id = serializers.IntegerField()
    capture = serializers.UUIDField(source="capture_id", allow_null=True, help_text="The capture that it is for.")
    emotion = EmotionField(help_text="The mood that it is for, or begins at.")
    wanted = EmotionField(allow_null=True, help_text="Where a journey leads; null: it is none.")
    created_at = serializers.DateTimeField()

    example: ClassVar[dict[str, Any]] = {
        "id": 12,
        "capture": CAPTURE,
        "emotion": "sad",
        "wanted": None,
        "created_at": MOMENT,
    }


class PlaylistTrackOutput(RecommendationOutput):
    rating = serializers.IntegerField(
        source="said.rating", min_value=-1, max_value=1, help_text="Yours: 1, -1, or 0 for none."
    )

    example: ClassVar[dict[str, Any]] = RecommendationOutput.example | {"rating": 0}


class WholePlaylistOutput(PlaylistOutput):
    tracks = PlaylistTrackOutput(many=True, source="found")

    example: ClassVar[dict[str, Any]] = PlaylistOutput.example | {"tracks": [PlaylistTrackOutput.example]}


class PlaylistListQuery(PageQuery):
    capture = serializers.UUIDField(required=False, help_text="Only those for this capture.")


class PlaylistInput(Input):
    capture = serializers.UUIDField(help_text="The capture whose mood it is for.")

    example: ClassVar[dict[str, Any]] = {"capture": CAPTURE}


class JourneyInput(Input):
    capture = serializers.UUIDField(required=False, help_text="Begin at the mood of this capture.")
    emotion = EmotionField(required=False, help_text="Begin here, without a capture.")
    wanted = EmotionField(help_text="Where to go.")
    tracks = serializers.IntegerField(min_value=2, max_value=30, default=10, help_text="How many at most.")

    example: ClassVar[dict[str, Any]] = {"emotion": "sad", "wanted": "happy", "tracks": 10}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("capture" in attrs) == ("emotion" in attrs):
            raise serializers.ValidationError("Give either `capture` or `emotion` to begin at.")
        return attrs


class ShareOutput(Output):
    url = serializers.URLField(help_text="Where anybody may see the playlist.")
    shows_mood = serializers.BooleanField(help_text="Whether they see its mood, too.")

    example: ClassVar[dict[str, Any]] = {"url": "https://emotune.example/shared/q3Jd/", "shows_mood": False}


class ShareInput(Input):
    shows_mood = serializers.BooleanField(default=False, help_text="Whether the page says the mood, too.")

    example: ClassVar[dict[str, Any]] = {"shows_mood": False}


class ListenOutput(Output):
    id = serializers.IntegerField()
    track = TrackOutput()
    playlist = serializers.IntegerField(source="playlist_id", allow_null=True, help_text="In which it was heard.")
    source = serializers.ChoiceField(Listen.Source.choices, help_text="What played it.")  # type: ignore[assignment]
    listened_at = serializers.DateTimeField()

    example: ClassVar[dict[str, Any]] = {
        "id": 99,
        "track": TrackOutput.example,
        "playlist": 12,
        "source": "api",
        "listened_at": MOMENT,
    }


class ListenListQuery(PageQuery):
    search = serializers.CharField(required=False, max_length=200, help_text="With these words in title or artist.")
    emotion = EmotionField(required=False, help_text="That were played for this mood.")
    since = serializers.DateField(required=False, help_text="From this day on, UTC.")
    until = serializers.DateField(required=False, help_text="Up to this day, UTC.")


class ListenInput(Input):
    track = an_id(required=False, help_text="The track that was heard.")
    spotify_id = serializers.RegexField(SPOTIFY_ID, required=False, help_text="Or its id at Spotify.")
    playlist = an_id(required=False, allow_null=True, help_text="Your playlist in which it was heard.")
    listened_at = serializers.DateTimeField(required=False, help_text="When; now where it is not given.")

    example: ClassVar[dict[str, Any]] = {"track": 4711, "listened_at": MOMENT}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("track" in attrs) == ("spotify_id" in attrs):
            raise serializers.ValidationError("Give either `track` or `spotify_id`.")
        return attrs


class ListensInput(Input):
    listens = BoundedListField(
        child=ListenInput(), min_length=1, max_length=MOST_AT_ONCE, help_text=f"1 to {MOST_AT_ONCE}."
    )

    example: ClassVar[dict[str, Any]] = {"listens": [ListenInput.example]}


class CountsOutput(Output):
    received = serializers.IntegerField(help_text="How many were sent.")
    changed = serializers.IntegerField(help_text="How many of them were new, or there to be changed.")

    example: ClassVar[dict[str, Any]] = {"received": 2, "changed": 2}


class DeletedOutput(Output):
    deleted = serializers.IntegerField(help_text="How many went.")

    example: ClassVar[dict[str, Any]] = {"deleted": 1024}


class EverythingQuery(Query):
    everything = serializers.ChoiceField(["yes"], help_text="All of them, for ever: say `yes`.")


class SkipInput(Input):
    track = an_id(help_text="The track that was passed over.")
    playlist = an_id(required=False, allow_null=True, help_text="Your playlist in which it stands.")
    seconds = serializers.FloatField(
        required=False, min_value=0, max_value=LONGEST_SKIP, help_text="How long it was heard before."
    )

    example: ClassVar[dict[str, Any]] = {"track": 4711, "seconds": 7.5}


class RatingOutput(Output):
    track = TrackOutput()
    value = serializers.IntegerField(min_value=-1, max_value=1, help_text="1 likes it, -1 does not.")
    rated_at = serializers.DateTimeField()

    example: ClassVar[dict[str, Any]] = {"track": TrackOutput.example, "value": 1, "rated_at": MOMENT}


class RatingListQuery(PageQuery):
    value = serializers.ChoiceField([1, -1], required=False, help_text="Only likes (1) or dislikes (-1).")


class RatingInput(Input):
    value = serializers.ChoiceField([1, -1], help_text="1 likes it, -1 does not.")

    example: ClassVar[dict[str, Any]] = {"value": 1}


class RatingsInput(Input):
    tracks = BoundedListField(child=an_id(), min_length=1, max_length=MOST_AT_ONCE, help_text="Ids of tracks.")
    value = serializers.ChoiceField([1, -1, 0], help_text="1 likes them, -1 does not, 0 takes ratings back.")

    example: ClassVar[dict[str, Any]] = {"tracks": [4711, 4712], "value": 1}


class UntilInput(Input):
    until = serializers.DateTimeField(required=False, allow_null=True, help_text="The end of it; null: for ever.")

    example: ClassVar[dict[str, Any]] = {"until": None}


class NeverAgainOutput(Output):
    track = TrackOutput()
    until = serializers.DateTimeField(allow_null=True, help_text="The end of it; null: for ever.")
    created_at = serializers.DateTimeField()

    example: ClassVar[dict[str, Any]] = {"track": TrackOutput.example, "until": None, "created_at": MOMENT}


class NeverArtistOutput(Output):
    artist = serializers.CharField(help_text="As the catalogue spells the name.")
    until = serializers.DateTimeField(allow_null=True, help_text="The end of it; null: for ever.")
    created_at = serializers.DateTimeField()

    example: ClassVar[dict[str, Any]] = {"artist": "The Example Quartet", "until": None, "created_at": MOMENT}


class NeverArtistInput(UntilInput):
    artist = serializers.CharField(max_length=500, help_text="As the catalogue spells the name.")

    example: ClassVar[dict[str, Any]] = {"artist": "The Example Quartet", "until": None}


class ArtistQuery(Query):
    artist = serializers.CharField(max_length=500, help_text="As the catalogue spells the name.")


class MissingOutput(Output):
    artist = serializers.CharField()
    title = serializers.CharField()
    listens = serializers.IntegerField(help_text="How often it stands in the file.")

    example: ClassVar[dict[str, Any]] = {"artist": "The Example Quartet", "title": "Not There", "listens": 12}


class HistoryImportOutput(JobOutput):
    name = serializers.CharField(help_text="What the file was called.")
    kind = serializers.CharField(help_text="What it was said to be; empty: found out.")
    rows = serializers.IntegerField(help_text="Records that were read.")
    matched = serializers.IntegerField(help_text="New listens.")
    repeated = serializers.IntegerField(help_text="Listens that were noted already.")
    unmatched = serializers.IntegerField(help_text="Of music that the catalogue does not have.")
    rated = serializers.IntegerField(help_text="Likes and dislikes that were taken over.")
    rejected = serializers.IntegerField(help_text="Records that could not be used.")
    rejects = serializers.SerializerMethodField(help_text="Place and reason of the first of them.")
    missing = serializers.SerializerMethodField(
        help_text="What the catalogue lacks, heard most first, a hundred at most; once it is done."
    )

    example: ClassVar[dict[str, Any]] = JobOutput.example | {
        "name": "listens.zip",
        "kind": "listenbrainz",
        "rows": 100,
        "matched": 80,
        "repeated": 5,
        "unmatched": 14,
        "rated": 0,
        "rejected": 1,
        "rejects": [{"place": "line 7", "reason": "the time is missing"}],
        "missing": [MissingOutput.example],
    }

    @extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}})
    def get_rejects(self, job: HistoryImport) -> list[dict[str, str]]:
        return [{"place": place, "reason": reason} for place, reason in job.rejects]

    @extend_schema_field(MissingOutput(many=True))
    def get_missing(self, job: HistoryImport) -> list[dict[str, Any]]:
        return [{"artist": artist, "title": title, "listens": times} for artist, title, times in job.missing]


class HistoryImportInput(Input):
    file = UploadField(help_text="A zip, JSON Lines, JSON or CSV, perhaps packed by gzip; at most 100 MB.")
    kind = serializers.ChoiceField(
        [kind.value for kind in HistoryImport.Kind if kind],
        required=False,
        help_text="What it is, where that is known.",
    )


def whole(playlist: Playlist, entries: list[Any]) -> dict[str, Any]:
    """Return a playlist with its entries, each of which has the person's rating."""
    playlist.found = entries  # type: ignore[attr-defined]
    return dict(WholePlaylistOutput(playlist).data)
