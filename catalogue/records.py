"""Open a CSV file, plain, gzipped or zipped, as numbered records, whatever is wrong with it."""

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple, TextIO

from emotune.errors import InvalidInput

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_LINE = 65_536
MAX_LINES = 20
AHEAD = 500
LINE_ENDS = ("\n", "\r")
AT_END = "unexpected end of data"  # csv.reader's words for a quoted field that the end of the text interrupts
ENCRYPTED = 0x1
# Of anything else, zipfile unpacks as much at once as a few packed bytes ask for.
IN_BOUNDED_MEMORY = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Real catalogues pack to a quarter of their size; a file that unpacks to more than this is made to fill a machine.
MAX_RATIO = 100
ALWAYS_ALLOWED = 64 * 1024 * 1024


class UnreadableFile(InvalidInput):
    """The file as a whole cannot be read; its message says why."""


class CutOff(UnreadableFile):
    """The file ends before its last record does."""

    def __init__(self, line: int) -> None:
        super().__init__(f"The file is cut off in the middle of line {line}. Fetch it again.")


class Record(NamedTuple):
    """One record: the number of the line where it begins (the first is 1) and its fields."""

    line: int
    fields: list[str]


class Plain(NamedTuple):
    """Lines that are a record each and need no closer look: the number of the first, the lines as they stand in the
    file, and what the group of their pattern found in each."""

    line: int
    lines: list[str]
    groups: list[str]


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that is no record, with the reason in words."""

    line: int
    reason: str


class OpenFile:
    """An open file: its text, and how much of it has been read."""

    def __init__(self, file: BinaryIO, size: int, text: TextIO) -> None:
        self._file = file
        self._size = size
        self.text = text

    @property
    def share(self) -> float:
        """The part of the file on disk that has been read, 0 to 1."""
        return min(1.0, self._file.tell() / self._size) if self._size else 1.0


@contextmanager
def open_file(path: Path) -> Iterator[OpenFile]:
    """Open `path`, recognised by its first bytes, as UTF-8 text (bytes that are not become lone surrogates).

    Raises UnreadableFile when the file is missing, damaged, cut off, encrypted, holds more or less than one CSV, or
    unpacks to more than 100 times its size (and more than 64 MiB); also while the text is read inside the `with`.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            with _unpacked(file, size) as binary:
                yield OpenFile(file, size, io.TextIOWrapper(binary, "utf-8-sig", "surrogateescape", newline=""))
    except UnicodeDecodeError:
        raise UnreadableFile("The zip file cannot be unpacked: a name in it is not UTF-8. Pack it again.") from None
    except EOFError:
        raise UnreadableFile("The file is cut off: the packed data ends too early. Fetch it again.") from None
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, NotImplementedError) as error:
        raise UnreadableFile(f"The file cannot be unpacked: {error}.") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}.") from None


@contextmanager
def _unpacked(file: BinaryIO, size: int) -> Iterator[IO[bytes]]:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        with gzip.open(file) as unpacked:
            yield io.BufferedReader(_Measured(unpacked, size))
    elif magic in (b"PK\x03\x04", b"PK\x05\x06"):
        with zipfile.ZipFile(file) as archive, archive.open(_only_csv(archive)) as unpacked:
            yield io.BufferedReader(_Measured(unpacked, size))
    else:
        yield file


def _only_csv(archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if name.lower().endswith(".csv") and not name.startswith("__MACOSX/")]
    if len(names) != 1:
        shown = ", ".join(map(repr, sorted(names)[:3])) + (", ..." if len(names) > 3 else "")
        found = f"{len(names)} CSV files ({shown})" if names else "no CSV file"
        raise UnreadableFile(f"The zip file holds {found}; it must hold exactly one.")
    member = archive.getinfo(names[0])
    if member.flag_bits & ENCRYPTED:
        raise UnreadableFile(f"{names[0]!r} in the zip file is encrypted. Unpack it first.")
    if member.compress_type not in IN_BOUNDED_MEMORY:
        raise UnreadableFile("The zip file is packed in a way that is not read here. Pack it by deflate, as usual.")
    return names[0]


class _Measured(io.RawIOBase):
    """A stream that refuses to go on once it has grown out of all proportion to the file it is unpacked from."""

    def __init__(self, unpacked: gzip.GzipFile | IO[bytes], packed_size: int) -> None:
        self._unpacked = unpacked
        self._left = max(ALWAYS_ALLOWED, MAX_RATIO * packed_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        data = self._unpacked.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise UnreadableFile(f"The file unpacks to more than {MAX_RATIO} times its size; no catalogue does.")
        view[: len(data)] = data
        return len(data)


class _Lines:
    """The physical lines of a text for csv.reader, counted, and handed back when they turn out not to belong."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._read = partial(text.readline, MAX_LINE)
        self._back: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.taken) == MAX_LINES:
            raise csv.Error("too many lines")
        line = self._back.popleft() if self._back else self._whole(self._read())
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        return line

    def _whole(self, line: str) -> str:
        if len(line) < MAX_LINE or line.endswith(LINE_ENDS):
            return line
        # No record is as long; what is kept of it stays too long for any field, so that it is refused as a row.
        while (rest := self._read()) and not rest.endswith(LINE_ENDS):
            pass
        return line + "\n"

    def ahead(self) -> list[str]:
        """Take the next lines, some of those handed back or else AHEAD new ones, without counting them."""
        if self._back:
            lines = list(self._back)
            self._back.clear()
            return lines
        lines = []
        for line in islice(iter(self._read, ""), AHEAD):
            lines.append(line)
            if len(line) == MAX_LINE:
                lines[-1] = self._whole(line)
        return lines

    def hand_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))

    def keep_first(self) -> str:
        """Hand back all lines of the present record but its first, which is returned."""
        self._back.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        return self.taken[0]


class Records:
    """The records of a text, whose first sets how many fields one has. Blank lines are passed over.

    A quoted field may hold line breaks. Where a quotation mark is never closed, the line that opens it alone is
    Broken, and reading goes on with the next: csv.reader by itself would swallow good rows up to the next mark. Lines
    that match `plain` as a whole, line end included, come as they are; it may be set at any time, must match nothing
    but single records, and has one group. Raises UnreadableFile when the last line ends, without a line break, before
    its record does: the file is cut off.
    """

    def __init__(self, text: TextIO) -> None:
        self.plain: re.Pattern[str] | None = None
        self._lines = _Lines(text)
        self._width = 0

    def __iter__(self) -> Iterator[Record | Broken | Plain]:
        lines = self._lines
        while ahead := lines.ahead():
            begin = lines.number + 1
            if self.plain and len(groups := self.plain.findall("".join(ahead))) == len(ahead):
                lines.number += len(ahead)
                yield Plain(begin, ahead, groups)
            elif (fields := _one_a_line(ahead)) is None:
                lines.hand_back(ahead)
                yield from self._carefully(lines.number + len(ahead))
            else:
                lines.number += len(ahead)
                yield from self._by_line(begin, ahead, fields)

    def _by_line(self, begin: int, lines: list[str], fields: list[list[str]]) -> Iterator[Record | Plain]:
        """Yield the records of lines of which each is a whole one."""
        run = Plain(begin, [], [])
        for number, (line, found) in enumerate(zip(lines, fields, strict=True), start=begin):
            if match := self.plain and self.plain.fullmatch(line):
                run.lines.append(line)
                run.groups.append(match[1])
                continue
            if run.lines:
                yield run
            run = Plain(number + 1, [], [])
            if not _is_blank(found):
                self._width = self._width or len(found)
                yield Record(number, found)
        if run.lines:
            yield run

    def _carefully(self, until: int) -> Iterator[Record | Broken]:
        """Yield the records that begin up to the line `until`, the ones that cannot be read line by line."""
        lines = self._lines
        reader = csv.reader(lines, strict=True)
        while lines.number < until:
            lines.taken.clear()
            begin = lines.number + 1
            problem = ""
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                fields, problem = [], str(error)
            if problem or (len(lines.taken) > 1 and len(fields) != (self._width or len(fields))):
                first = lines.keep_first()
                if problem == AT_END and not first.endswith(LINE_ENDS):
                    raise CutOff(begin)
                shown = first[:60].strip()
                yield Broken(begin, f"a quotation mark is not closed or stands in the wrong place: {shown!r}")
            elif not _is_blank(fields):
                if len(fields) < self._width and not lines.taken[-1].endswith(LINE_ENDS):
                    raise CutOff(begin)
                self._width = self._width or len(fields)
                yield Record(begin, fields)


def _one_a_line(lines: list[str]) -> list[list[str]] | None:
    """Return the fields of lines of which each is one whole record, None when any might not be: most lines are."""
    if not lines[-1].endswith(LINE_ENDS) or any(len(line) > MAX_LINE for line in lines):
        return None
    try:
        fields = list(csv.reader(lines, strict=True))
    except csv.Error:
        return None
    return fields if len(fields) == len(lines) else None


def _is_blank(fields: list[str]) -> bool:
    return len(fields) < 2 and not (fields and fields[0].strip())
