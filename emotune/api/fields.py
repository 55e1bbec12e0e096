"""Serializers and fields that every app's API builds on."""

from collections.abc import Mapping
from functools import cache
from itertools import islice
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from emotune.api.paging import CURSOR, DEFAULT_LIMIT, LONGEST_CURSOR, MAX_LIMIT, Page
from emotune.api.problems import MOST_ERRORS, InvalidQuery
from emotune.emotions import EMOTIONS

# Of a name that is not known, so much is sent back.
LONGEST_NAME = 100


class Output(serializers.Serializer[Any]):
    """What is sent. `example` is shown in the contract."""

    example: ClassVar[dict[str, Any]] = {}


class Input(serializers.Serializer[Any]):
    """What is read. A name that is not known is an error: a slip of the pen must not pass for its opposite."""

    is_strict = True

    example: ClassVar[dict[str, Any]] = {}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := self._unknown(data)):
            known = ", ".join(self.fields) or "none"
            sentence = f"There is no such name here. Known: {known}."
            raise serializers.ValidationError({name[:LONGEST_NAME]: [sentence] for name in unknown})
        return super().to_internal_value(data)

    def _unknown(self, data: Mapping[Any, Any]) -> list[str]:
        """Return the names that are not known, as many as an answer has errors."""
        known = set(self.fields)
        return sorted(islice((name for name in map(str, data) if name not in known), MOST_ERRORS))


class Query(Input):
    """The parameters of an address."""


class PageQuery(Query):
    """The parameters of an address that answers a page of a list."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT, help_text="How many results a page has at most."
    )
    cursor = serializers.RegexField(
        CURSOR, default="", allow_blank=True, max_length=LONGEST_CURSOR, help_text="Where to go on: see `next`."
    )


class EmotionField(serializers.ChoiceField):
    """One of the seven emotions."""

    def __init__(self, **options: Any) -> None:
        options.pop("choices", None)
        super().__init__(choices=EMOTIONS, **options)

    def to_representation(self, value: Any) -> Any:
        """Send null where the database says "" for none."""
        return super().to_representation(value) or None


class BoundedListField(serializers.ListField):
    """A list of at most `max_length` items. One that is longer is refused before any of them is looked at: DRF would
    look at all of a million, and say of each what is wrong with it."""

    max_length: int

    def __init__(self, *, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        found: list[Any] = super().to_internal_value(data)
        return found

    def run_child_validation(self, data: Any) -> list[Any]:
        """Return the items as they are used; look at no more once as many are wrong as an answer has errors."""
        found: list[Any] = []
        errors: dict[Any, Any] = {}
        for place, item in enumerate(data):
            try:
                found.append(self.child.run_validation(item))
            except serializers.ValidationError as error:
                errors[place] = error.detail
                if len(errors) == MOST_ERRORS:
                    break
        if errors:
            raise serializers.ValidationError(errors)
        return found


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(serializers.FileField):
    """A file that is sent; without this, the contract calls it by an address, as files are that are answered."""


def read_query(request: Request, form: type[Query]) -> dict[str, Any]:
    """Return the parameters of an address. Raises InvalidQuery, also for one that is there twice."""
    twice = {name: ["Give this once."] for name, values in request.query_params.lists() if len(values) > 1}
    if twice:
        raise InvalidQuery(twice)
    query = form(data=request.query_params.dict())
    if not query.is_valid():
        raise InvalidQuery(query.errors)
    found: dict[str, Any] = query.validated_data
    return found


def read_body(request: Request, form: type[Input]) -> dict[str, Any]:
    """Return what the body says. Raises ValidationError."""
    body = form(data=request.data)
    body.is_valid(raise_exception=True)
    found: dict[str, Any] = body.validated_data
    return found


@cache
def page_schema(item: type[Output]) -> type[serializers.Serializer[Any]]:
    """Return what the contract says of a page of such items."""
    fields = {
        "results": item(many=True),
        "next": serializers.URLField(allow_null=True, help_text="The next page; null on the last one."),
        "previous": serializers.URLField(allow_null=True, help_text="The page before; null on the first one."),
    }
    return type(inline_serializer(f"{item.__name__.removesuffix('Output')}Page", fields))


def as_page(page: Page[Any], results: Any) -> dict[str, Any]:
    return {"results": results, "next": page.next, "previous": page.previous}
