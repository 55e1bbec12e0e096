"""The catalogue as a map of valence and arousal: tracks counted by square cell, at several zooms."""

import re
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, F, Func, IntegerField, Q, Subquery, Value
from django.db.models.functions import Concat
from django.db.models.sql.compiler import SQLCompiler

from catalogue.models import Clustering, Track
from emotune.emotions import EMOTIONS
from emotune.errors import InvalidInput

# Cells per unit are powers of two: products and bounds are exact, so that a cell counts what its bounds hold.
CELLS_PER_UNIT = 4
LARGEST = 9
# The last cell begins at 9, which is a valence too.
SIDE = CELLS_PER_UNIT * LARGEST + 1
MAX_ZOOM = 6
# More than there are rows at any zoom.
COLUMN = 10_000
UNTAGGED = len(EMOTIONS)
# Tracks that an admin deletes stay counted for so long.
KEEP_S = 600
CELL = re.compile(r"(\d{1,2})-(\d{1,5})-(\d{1,5})", re.ASCII)


class _Whole(Func):
    """The whole number below a number that is not negative."""

    template = "CAST(FLOOR(%(expressions)s) AS integer)"
    output_field = IntegerField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **more: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS integer)", **more)


@dataclass(frozen=True)
class Square:
    """`side` by `side` cells of a zoom, from column `x` (valence) and row `y` (arousal) on. Raises InvalidInput."""

    zoom: int
    x: int
    y: int
    side: int = 1

    def __post_init__(self) -> None:
        last = CELLS_PER_UNIT * LARGEST * 2**self.zoom + 1 - self.side if 0 <= self.zoom <= MAX_ZOOM else -1
        if not (0 <= self.x <= last and 0 <= self.y <= last):
            raise InvalidInput("That place is not on the map. Open the map and choose one there.")

    @classmethod
    def cell(cls, text: str) -> "Square":
        """Return the one cell that an address names, as in 0-20-17: zoom, column, row."""
        match = CELL.fullmatch(text)
        if not match:
            raise InvalidInput("That place is not on the map. Open the map and choose one there.")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"{self.zoom}-{self.x}-{self.y}"

    @property
    def per_unit(self) -> int:
        return CELLS_PER_UNIT << self.zoom

    @property
    def valences(self) -> tuple[float, float]:
        return self.x / self.per_unit, (self.x + self.side) / self.per_unit

    @property
    def arousals(self) -> tuple[float, float]:
        return self.y / self.per_unit, (self.y + self.side) / self.per_unit

    def contains(self) -> Q:
        """Return the condition of a track that lies here; the upper bounds belong to the next cells."""
        (left, right), (low, high) = self.valences, self.arousals
        return Q(valence__gte=left, valence__lt=right, arousal__gte=low, arousal__lt=high)


def bins(square: Square) -> list[int]:
    """Return column, row, emotion and number of tracks of each cell that has some, one after the other in one list.

    An emotion is its place among the seven, or UNTAGGED. Counting reads the whole catalogue, whatever the zoom; what
    was counted is kept for everybody until other tags or tracks are in force, or for ten minutes.
    """
    newest = Subquery(Track.objects.order_by("-id").values("id")[:1])
    active = Clustering.objects.filter(state=Clustering.State.ACTIVE)
    in_force = active.annotate(newest=newest).values_list("revision", "activated_at", "newest").first()
    if not in_force:
        return _count(square)
    key = "map:{}:{}:{}:{}:{}".format(*in_force, square, square.side)
    found: list[int] | None = cache.get(key)
    if found is None:
        found = _count(square)
        cache.set(key, found, KEEP_S)
    return found


def _count(square: Square) -> list[int]:
    # For SQLite: one number for column and row, since two keys group in half the time of three; and an emotion that is
    # no column, whose index it would walk, fetching the table piece by piece.
    column, row = (_Whole(F(name) * square.per_unit) for name in ("valence", "arousal"))
    counts = (
        Track.objects.filter(square.contains())
        .values_list(column * COLUMN + row, Concat("emotion", Value("")))
        .annotate(tracks=Count("id"))
        .order_by()
    )
    places = {emotion: place for place, emotion in enumerate(EMOTIONS)}
    found = ((divmod(cell, COLUMN), places.get(emotion, UNTAGGED), tracks) for cell, emotion, tracks in counts)
    return [number for (x, y), place, tracks in found for number in (x, y, place, tracks)]
