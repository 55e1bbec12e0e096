"""Tracks, imports and clusterings as the API reads and sends them."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalogue.browsing import LONGEST_SEARCH
from catalogue.map import MAX_ZOOM, Square
from catalogue.methods import DEFAULT_METHOD, METHODS
from catalogue.models import Clustering, Track
from emotune.api.fields import EmotionField, Input, Output, PageQuery, Query, UploadField
from emotune.api.jobs import JobOutput
from emotune.errors import InvalidInput


class OrNull(serializers.CharField):
    """A text that the database keeps as "" for none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, **options)

    def to_representation(self, value: Any) -> Any:
        return value or None


class TrackOutput(Output):
    id = serializers.IntegerField()
    title = serializers.CharField()
    artist = serializers.CharField()
    genre = serializers.CharField(help_text="As Last.fm's listeners call it; empty where nobody did.")
    emotion = EmotionField(allow_null=True, help_text="Of the active clustering; null before there is one.")
    distance = serializers.FloatField(
        allow_null=True, help_text="To the centre of that emotion; the smaller the surer."
    )
    valence = serializers.FloatField(help_text="1 to 9: unpleasant to pleasant.")
    arousal = serializers.FloatField(help_text="1 to 9: calm to excited.")
    dominance = serializers.FloatField(help_text="1 to 9: controlled to in control.")
    moods = serializers.ListField(child=serializers.CharField(), source="seeds", help_text="AllMusic's moods.")
    origin = serializers.ChoiceField(Track.Origin.choices, help_text="Where it came from.")
    spotify_id = OrNull(help_text="Its id at Spotify.")
    mbid = OrNull(help_text="Its recording's id at MusicBrainz.")
    lastfm_url = OrNull(help_text="Its page at Last.fm.")
    has_audio = serializers.SerializerMethodField(help_text="Whether its audio can be had from here.")

    example: ClassVar[dict[str, Any]] = {
        "id": 4711,
        "title": "A Slow Rain",
        "artist": "The Example Quartet",
        "genre": "slowcore",
        "emotion": "sad",
        "distance": 0.21,
        "valence": 2.61,
        "arousal": 2.9,
        "dominance": 3.7,
        "moods": ["melancholy", "somber"],
        "origin": "muse",
        "spotify_id": "0000000000000000004711",
        "mbid": None,
        "lastfm_url": None,
        "has_audio": False,
    }

    def get_has_audio(self, track: Track) -> bool:
        return bool(track.audio)

    def to_representation(self, instance: Track) -> dict[str, Any]:
        """Write a track as the fields above say, at once: a list has up to a hundred, and DRF goes field by field."""
        return {
            "id": instance.id,
            "title": instance.title,
            "artist": instance.artist,
            "genre": instance.genre,
            "emotion": instance.emotion or None,
            "distance": instance.distance,
            "valence": instance.valence,
            "arousal": instance.arousal,
            "dominance": instance.dominance,
            "moods": instance.seeds,
            "origin": instance.origin,
            "spotify_id": instance.spotify_id or None,
            "mbid": instance.mbid or None,
            "lastfm_url": instance.lastfm_url or None,
            "has_audio": bool(instance.audio),
        }


class AreaField(serializers.CharField):
    """A cell of the map, as an address names it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, **options)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        try:
            Square.cell(text)
        except InvalidInput as error:
            raise serializers.ValidationError(error.message) from None
        return text


class TrackQuery(PageQuery):
    emotion = EmotionField(required=False, help_text="Only tracks of this emotion, those nearest to its centre first.")
    artist = serializers.CharField(required=False, max_length=500, help_text="Only tracks by this artist.")
    genre = serializers.CharField(
        required=False, max_length=LONGEST_SEARCH, help_text="Only tracks whose genre has these words."
    )
    search = serializers.CharField(
        required=False, max_length=LONGEST_SEARCH, help_text="Only tracks with each of these words in title or artist."
    )
    title = serializers.CharField(
        required=False, max_length=LONGEST_SEARCH, help_text="Only tracks whose title has these words."
    )
    area = AreaField(required=False, help_text="Only tracks in this cell of the map: zoom, column and row, as 0-20-17.")


class MapQuery(Query):
    zoom = serializers.IntegerField(min_value=0, max_value=MAX_ZOOM, default=0, help_text="How far to go in.")
    x = serializers.IntegerField(min_value=0, max_value=10_000, default=0, help_text="The first column of cells.")
    y = serializers.IntegerField(min_value=0, max_value=10_000, default=0, help_text="The first row of cells.")


class CellOutput(Output):
    area = serializers.CharField(help_text="The cell: `/tracks?area=` lists what lies there.")
    emotion = EmotionField(allow_null=True, help_text="Which of the tracks there; null: those without one.")
    tracks = serializers.IntegerField(help_text="How many of them.")

    example: ClassVar[dict[str, Any]] = {"area": "0-10-11", "emotion": "sad", "tracks": 311}


class MapOutput(Output):
    per_unit = serializers.IntegerField(help_text="Cells for one step of valence or arousal at this zoom.")
    side = serializers.IntegerField(help_text="So many columns and rows are looked at.")
    cells = CellOutput(many=True, help_text="Those with tracks, column by column.")

    example: ClassVar[dict[str, Any]] = {"per_unit": 4, "side": 37, "cells": [CellOutput.example]}


class ImportOutput(JobOutput):
    name = serializers.CharField(help_text="What the file was called.")
    rows = serializers.IntegerField(help_text="Rows that were read.")
    created = serializers.IntegerField(help_text="Tracks that are new.")
    updated = serializers.IntegerField(help_text="Tracks that were there, and have changed.")
    unchanged = serializers.IntegerField(help_text="Tracks that were there as they are.")
    rejected = serializers.IntegerField(help_text="Rows that could not be used; `rejects` says why.")
    error = serializers.CharField(help_text="Why it failed, or what is amiss though it is done; else empty.")

    example: ClassVar[dict[str, Any]] = JobOutput.example | {
        "name": "muse_v3.csv",
        "rows": 0,
        "created": 0,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
    }


class ImportInput(Input):
    file = UploadField(help_text="A CSV of MuSe, at most 512 MB.")


class RunOutput(JobOutput):
    method = serializers.CharField(help_text="How the tracks are clustered.")
    activates = serializers.BooleanField(help_text="Whether it puts a clustering in force; else it makes one.")
    clustering = serializers.IntegerField(source="clustering_id", allow_null=True, help_text="Which one.")

    example: ClassVar[dict[str, Any]] = JobOutput.example | {
        "method": DEFAULT_METHOD,
        "activates": False,
        "clustering": None,
    }


class RunInput(Input):
    method = serializers.ChoiceField(sorted(METHODS), required=False, help_text="Make a clustering in this way.")
    activate = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, help_text="Put this clustering in force."
    )

    example: ClassVar[dict[str, Any]] = {"method": DEFAULT_METHOD}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Give either `method`, to make a clustering, or `activate`.")
        return attrs


class ClusteringOutput(Output):
    id = serializers.IntegerField()
    method = serializers.CharField(help_text="How it was made.")
    state = serializers.ChoiceField(Clustering.State.choices, help_text="The active one's tags are in force.")
    parameters = serializers.DictField(help_text="What the method was run with.")
    centroids = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField()), help_text="Valence, arousal, dominance by emotion."
    )
    silhouette = serializers.SerializerMethodField(help_text="-1 to 1: how well the clusters are apart.")
    sizes = serializers.SerializerMethodField(help_text="Tracks by emotion.")
    created_at = serializers.DateTimeField()
    activated_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar[dict[str, Any]] = {
        "id": 3,
        "method": DEFAULT_METHOD,
        "state": "active",
        "parameters": {"k": 7},
        "centroids": {"sad": [3.1, 3.4, 4.0]},
        "silhouette": 0.31,
        "sizes": {"sad": 12034},
        "created_at": "2026-11-22T18:04:05.123456Z",
        "activated_at": "2026-11-22T18:05:00.000001Z",
    }

    def get_silhouette(self, clustering: Clustering) -> float | None:
        found: float | None = clustering.quality.get("silhouette")
        return found

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_sizes(self, clustering: Clustering) -> dict[str, int]:
        found: dict[str, int] = clustering.quality.get("sizes", {})
        return found


class ChangeOutput(Output):
    before = EmotionField(allow_null=True, help_text="The tag that the tracks have; null for none.")
    after = EmotionField(help_text="The tag that they would get.")
    tracks = serializers.IntegerField(help_text="How many they are.")
    examples = TrackOutput(many=True, help_text="Some of them.")

    example: ClassVar[dict[str, Any]] = {
        "before": "neutral",
        "after": "sad",
        "tracks": 812,
        "examples": [TrackOutput.example],
    }


class PreviewOutput(Output):
    total = serializers.IntegerField(help_text="Tracks that would be tagged.")
    changed = serializers.IntegerField(help_text="Those whose tag would be another.")
    sizes = serializers.DictField(child=serializers.IntegerField(), help_text="Tracks by emotion afterwards.")
    changes = ChangeOutput(many=True, help_text="The ways in which tags change, the most frequent first.")

    example: ClassVar[dict[str, Any]] = {
        "total": 90001,
        "changed": 5120,
        "sizes": {"sad": 12034},
        "changes": [ChangeOutput.example],
    }
