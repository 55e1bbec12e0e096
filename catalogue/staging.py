"""Bulk writes: rows gathered in a temporary table at leisure are merged into the tracks in one short transaction."""

# ruff: noqa: S608 - names of tables and columns are this module's own; values are always parameters

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
from django.db import connection, transaction

from catalogue.measures import Floats, Indices
from catalogue.models import Clustering, Track
from catalogue.rows import BATCH
from emotune.emotions import EMOTIONS

TRACKS = Track._meta.db_table  # noqa: SLF001 - a documented API in spite of its name
# The fields of a line of the third release, staged as they stand there, in their order.
STAGED = {
    "key": "text", "title": "text", "artist": "text", "seeds": "text", "tag_count": "double precision",
    "valence": "double precision", "arousal": "double precision", "dominance": "double precision",
    "mbid": "text", "spotify_id": "text", "genre": "text",
}  # fmt: skip
TEXTS = [name for name, kind in STAGED.items() if kind == "text"]
# What an import brings, made of what is staged (s), and what a change of a track is told by.
IMPORTED = {
    "title": "s.title",
    "artist": "s.artist",
    "valence": "s.valence",
    "arousal": "s.arousal",
    "dominance": "s.dominance",
    "genre": "s.genre",
    # a list of plain words in Python's manner, or JSON
    "seeds": "CASE WHEN SUBSTR(s.seeds, 1, 2) = '[''' THEN REPLACE(s.seeds, '''', '\"') ELSE s.seeds END",
    "tag_count": "CAST(s.tag_count AS integer)",
    "lastfm_url": "CASE WHEN SUBSTR(s.key, 1, 5) = 'muse:' THEN '' ELSE s.key END",
    "mbid": "s.mbid",
    "spotify_id": "s.spotify_id",
}
# Tags of some tracks: ids (n,), places in EMOTIONS (n,), and distances to their centroids (n,).
Tags = tuple[Indices, Indices, Floats]
# How PostgreSQL drops and makes again every index of a table but its primary key, those of constraints included.
INDEXES = """
SELECT CASE WHEN c.oid IS NULL THEN format('DROP INDEX %%s', i.indexrelid::regclass)
       ELSE format('ALTER TABLE %%s DROP CONSTRAINT %%I', t.name, c.conname) END,
       pg_get_indexdef(i.indexrelid) || CASE WHEN c.oid IS NULL THEN ''
       ELSE format('; ALTER TABLE %%s ADD CONSTRAINT %%I UNIQUE USING INDEX %%I', t.name, c.conname, c.conname) END
FROM (SELECT %s::regclass AS name) AS t JOIN pg_index i ON i.indrelid = t.name AND NOT i.indisprimary
LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'u'
"""
# PostgreSQL knows advisory locks by number; this one is the right to write tracks and clusterings in bulk.
WRITERS_LOCK = 0x656D6F74


class Stage:
    """A temporary table, seen by this connection alone."""

    def __init__(self, name: str, columns: dict[str, str]) -> None:
        self.name = name
        self.columns = columns

    @contextmanager
    def _copying(self, columns: Iterable[str], options: str) -> Iterator[Callable[[str | bytes], None]]:
        """Give what PostgreSQL takes in while more is made; meanwhile the connection can do nothing else."""
        statement = f"COPY {self.name} ({', '.join(columns)}) FROM STDIN ({options})"
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy.write

    def _insert(self, columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> None:
        names = [*columns]
        marks = ", ".join(["%s"] * len(names))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({marks})", list(rows))


class TrackStage(Stage):
    """Whole tracks as STAGED has them, and `id`, a number in the order in which they came."""

    @contextmanager
    def filling(self) -> Iterator[Callable[[Sequence[str]], None]]:
        """Give what adds verified lines of CSV, as `catalogue.muse.read_lines` has them."""
        if connection.vendor == "postgresql":
            with self._copying(STAGED, f"FORMAT csv, FORCE_NOT_NULL ({', '.join(TEXTS)})") as write:
                yield lambda lines: write("".join(lines).replace("\r\n", "\n"))
            return
        waiting: list[str] = []

        def add(lines: Sequence[str], enough: int = BATCH) -> None:
            waiting.extend(lines)
            if len(waiting) >= enough:
                self._insert(STAGED, map(_values, csv.reader(waiting)))
                waiting.clear()

        yield add
        add((), enough=1)


class TagStage(Stage):
    """Tags by the `id` of a track, or of one that is staged."""

    def add(self, parts: Iterable[Tags]) -> None:
        if connection.vendor == "postgresql":
            with self._copying(self.columns, "FORMAT binary") as write:
                write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
                for part in parts:
                    write(_binary(*part))
                write(b"\xff\xff")
            return
        for ids, labels, distances in parts:
            names = [EMOTIONS[label] for label in labels]
            self._insert(self.columns, zip(ids.tolist(), names, distances.tolist(), strict=True))


def _values(fields: Sequence[str]) -> list[str | float | None]:
    """Return what SQLite is to keep of a line; by itself it does not read a number to its last digit."""
    kinds = zip(STAGED.values(), fields, strict=True)
    return [field if kind == "text" else float(field) if field else None for kind, field in kinds]


def _binary(ids: Indices, labels: Indices, distances: Floats) -> bytes:
    """Return tags as PostgreSQL's binary COPY takes them: rows of one emotion have one width, and are an array."""
    parts = []
    for label, name in enumerate(EMOTIONS):
        own = labels == label
        rows = np.zeros(
            np.count_nonzero(own),
            [("fields", ">i2"), ("l1", ">i4"), ("id", ">i8"), ("l2", ">i4"), ("emotion", f"S{len(name)}"),
             ("l3", ">i4"), ("distance", ">f8")],
        )  # fmt: skip
        rows["fields"], rows["l1"], rows["l2"], rows["l3"] = 3, 8, len(name), 8
        rows["id"], rows["emotion"], rows["distance"] = ids[own], name.encode(), distances[own]
        parts.append(rows.tobytes())
    return b"".join(parts)


@contextmanager
def stage_tracks() -> Iterator[TrackStage]:
    number = "bigint GENERATED BY DEFAULT AS IDENTITY" if connection.vendor == "postgresql" else "integer PRIMARY KEY"
    with _staged(TrackStage("staged_tracks", {"id": number, **STAGED})) as stage:
        yield stage


@contextmanager
def stage_tags() -> Iterator[TagStage]:
    with _staged(TagStage("staged_tags", {"id": "bigint", "emotion": "text", "distance": "double precision"})) as stage:
        yield stage


S = TypeVar("S", bound=Stage)


@contextmanager
def _staged(stage: S) -> Iterator[S]:
    # Filled outside a transaction it holds up nobody: SQLite keeps temporary tables in a file of their own.
    _execute(f"DROP TABLE IF EXISTS {stage.name}")
    columns = ", ".join(f"{name} {kind}" for name, kind in stage.columns.items())
    _execute(f"CREATE TEMPORARY TABLE {stage.name} ({columns})")
    try:
        yield stage
    except BaseException:
        # A transaction that failed refuses every statement, and takes its tables with it.
        if not connection.in_atomic_block:
            _execute(f"DROP TABLE {stage.name}")
        raise
    _execute(f"DROP TABLE {stage.name}")


@contextmanager
def bulk_write() -> Iterator[None]:
    """A transaction that is the only one of its kind; readers go on seeing what was there before."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            _execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS_LOCK])
            # joins and sorts of a catalogue stay off the disk; compiling a statement takes longer than its rows
            _execute("SET LOCAL work_mem = '64MB'")
            _execute("SET LOCAL jit = off")
        yield


def count_changes(stage: TrackStage) -> tuple[int, int]:
    """Return how many of the staged tracks are new, and how many differ from what is there."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) - COUNT(t.id), COUNT(CASE WHEN t.id IS NOT NULL AND ({_changed()}) THEN 1 END)"
            f" FROM {stage.name} AS s LEFT JOIN {TRACKS} AS t ON t.key = s.key"
        )
        created, updated = cursor.fetchone()
    return created, updated


def places_to_tag(stage: TrackStage) -> str:
    """Return the query for id, valence, arousal and dominance of the staged tracks that are new or differ."""
    return (
        f"SELECT s.id, s.valence, s.arousal, s.dominance FROM {stage.name} AS s LEFT JOIN {TRACKS} AS t"
        f" ON t.key = s.key WHERE t.id IS NULL OR {_changed()}"
    )


def merge_tracks(stage: TrackStage, tags: TagStage, *, update: bool, insert: bool) -> None:
    """Bring the staged tracks with their tags into the catalogue: those that differ, those that are new, or both.

    What stays the same is not touched: an upsert in one statement would lock, and so write, every row.
    """
    values = {**_imported(), "emotion": "COALESCE(g.emotion, '')", "distance": "g.distance"}
    tagged = f"{stage.name} AS s LEFT JOIN {tags.name} AS g ON g.id = s.id"
    if update:
        changes = ", ".join(f"{name} = {value}" for name, value in values.items())
        _execute(f"UPDATE {TRACKS} AS t SET {changes} FROM {tagged} WHERE t.key = s.key AND ({_changed()})")
    if insert:
        _execute(
            f"INSERT INTO {TRACKS} (key, {', '.join(values)}, origin, audio)"
            f" SELECT s.key, {', '.join(values.values())}, %s, %s FROM {tagged}"
            f" WHERE NOT EXISTS (SELECT 1 FROM {TRACKS} AS t WHERE t.key = s.key) ORDER BY s.id",
            [Track.Origin.MUSE, ""],
        )
    renew_revision()


def renew_revision() -> None:
    """Let processes that keep the catalogue, or numbers of it, read it anew; for whoever has changed tracks."""
    Clustering.objects.filter(state=Clustering.State.ACTIVE).update(revision=uuid4())


def _imported() -> dict[str, str]:
    as_json = "::jsonb" if connection.vendor == "postgresql" else ""
    return IMPORTED | {"seeds": f"({IMPORTED['seeds']}){as_json}"}


def _changed() -> str:
    """Return the condition of a track (t) that differs from what is staged (s); only `tag_count` is ever null."""
    differences = [f"t.{name} <> {value}" for name, value in _imported().items() if name != "tag_count"]
    return " OR ".join([*differences, f"COALESCE(t.tag_count, -1) <> COALESCE({IMPORTED['tag_count']}, -1)"])


@contextmanager
def indexed_afterwards() -> Iterator[None]:
    """Let PostgreSQL build all indexes but the primary key once the rows are there, in a quarter of the time.

    Until the transaction ends readers of the tracks wait; a rollback brings the indexes back as they were.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [TRACKS])
        indexes = cursor.fetchall()
        for drop, _ in indexes:
            cursor.execute(drop)
        yield
        for _, create in indexes:
            cursor.execute(create)


def merge_tags(stage: TagStage) -> int:
    """Give the staged tags to their tracks; return how many tracks got another one."""
    return _execute(
        f"UPDATE {TRACKS} AS t SET emotion = s.emotion, distance = s.distance FROM {stage.name} AS s WHERE t.id = s.id"
        " AND (t.emotion <> s.emotion OR t.distance IS NULL OR t.distance <> s.distance)"
    )


def _execute(sql: str, parameters: Sequence[Any] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)
