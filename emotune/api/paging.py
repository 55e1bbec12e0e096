"""Long lists in pages found by the row beside them: nothing is counted, and the last page costs what the first does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError as BadValue
from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet
from django.utils.http import urlencode
from rest_framework.request import Request

from emotune.api.problems import InvalidQuery

DEFAULT_LIMIT, MAX_LIMIT = 25, 100
LONGEST_CURSOR = 300
CURSOR = r"^[0-9A-Za-z_.=-]*$"
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Order:
    """An order of rows that an index can walk. The last field must differ from row to row."""

    fields: tuple[str, ...]
    descending: bool = False

    def by(self, *, backwards: bool) -> list[str]:
        return [f"-{name}" if self.descending != backwards else name for name in self.fields]

    def beyond(self, values: Sequence[Any], *, backwards: bool) -> Q:
        """Return the condition of lying behind a row; its first comparison is what an index can begin with."""
        side = "lt" if self.descending != backwards else "gt"
        condition = Q(**{f"{self.fields[-1]}__{side}": values[-1]})
        for name, value in reversed(list(zip(self.fields, values, strict=True))[:-1]):
            condition = Q(**{f"{name}__{side}e": value}) & (Q(**{f"{name}__{side}": value}) | condition)
        return condition


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows in their order and the addresses of the pages beside them."""

    results: list[Row]
    next: str | None
    previous: str | None


def page_of(rows: QuerySet[Row], order: Order, request: Request, *, limit: int, cursor: str) -> Page[Row]:
    """Return the page at a cursor, "" for the first one, in one query. Raises InvalidQuery for one not from here."""
    backwards, values = _read(request, rows.model, order, cursor)
    if values:
        rows = rows.filter(order.beyond(values, backwards=backwards))
    found = list(rows.order_by(*order.by(backwards=backwards))[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    has_next, has_previous = (bool(values), more) if backwards else (more, bool(values))
    return Page(
        found,
        next=_address(request, order, found[-1], backwards=False) if found and has_next else None,
        previous=_address(request, order, found[0], backwards=True) if found and has_previous else None,
    )


def _signer(request: Request, order: Order) -> Signer:
    """Sign cursors for one list, so that no value reaches the database that did not come from it there."""
    narrowed = {name: value for name, value in request.query_params.dict().items() if name not in ("cursor", "limit")}
    which = urlencode(sorted(narrowed.items()))
    return Signer(sep=".", salt=f"emotune.api.cursor:{request.path_info}?{which}:{'-'.join(order.fields)}")


def _fields(model: type[Model], order: Order) -> list[Any]:
    return [model._meta.get_field(name) for name in order.fields]  # noqa: SLF001 - a documented API


def _address(request: Request, order: Order, row: Model, *, backwards: bool) -> str:
    cursor = _signer(request, order).sign_object(
        [backwards, *(field.value_to_string(row) for field in _fields(type(row), order))]
    )
    query = {**request.query_params.dict(), "cursor": cursor}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")


def _read(request: Request, model: type[Model], order: Order, cursor: str) -> tuple[bool, list[Any]]:
    if not cursor:
        return False, []
    try:
        backwards, *values = _signer(request, order).unsign_object(cursor[:LONGEST_CURSOR])
        found = zip(_fields(model, order), values, strict=True)
        return bool(backwards), [field.to_python(value) for field, value in found]
    except (BadSignature, BadValue, ValueError) as error:
        sentence = "This cursor is not from this list. Take the one in `next`, or begin without any."
        raise InvalidQuery({"cursor": [sentence]}) from error
