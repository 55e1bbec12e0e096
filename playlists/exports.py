"""Read what ListenBrainz and Last.fm export: listens and likes as records, in bounded memory, whatever is wrong."""

import csv
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any, BinaryIO

import ijson

from emotune.errors import InvalidInput
from playlists.export_records import Bad, Broken, Record, is_moment, record_of, record_of_row

# Exports pack to a tenth of their size; what unpacks to more than this is made to fill a machine.
MAX_RATIO = 100
MAX_UNPACKED = 2 * 1024**3
MAX_MEMBERS = 5000
# zipfile reads the list of members whole and keeps twenty times its size of it; 5,000 have half of this.
MAX_DIRECTORY = 1024**2
MAX_LINE = 64 * 1024
ENCRYPTED = 0x1
# Of anything else, zipfile unpacks as much at once as a few packed bytes ask for.
IN_BOUNDED_MEMORY = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
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
EMPTY = "The file is empty."
NO_EXPORT = "The zip file is encrypted or holds too many files; no export does."


class UnreadableExport(InvalidInput):
    """The file as a whole cannot be read; its message says why."""


def read(file: BinaryIO, *, now: datetime) -> Iterator[Record]:
    """Give the records of an export, recognised by its first bytes: a zip of ListenBrainz; JSON, JSON Lines or CSV,
    plain or packed by gzip.

    Listens after `now`, or before there was anything to note them with, are broken. `file` must be able to seek; how
    far it has been read is its `tell()`. Raises UnreadableExport, perhaps after some records, for a file that is
    damaged, cut off, encrypted, no export, or unpacks to more than MAX_RATIO times its size.
    """
    start = file.read(4096)
    file.seek(0)
    try:
        if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _of_zip(file, now)
        elif start.startswith(b"\x1f\x8b"):
            yield from _of_gzip(file, now)
        elif not start.strip():
            raise UnreadableExport(EMPTY)
        else:
            yield from _of_text(file, start, "", now)
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UnreadableExport(f"The file cannot be unpacked ({error}). Export it again.") from None
    except (ijson.JSONError, ValueError):
        raise UnreadableExport("The file is no whole JSON: it is damaged or cut off. Export it again.") from None


def _of_gzip(file: BinaryIO, now: datetime) -> Iterator[Record]:
    budget = _budget_of(file)
    with gzip.open(file) as packed:
        unpacked = io.BufferedReader(_Measured(packed, budget))
        start = unpacked.peek(4096)[:4096]
        if not start.strip():
            raise UnreadableExport(EMPTY)
        yield from _of_text(unpacked, start, "", now)


def _of_zip(file: BinaryIO, now: datetime) -> Iterator[Record]:
    budget = _budget_of(file)
    with zipfile.ZipFile(_ZipSource(file)) as archive:
        members = [item for item in archive.infolist() if _is_history(item.filename)]
        if not members:
            raise UnreadableExport("The zip file holds no listens: listens/<year>/<month>.jsonl is expected in it.")
        if len(members) > MAX_MEMBERS or any(item.flag_bits & ENCRYPTED for item in members):
            raise UnreadableExport(NO_EXPORT)
        if any(item.compress_type not in IN_BOUNDED_MEMORY for item in members):
            raise UnreadableExport(
                "The zip file is packed in a way that is not read here. Pack it by deflate, as usual."
            )
        for item in members:
            with archive.open(item) as packed:
                unpacked = io.BufferedReader(_Measured(packed, budget))
                start = unpacked.peek(4096)[:4096]
                if start.strip():
                    yield from _of_text(unpacked, start, f"{item.filename} ", now)


def _is_history(name: str) -> bool:
    path = name.rsplit("/", 1)[-1]
    if name.startswith("__MACOSX/") or path.startswith((".", "user.", "pinned")):
        return False
    return path.endswith((".jsonl", ".json", ".csv", ".listens"))


class _Budget:
    def __init__(self, left: int) -> None:
        self.left = left


def _budget_of(file: BinaryIO) -> _Budget:
    """Return how much a packed file may unpack to, and go back to its beginning."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return _Budget(min(MAX_UNPACKED, MAX_RATIO * size))


class _ZipSource:
    """A zip file that is not sought outside of itself, as damage would have it, nor read in large pieces: zipfile reads
    none but the directory, before it tells how many members there are."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.tell, self.seekable = file.tell, file.seekable
        self._size = file.seek(0, io.SEEK_END)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_SET and not 0 <= offset <= self._size:
            raise zipfile.BadZipFile("Bad offset of a member")
        return self._file.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        if size > MAX_DIRECTORY:
            raise UnreadableExport(NO_EXPORT)
        return self._file.read(size)


class _Measured(io.RawIOBase):
    """A stream that refuses to go on once all of them together have grown out of proportion."""

    def __init__(self, unpacked: gzip.GzipFile | IO[bytes], budget: _Budget) -> None:
        self._unpacked, self._budget = unpacked, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._unpacked.read(len(buffer))
        self._budget.left -= len(data)
        if self._budget.left < 0:
            raise UnreadableExport(f"The file unpacks to more than {MAX_RATIO} times its size; no export does.")
        buffer[: len(data)] = data
        return len(data)


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


def _inside(value: dict[str, Any]) -> list[Any] | None:
    """Return the records that a page or a submission of them holds; None for what is a record itself."""
    for name in PAGES:
        held = value.get(name)
        if isinstance(held, dict) and name != "track":
            return _inside(held)
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
        budget = _Budget(MAX_VALUE)
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


def _bounded(text: io.TextIOWrapper, budget: _Budget) -> Iterator[str]:
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
