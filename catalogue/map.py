"""The catalogue as a map of valence and arousal: tracks counted by square cell, at several zooms."""

import re
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, F, Func, IntegerField, Q, Subquery, Value
from django.db.models.functions import Concat
from django.db.models.sql.compiler import SQLCompiler

from catalogue.models import Clustering, Track
from emotune.background import in_background
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
# A process that counts has this long for it; then another one may.
COUNTING_S = 30
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
    """Return column, row, emotion and number of tracks of each cell that has some, one after the other in one list,
    sorted in this order.

    An emotion is its place among the seven, or UNTAGGED. Counting reads the whole catalogue, whatever the zoom; what
    was counted is kept for everybody for ten minutes. When other tags or tracks are in force, one process counts anew,
    beside its requests, and everybody goes on with the former numbers; a transaction counts what it sees itself.
    """
    version = _version()
    return _kept(square, version) if version else _count(square)


def totals() -> dict[str, int] | None:
    """Return how many tracks there are of each emotion, and of "" for none, as the whole map has them; None without a
    clustering in force, when there are few or they change."""
    version = _version()
    if not version:
        return None
    numbers = _kept(Square(0, 0, 0, SIDE), version)
    found = dict.fromkeys((*EMOTIONS, ""), 0)
    for place, tracks in zip(numbers[2::4], numbers[3::4], strict=True):
        found[(*EMOTIONS, "")[place]] += tracks
    return found


def _version() -> str:
    """Return what numbers are kept by, "" while no clustering is in force."""
    newest = Subquery(Track.objects.order_by("-id").values("id")[:1])
    active = Clustering.objects.filter(state=Clustering.State.ACTIVE).annotate(newest=newest)
    in_force = active.values_list("revision", "activated_at", "newest").first()
    return "{}:{}:{}".format(*in_force) if in_force else ""


def _kept(square: Square, version: str) -> list[int]:
    key = f"map:{square}:{square.side}"
    kept: tuple[str, list[int]] | None = cache.get(key)
    if kept is None or (kept[0] != version and connection.in_atomic_block):
        return _keep(key, version, square)
    if kept[0] != version and cache.add(f"{key}:counting", 1, COUNTING_S):
        in_background(key, lambda: _keep(key, version, square))
    return kept[1]


def _keep(key: str, version: str, square: Square) -> list[int]:
    found = _count(square)
    cache.set(key, (version, found), KEEP_S)
    cache.delete(f"{key}:counting")
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
    found = sorted((*divmod(cell, COLUMN), places.get(emotion, UNTAGGED), tracks) for cell, emotion, tracks in counts)
    return [number for entry in found for number in entry]
