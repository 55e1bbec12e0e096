"""Bulk writes: rows gathered in a temporary table at leisure are merged into the tracks in one short transaction."""

# ruff: noqa: S608 - names of tables and columns are this module's own; values are always parameters

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import numpy as np
from django.db import connection, transaction

from catalogue.measures import Floats, Indices
from catalogue.models import Clustering, Track
from emotune.emotions import EMOTIONS

TRACKS = Track._meta.db_table  # noqa: SLF001 - a documented API in spite of its name
# What an import brings and what a change of it is told by; every column but `tag_count` is never null.
IMPORTED = (
    "title", "artist", "valence", "arousal", "dominance", "genre", "seeds", "tag_count", "lastfm_url", "mbid",
    "spotify_id",
)  # fmt: skip
TAGS = ("emotion", "distance")
Row = Sequence[str | float | None]
# Stands for NULL in what is copied; no text holds a control character.
NULL = "\x01"
# How PostgreSQL drops and makes again every index of a table but its primary key, those of constraints included.
INDEXES = """
SELECT CASE WHEN c.oid IS NULL THEN format('DROP INDEX %%s', i.indexrelid::regclass)
       ELSE format('ALTER TABLE %%s DROP CONSTRAINT %%I', t.name, c.conname) END,
       CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
       ELSE format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', t.name, c.conname, pg_get_constraintdef(c.oid)) END
FROM (SELECT %s::regclass AS name) AS t JOIN pg_index i ON i.indrelid = t.name AND NOT i.indisprimary
LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'u'
"""
# PostgreSQL knows advisory locks by number; this one is the right to write tracks and clusterings in bulk.
WRITERS_LOCK = 0x656D6F74


class Stage:
    """A temporary table with some of the tracks' columns, seen by this connection alone."""

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        self.name = name
        self.columns = ", ".join(columns)
        self._insert = f"INSERT INTO {name} ({self.columns}) VALUES ({', '.join(['%s'] * len(columns))})"

    @contextmanager
    def filling(self) -> Iterator[Callable[[Sequence[Row]], None]]:
        """Give what adds rows whose texts hold no control character, tab and line break included.

        PostgreSQL takes them in while the next ones are made; meanwhile the connection can do nothing else.
        """
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {self.name} ({self.columns}) FROM STDIN (NULL '{NULL}')") as copy:
                    yield lambda rows: copy.write(_lines(rows))
            else:
                yield lambda rows: cursor.executemany(self._insert, rows)

    def add_tags(self, ids: Indices, labels: Indices, distances: Floats) -> None:
        """Add tags (n,) of tracks by their ids: places in EMOTIONS, and distances."""
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {self.name} ({self.columns}) FROM STDIN (FORMAT binary)") as copy:
                    copy.write(_binary(ids, labels, distances))
            else:
                names = [EMOTIONS[label] for label in labels]
                cursor.executemany(self._insert, list(zip(ids.tolist(), names, distances.tolist(), strict=True)))

    def complete(self) -> None:
        """Tell PostgreSQL's planner how many rows there are; it never looks into temporary tables by itself."""
        if connection.vendor == "postgresql":
            _execute(f"ANALYZE {self.name} (id)")


def _lines(rows: Sequence[Row]) -> str:
    lines = ["\t".join([NULL if value is None else str(value) for value in row]) for row in rows]
    return "".join(f"{line}\n" for line in lines).replace("\\", "\\\\")


def _binary(ids: Indices, labels: Indices, distances: Floats) -> bytes:
    """Return tags as PostgreSQL's binary COPY takes them: rows of one emotion have one width, and are an array."""
    parts = [b"PGCOPY\n\xff\r\n\0" + bytes(8)]
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
    return b"".join([*parts, b"\xff\xff"])


@contextmanager
def stage_tracks() -> Iterator[Stage]:
    """Stage whole tracks: `id` is the line of the file, for the order; then `key`, IMPORTED and TAGS."""
    with _staged("staged_tracks", ("id", "key", *IMPORTED, *TAGS)) as stage:
        yield stage


@contextmanager
def stage_tags() -> Iterator[Stage]:
    """Stage `id`, `emotion` and `distance` of tracks that are there already."""
    with _staged("staged_tags", ("id", *TAGS)) as stage:
        yield stage


@contextmanager
def _staged(name: str, columns: Sequence[str]) -> Iterator[Stage]:
    # Filled outside a transaction it holds up nobody: SQLite keeps temporary tables in a file of their own.
    stage = Stage(name, columns)
    _execute(f"DROP TABLE IF EXISTS {name}")
    _execute(f"CREATE TEMPORARY TABLE {name} AS SELECT {stage.columns} FROM {TRACKS} WHERE 1 = 0")
    try:
        yield stage
    except BaseException:
        # A transaction that failed refuses every statement, and takes its tables with it.
        if not connection.in_atomic_block:
            _execute(f"DROP TABLE {name}")
        raise
    _execute(f"DROP TABLE {name}")


@contextmanager
def bulk_write() -> Iterator[None]:
    """A transaction that is the only one of its kind; readers go on seeing what was there before."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            _execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS_LOCK])
        yield


def merge_tracks(stage: Stage) -> tuple[int, int]:
    """Bring the staged tracks into the catalogue; return how many were created and updated. The others stay untouched.

    An upsert in one statement would lock, and so write, the rows that stay as they are.
    """
    changed = " OR ".join(f"t.{name} <> s.{name}" for name in IMPORTED if name != "tag_count")
    changed += " OR COALESCE(t.tag_count, -1) <> COALESCE(s.tag_count, -1)"
    with connection.cursor() as cursor:
        # mostly nothing is new or nothing has changed, and asking costs half of trying
        cursor.execute(
            f"SELECT COUNT(*) - COUNT(t.id), COUNT(CASE WHEN t.id IS NOT NULL AND ({changed}) THEN 1 END)"
            f" FROM {stage.name} AS s LEFT JOIN {TRACKS} AS t ON t.key = s.key"
        )
        created, updated = cursor.fetchone()
    updated = updated and _execute(
        f"UPDATE {TRACKS} AS t SET {_from_stage((*IMPORTED, *TAGS))} FROM {stage.name} AS s"
        f" WHERE t.key = s.key AND ({changed})"
    )
    columns = ", ".join(("key", *IMPORTED, *TAGS))
    created = created and _execute(
        f"INSERT INTO {TRACKS} ({columns}, origin, audio) SELECT {columns}, %s, %s FROM {stage.name} AS s"
        f" WHERE NOT EXISTS (SELECT 1 FROM {TRACKS} AS t WHERE t.key = s.key) ORDER BY s.id",
        [Track.Origin.MUSE, ""],
    )
    if created or updated:
        # processes that keep the catalogue in memory read it again
        Clustering.objects.filter(state=Clustering.State.ACTIVE).update(revision=uuid4())
    return created, updated


def insert_tagged(stage: Stage, tags: Stage) -> int:
    """Bring the staged tracks, with the tags staged by the same `id`, into a catalogue that has no such track yet."""
    columns = ", ".join(("key", *IMPORTED))
    with _indexed_afterwards():
        return _execute(
            f"INSERT INTO {TRACKS} ({columns}, emotion, distance, origin, audio) SELECT {columns}, g.emotion,"
            f" g.distance, %s, %s FROM {stage.name} AS s JOIN {tags.name} AS g ON g.id = s.id ORDER BY s.id",
            [Track.Origin.MUSE, ""],
        )


@contextmanager
def _indexed_afterwards() -> Iterator[None]:
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


def merge_tags(stage: Stage) -> int:
    """Give the staged tags to their tracks; return how many tracks got another one."""
    return _execute(
        f"UPDATE {TRACKS} AS t SET {_from_stage(TAGS)} FROM {stage.name} AS s WHERE t.id = s.id"
        " AND (t.emotion <> s.emotion OR t.distance IS NULL OR t.distance <> s.distance)"
    )


def _from_stage(columns: Sequence[str]) -> str:
    return ", ".join(f"{name} = s.{name}" for name in columns)


def _execute(sql: str, parameters: Sequence[Any] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)
