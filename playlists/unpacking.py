"""Unpack exports as far as is sound: in bounded memory, whatever a packed file says of itself."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, BinaryIO

from catalogue.records import ENCRYPTED, IN_BOUNDED_MEMORY
from emotune.errors import InvalidInput

# Exports pack to a tenth of their size; what unpacks to more than this is made to fill a machine.
MAX_RATIO = 100
MAX_UNPACKED = 2 * 1024**3
MAX_MEMBERS = 5000
# zipfile reads the list of members whole and keeps twenty times its size of it; 5,000 have half of this.
MAX_DIRECTORY = 1024**2
# What zipfile and gzip raise on packed data that are damaged, cut off or of another kind.
DAMAGED = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)
NO_EXPORT = "The zip file is encrypted or holds too many files; no export does."


class UnreadableExport(InvalidInput):
    """The file as a whole cannot be read; its message says why."""


def unpacked(file: BinaryIO) -> Iterator[tuple[str, BinaryIO | io.BufferedReader]]:
    """Give the texts of a file that may be packed, each with its name and a space: of a zip's histories one by one, of
    a gzip or a text itself without a name.

    `file` must be able to seek. Raises UnreadableExport for a zip that is no export, and what unpacks to more than
    MAX_RATIO times its size; one of DAMAGED where it is damaged.
    """
    start = file.read(4)
    budget = Budget(min(MAX_UNPACKED, MAX_RATIO * file.seek(0, io.SEEK_END)))
    file.seek(0)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _of_zip(file, budget)
    elif start.startswith(b"\x1f\x8b"):
        with gzip.open(file) as packed:
            yield "", io.BufferedReader(_Measured(packed, budget))
    else:
        yield "", file


def _of_zip(file: BinaryIO, budget: "Budget") -> Iterator[tuple[str, io.BufferedReader]]:
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
                yield f"{item.filename} ", io.BufferedReader(_Measured(packed, budget))


def _is_history(name: str) -> bool:
    path = name.rsplit("/", 1)[-1]
    if name.startswith("__MACOSX/") or path.startswith((".", "user.", "pinned")):
        return False
    return path.endswith((".jsonl", ".json", ".csv", ".listens"))


class Budget:
    def __init__(self, left: int) -> None:
        self.left = left


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

    def __init__(self, unpacked: gzip.GzipFile | IO[bytes], budget: Budget) -> None:
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
