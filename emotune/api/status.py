"""How well the installation is, for programs that watch it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from emotune.api.fields import Output
from emotune.api.schema import operation
from emotune.api.views import ApiRequest, ApiView
from emotune.checkup.service import check
from emotune.checkup.verdicts import Verdict

UNITS = ("", "s", "ms", "bytes", "share")
WORDS = tuple(verdict.word for verdict in Verdict)
VERDICT = "`good`, `look` (at it) or `act` (now); of what is made of several, the worst."


@extend_schema_field({"oneOf": [{"type": "number"}, {"type": "string"}], "nullable": True})
class ValueField(serializers.Field[Any, Any, Any, Any]):
    """A number, a word, or null for what is not known."""

    def to_representation(self, value: Any) -> Any:
        return value


class VerdictField(serializers.ChoiceField):
    def __init__(self, **options: Any) -> None:
        options.pop("choices", None)
        super().__init__(choices=WORDS, help_text=VERDICT, **options)

    def to_representation(self, value: Any) -> Any:
        """Send the word of a Verdict."""
        return value.word


class UnitField(serializers.ChoiceField):
    def __init__(self, **options: Any) -> None:
        options.pop("choices", None)
        words = "Seconds, milliseconds, bytes, a share of 0 to 1; empty for what is counted or is a word."
        super().__init__(choices=UNITS, help_text=words, **options)


class FigureOutput(Output):
    name = serializers.CharField(help_text="What it is.")
    value = ValueField(allow_null=True, help_text="A number or a word; null where it is not known.")
    unit = UnitField()
    verdict = VerdictField()
    advice = serializers.CharField(help_text="What to look at or to do where it is not good.")

    example: ClassVar[dict[str, Any]] = {
        "name": "The oldest waits for",
        "value": 4.2,
        "unit": "s",
        "verdict": "look",
        "advice": "Faces are read too late. See the workers below: are they warm, are there enough?",
    }


class ColumnOutput(Output):
    name = serializers.CharField(help_text="What its values are.")
    unit = UnitField()

    example: ClassVar[dict[str, Any]] = {"name": "memory", "unit": "bytes"}


class TableOutput(Output):
    caption = serializers.CharField(help_text="What it shows.")
    columns = ColumnOutput(many=True, help_text="What stands in each place of a row.")
    rows = serializers.ListField(
        child=serializers.ListField(child=ValueField(allow_null=True)), help_text="Values in the order of the columns."
    )

    example: ClassVar[dict[str, Any]] = {
        "caption": "Captures by outcome",
        "columns": [{"name": "outcome", "unit": ""}, {"name": "last hour", "unit": ""}],
        "rows": [["read", 41], ["no face found", 3]],
    }


class SeriesOutput(Output):
    name = serializers.CharField(help_text="What is counted.")
    labels = serializers.ListField(child=serializers.CharField(), help_text="The time of each count, the latest last.")
    values = serializers.ListField(child=serializers.IntegerField(), help_text="The counts.")

    example: ClassVar[dict[str, Any]] = {
        "name": "Captures by hour",
        "labels": ["16:00", "17:00", "18:00"],
        "values": [12, 30, 7],
    }


class PartOutput(Output):
    name = serializers.CharField(help_text="The part, for programs.")
    title = serializers.CharField(help_text="The part, for people.")
    verdict = VerdictField()
    figures = FigureOutput(many=True, help_text="What is judged.")
    tables = TableOutput(many=True, help_text="What says more.")
    series = SeriesOutput(many=True, help_text="Counts over time.")

    example: ClassVar[dict[str, Any]] = {
        "name": "captures",
        "title": "Captures",
        "verdict": "look",
        "figures": [FigureOutput.example],
        "tables": [TableOutput.example],
        "series": [SeriesOutput.example],
    }


class StatusOutput(Output):
    verdict = VerdictField()
    headline = serializers.CharField(help_text="The verdict in a sentence.")
    made_at = serializers.DateTimeField(help_text="When it was looked at.")
    milliseconds = serializers.FloatField(help_text="How long that took.")
    parts = PartOutput(many=True, help_text="Each part of the installation.")

    example: ClassVar[dict[str, Any]] = {
        "verdict": "look",
        "headline": "Look at it: captures.",
        "made_at": "2026-11-22T18:04:05.123456Z",
        "milliseconds": 21.4,
        "parts": [PartOutput.example],
    }


class Status(ApiView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": "admin"}

    @operation("get_status", "about", {200: StatusOutput})
    def get(self, request: ApiRequest) -> Response:
        """See how well the installation is.

        Queues, workers, database, captures and their outcomes, long jobs, disk and backup, each with a verdict and with
        what to do. It comes within two seconds, whatever part is away; what is not known is null.
        """
        return Response(StatusOutput(check()).data)
