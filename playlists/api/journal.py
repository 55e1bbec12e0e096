"""The journal by API: moods over time, what was heard in each, and what was put right."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.response import Response

from catalogue.serializers import TrackOutput
from emotune.api.fields import EmotionField, Output, Query, read_query
from emotune.api.problems import InvalidQuery
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput
from playlists.charts import Counts, leading, total, weeks
from playlists.journal import DEFAULT_PERIOD, DEFAULT_ZONE, PERIODS, Heard, Journal, journal_of, zone_of

BY_EMOTION = {"angry": 0, "disgust": 0, "fear": 0, "happy": 3, "sad": 1, "surprise": 0, "neutral": 0}
A_DAY = {"emotion": "happy", "moods": 4, "by_emotion": BY_EMOTION}


class JournalQuery(Query):
    period = serializers.ChoiceField(list(PERIODS), default=DEFAULT_PERIOD, help_text="How far back, today included.")
    time_zone = serializers.CharField(
        default=DEFAULT_ZONE, max_length=60, help_text="Where days begin and hours count, as in Europe/Berlin."
    )


class ByEmotionField(serializers.DictField):
    """Numbers by emotion, all seven of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(), help_text="How many of each emotion.", **options)


class SomeMoodsOutput(Output):
    emotion = EmotionField(allow_null=True, help_text="The one that was there most often; null without a mood.")
    moods = serializers.IntegerField(help_text="How many there were.")
    by_emotion = ByEmotionField()

    example: ClassVar[dict[str, Any]] = A_DAY


class DayOutput(SomeMoodsOutput):
    day = serializers.DateField(help_text="In the time zone.")

    example: ClassVar[dict[str, Any]] = A_DAY | {"day": "2026-11-22"}


class WeekOutput(SomeMoodsOutput):
    monday = serializers.DateField(help_text="The first day of the week.")

    example: ClassVar[dict[str, Any]] = A_DAY | {"monday": "2026-11-16"}


class HourOutput(SomeMoodsOutput):
    hour = serializers.IntegerField(min_value=0, max_value=23, help_text="From this hour to the next.")

    example: ClassVar[dict[str, Any]] = A_DAY | {"hour": 18}


class HeardTrackOutput(Output):
    track = TrackOutput()
    listens = serializers.IntegerField(help_text="How often it was heard in this mood.")

    example: ClassVar[dict[str, Any]] = {"track": TrackOutput.example, "listens": 5}


class HeardArtistOutput(Output):
    artist = serializers.CharField(help_text="As the catalogue spells the name.")
    listens = serializers.IntegerField(help_text="How often they were heard in this mood.")

    example: ClassVar[dict[str, Any]] = {"artist": "The Example Quartet", "listens": 12}


class HeardOutput(Output):
    emotion = EmotionField(help_text="The mood.")
    listens = serializers.IntegerField(help_text="How often anything was heard in it.")
    tracks = HeardTrackOutput(many=True)
    artists = HeardArtistOutput(many=True, help_text="Heard most, ten at most.")

    example: ClassVar[dict[str, Any]] = {
        "emotion": "happy",
        "listens": 40,
        "tracks": [HeardTrackOutput.example],
        "artists": [HeardArtistOutput.example],
    }


class SaidOutput(Output):
    read = EmotionField(help_text="What was read of the face.")
    said = EmotionField(allow_null=True, help_text="What you said instead, or agreed to; null: you said nothing.")
    captures = serializers.IntegerField(help_text="How often.")

    example: ClassVar[dict[str, Any]] = {"read": "neutral", "said": "sad", "captures": 2}


class JournalOutput(Output):
    period = serializers.ChoiceField(list(PERIODS), help_text="The period that was asked for.")
    time_zone = serializers.CharField(help_text="In which days and hours are told.")
    since = serializers.DateField(help_text="The first day.")
    until = serializers.DateField(help_text="The last day: today.")
    moods = SomeMoodsOutput(help_text="All of the period together.")
    days = DayOutput(many=True, help_text="Days with a mood, the first one first.")
    weeks = WeekOutput(many=True, help_text="All weeks, also those without a mood.")
    hours = HourOutput(many=True, help_text="The 24 hours of the day.")
    heard = HeardOutput(many=True, help_text="What was heard in each mood, the mood with most listens first.")
    heard_without_mood = serializers.IntegerField(
        help_text="Listens outside playlists, in ones that were deleted, or for a mood that you took back."
    )
    readings = SaidOutput(many=True, help_text="What was read against what you said.")
    named = serializers.IntegerField(help_text="Moods that you named, without a picture.")
    unsure = serializers.IntegerField(help_text="How often the reader was not sure.")
    no_face = serializers.IntegerField(help_text="How often it found no face.")

    example: ClassVar[dict[str, Any]] = {
        "period": "year",
        "time_zone": "Europe/Berlin",
        "since": "2025-11-23",
        "until": "2026-11-22",
        "moods": SomeMoodsOutput.example,
        "days": [DayOutput.example],
        "weeks": [WeekOutput.example],
        "hours": [HourOutput.example],
        "heard": [HeardOutput.example],
        "heard_without_mood": 3,
        "readings": [SaidOutput.example],
        "named": 1,
        "unsure": 0,
        "no_face": 0,
    }


class MyJournal(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": "read"}

    @operation("get_journal", "me", {200: JournalOutput}, query=JournalQuery)
    def get(self, request: ApiRequest) -> Response:
        """Look at your moods over time, at what you heard in each, and at what you put right.

        A mood is your own word before the reader's. What you deleted is not in it.
        """
        query = read_query(request, JournalQuery)
        try:
            zone = zone_of(query["time_zone"])
        except InvalidInput as problem:
            raise InvalidQuery({"time_zone": [problem.message]}) from None
        found = journal_of(request.user, period=query["period"], zone=zone)
        return Response(JournalOutput(_as_output(found)).data)


def _as_output(journal: Journal) -> dict[str, Any]:
    readings = journal.readings
    said = [(read, said, number) for (read, said), number in sorted(readings.said.items())]
    stood = [(read, None, number) for read, number in zip(EMOTIONS, readings.stood, strict=True) if number]
    return {
        "period": journal.period,
        "time_zone": journal.zone.key,
        "since": journal.since,
        "until": journal.until,
        "moods": _moods(total(journal.hours)),
        "days": [_moods(counts, day=day) for day, counts in journal.days.items()],
        "weeks": [
            _moods(counts, monday=monday) for monday, counts in weeks(journal.days, journal.since, journal.until)
        ],
        "hours": [_moods(counts, hour=hour) for hour, counts in enumerate(journal.hours)],
        "heard": [_heard(each) for each in journal.heard],
        "heard_without_mood": journal.heard_without_mood,
        "readings": [{"read": read, "said": word, "captures": number} for read, word, number in (*said, *stood)],
        "named": readings.named,
        "unsure": readings.unsure,
        "no_face": readings.no_face,
    }


def _moods(counts: Counts, **what: Any) -> dict[str, Any]:
    by_emotion = dict(zip(EMOTIONS, counts, strict=True))
    return {
        "emotion": leading(counts) if any(counts) else None,
        "moods": sum(counts),
        "by_emotion": by_emotion,
        **what,
    }


def _heard(heard: Heard) -> dict[str, Any]:
    return {
        "emotion": heard.emotion,
        "listens": heard.listens,
        "tracks": [{"track": track, "listens": times} for track, times in heard.tracks],
        "artists": [{"artist": artist, "listens": times} for artist, times in heard.artists],
    }
