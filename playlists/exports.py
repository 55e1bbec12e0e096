"""Read what ListenBrainz and Last.fm export: listens and likes as records, in bounded memory, whatever is wrong."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO

import ijson

from playlists.export_records import Bad, Broken, Record, is_moment, record_of, record_of_row
from playlists.unpacking import DAMAGED, Budget, UnreadableExport, unpacked

MAX_LINE = 64 * 1024
# No export's JSON is nested so deeply, nor has so many values in one record or page of records.
MAX_DEPTH = 40
MAX_EVENTS = 200_000
# The same in bytes: what is read before a value of JSON or a row of CSV ends, and before a record or page of them does.
MAX_VALUE, MAX_RECORD = 1024**2, 16 * 1024**2
# Where a JSON export keeps its listens: each place holds one of them, or a page of some.
PLACES = {
    "item",
    "payload.item",
    "payload.listens.item",
    "listens.item",
    "track.item",
    "recenttracks.track.item",
    "scrobbles.item",
    # a page of one track has no list around it
    "track",
    "recenttracks.track",
}
# What a page of records is called in an object around it, and how it begins.
PAGES = ("payload", "recenttracks", "listens", "track", "scrobbles")
BEGINS_PAGE = re.compile(rb'"(?:track"\s*:\s*\[|(?:payload|recenttracks|listens|scrobbles)"\s*:\s*[\[{])')
COLUMNS = {
    "artist": ("artist", "artist_name", "artist name"),
    "title": ("track", "track_name", "title", "name", "song", "track name"),
    "at": ("uts", "timestamp", "unix_time", "listened_at", "date", "utc_time", "datetime", "time", "date_uts"),
    "mbid": ("track_mbid", "recording_mbid", "mbid"),
    "spotify": ("spotify_id", "spotify_track_id", "spotify_uri"),
}
# Stands in a row for a line that was too long; no other line has it, for it is taken out of them.
TOO_LONG = "\0"
LINE_TOO_LONG = f"the line is longer than {MAX_LINE // 1024} KiB"
# The columns of exports without a header, in the order that the common exporters write.
BARE = {"artist": 0, "title": 2, "at": 3}


def read(file: BinaryIO, *, now: datetime) -> Iterator[Record]:
    """Give the records of an export, recognised by its first bytes: a zip of ListenBrainz; JSON, JSON Lines or CSV,
    plain or packed by gzip.

    Listens after `now`, or before there was anything to note them with, are broken. `file` must be able to seek; how
    far it has been read is its `tell()`. Raises UnreadableExport, perhaps after some records, for a file that is
    damaged, cut off, encrypted, no export, or unpacks to more than unpacking.MAX_RATIO times its size.
    """
    try:
        for name, text in unpacked(file):
            start = _start_of(text)
            if start.strip():
                yield from _of_text(text, start, name, now)
            elif not name:
                raise UnreadableExport("The file is empty.")
    except DAMAGED as error:
        raise UnreadableExport(f"The file cannot be unpacked ({error}). Export it again.") from None
    except (ijson.JSONError, ValueError):
        raise UnreadableExport("The file is no whole JSON: it is damaged or cut off. Export it again.") from None


def _start_of(text: BinaryIO | io.BufferedReader) -> bytes:
    """Return the first bytes of a text, which is read from its beginning afterwards."""
    if isinstance(text, io.BufferedReader) and not text.seekable():
        return text.peek(4096)[:4096]
    start = text.read(4096)
    text.seek(0)
    return start


def _of_text(file: BinaryIO | io.BufferedReader, start: bytes, name: str, now: datetime) -> Iterator[Record]:
    """Read a file that is not packed; `name` stands before the number of each record."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"{", b"[")) and not _is_row(text):
        if text.startswith(b"{") and _is_lines(text):
            yield from _of_lines(file, name, now)
        else:
            yield from _of_json(file, name, now)
    else:
        yield from _of_csv(file, name, now)


def _is_row(text: bytes) -> bool:
    """Say whether a text begins with a row of a CSV without a header: its first artist may be called "[unknown]"."""
    try:
        row = next(csv.reader(io.StringIO(text.decode("utf-8", "replace"), newline="")), [])
    except csv.Error:
        return False
    # no CSV has a bare quotation mark in its first cell; of JSON, only lists of numbers have none there
    return _is_bare(row) and '"' not in row[0]


def _is_lines(text: bytes) -> bool:
    """Say whether each line is a JSON value of its own, by the first one; a long first line is one record, too."""
    first = text.split(b"\n", 1)[0]
    try:
        found = json.loads(first)
    except (ValueError, RecursionError):
        return b"\n" not in text and not BEGINS_PAGE.search(text)
    return not isinstance(found, dict) or not _inside(found)


def _of_lines(file: BinaryIO | io.BufferedReader, name: str, now: datetime) -> Iterator[Record]:
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        where = f"{name}line {number}"
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while (more := file.readline(MAX_LINE)) and not more.endswith(b"\n"):
                pass
            yield Broken(where, LINE_TOO_LONG)
        elif line.strip():
            yield from _of_line(line, where, now)


def _of_line(line: bytes, where: str, now: datetime) -> Iterator[Record]:
    try:
        value = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        yield Broken(where, "this is no JSON, or it is cut off")
    else:
        yield from _of_value(value, where, now)


def _of_json(file: BinaryIO | io.BufferedReader, name: str, now: datetime) -> Iterator[Record]:
    number = 0
    for number, value in enumerate(_objects(_Unmarked(file)), start=1):
        yield from _of_value(value, f"{name}record {number}", now)
    if not number:
        raise UnreadableExport("The JSON holds no listens that emotune knows: neither ListenBrainz's nor Last.fm's.")


def _objects(file: "_Unmarked") -> Iterator[Any]:
    """Give the objects at PLACES one by one, without holding more of the file than one of them."""
    path: list[str] = []
    builder, depth, events = None, 0, 0
    for event, value in ijson.basic_parse(file, use_float=True):
        events += 1
        file.of_value = 0
        if len(path) > MAX_DEPTH or events > MAX_EVENTS:
            raise UnreadableExport("The JSON is nested too deeply, or one of its records is too large for a listen.")
        if builder is None:
            events = file.of_record = 0
            if event == "start_map" and ".".join(path) in PLACES:
                builder, depth = ijson.ObjectBuilder(), len(path)
        if builder is not None:
            builder.event(event, value)
        if event == "map_key":
            path[-1] = value
        elif event in ("start_map", "start_array"):
            path.append("item" if event == "start_array" else "")
        elif event in ("end_map", "end_array"):
            path.pop()
            if builder is not None and len(path) == depth:
                yield builder.value
                builder = None


class _Unmarked:
    """A file without the byte order mark that it may begin with. `of_value` and `of_record`, the bytes since a value or
    a record ended, are set to 0 by whoever reads it; it refuses to go on where one of them has none."""

    def __init__(self, file: BinaryIO | io.BufferedReader) -> None:
        self._read, self._first = file.read, True
        self.of_value = self.of_record = 0

    def read(self, size: int = -1) -> bytes:
        # the parser holds a name, a text or a number until it ends
        if self.of_value > MAX_VALUE or self.of_record > MAX_RECORD:
            raise UnreadableExport("The JSON has a text, a number or a record that is too long for any listen.")
        data = self._read(size)
        self.of_value += len(data)
        self.of_record += len(data)
        if self._first and size:
            self._first = False
            return data.removeprefix(b"\xef\xbb\xbf")
        return data


def _inside(value: dict[str, Any], depth: int = 1) -> list[Any] | None:
    """Return the records that a page or a submission of them holds; None for what is a record itself."""
    for name in PAGES:
        held = value.get(name)
        if isinstance(held, dict) and name != "track":
            return _inside(held, depth + 1) if depth < MAX_DEPTH else None
        if isinstance(held, dict) and "artist" in held and "artist" not in value:
            return [held]  # Last.fm writes one track without a list around it
        if isinstance(held, list) and (held or "artist" not in value):
            return held
    return None


def _of_value(value: Any, where: str, now: datetime) -> Iterator[Record]:
    if isinstance(value, dict) and (held := _inside(value)) is not None:
        for number, record in enumerate(held, start=1):
            yield from _checked(record_of, record, f"{where}, {number}", now)
    else:
        yield from _checked(record_of, value, where, now)


def _checked(
    reader: Callable[[Any, str, datetime], Record | None], value: Any, where: str, now: datetime
) -> Iterator[Record]:
    try:
        record = reader(value, where, now)
    except Bad as bad:
        yield Broken(where, str(bad))
    except RecursionError:  # it was read with less on the stack than where it is put into words
        yield Broken(where, "this is nested too deeply")
    else:
        if record is not None:
            yield record


@contextmanager
def _as_text(file: BinaryIO | io.BufferedReader) -> Iterator[io.TextIOWrapper]:
    text = io.TextIOWrapper(file, "utf-8-sig", "replace", newline="")
    try:
        yield text
    finally:
        text.detach()


def _of_csv(file: BinaryIO | io.BufferedReader, name: str, now: datetime) -> Iterator[Record]:
    with _as_text(file) as text:
        budget = Budget(MAX_VALUE)
        lines = csv.reader(_bounded(text, budget))
        columns: dict[str, int] | None = None
        while (row := _next_row(lines)) is not None:
            budget.left = MAX_VALUE
            where = f"{name}line {lines.line_num}"
            if isinstance(row, str):
                yield Broken(where, row)
                continue
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns, is_header = _columns(row)
                if is_header:
                    continue
            if any(TOO_LONG in cell for cell in row):
                yield Broken(where, LINE_TOO_LONG)
                continue
            fields = {key: row[place].strip() for key, place in columns.items() if place < len(row)}
            yield from _checked(record_of_row, fields, where, now)


def _next_row(lines: Iterator[list[str]]) -> list[str] | str | None:
    """Return the next row of a CSV, in words why it is none, or None at the end."""
    try:
        return next(lines, None)
    except csv.Error as error:  # a quote that is never closed, for instance
        return f"this is no row of a CSV ({error})"


def _bounded(text: io.TextIOWrapper, budget: Budget) -> Iterator[str]:
    """Give the lines of a text, while the budget for one row lasts; TOO_LONG for one that is too long for any
    listen."""
    while line := text.readline(MAX_LINE):
        kept = line.replace(TOO_LONG, "")
        if len(line) == MAX_LINE and not line.endswith("\n"):
            while (more := text.readline(MAX_LINE)) and not more.endswith("\n"):
                pass
            kept = f"{TOO_LONG}\n"
        budget.left -= len(kept)
        if budget.left < 0:
            raise UnreadableExport("The CSV has a row that is too long for any listen: its quotes never end.")
        yield kept


def _columns(row: list[str]) -> tuple[dict[str, int], bool]:
    """Find the columns by a header's names, or by the order that exports without one have."""
    names = [cell.strip().lower() for cell in row]
    found = {
        key: names.index(known) for key, all_known in COLUMNS.items() for known in reversed(all_known) if known in names
    }
    if {"artist", "title", "at"} <= found.keys():
        return found, True
    if _is_bare(row):
        return BARE, False
    raise UnreadableExport(
        "This is no export that emotune knows. A CSV needs the columns artist, album, track and date."
    )


def _is_bare(row: list[str]) -> bool:
    return len(row) >= 4 and is_moment(row[3].strip())
