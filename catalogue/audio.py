"""Audio files below AUDIO_ROOT: finding a track's file, and the part of it that a player asks for."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

CHUNK = 64 * 1024

# What browsers play. Other files are not served, so that a folder chosen by mistake gives nothing else away.
CONTENT_TYPES = {
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
}
# Eighteen digits are more than any file has bytes, and no work to convert.
BYTE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


class RangeNotSatisfiable(Exception):
    """The part that was asked for lies outside the file."""


@dataclass(frozen=True)
class AudioFile:
    """A file that may be served, as it was when it was found."""

    path: Path
    size: int
    modified_ns: int

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.path.suffix.lower()]

    @property
    def etag(self) -> str:
        return f'"{self.modified_ns:x}-{self.size:x}"'


def find_audio(name: str) -> AudioFile | None:
    """Return the audio file that a track names, or None unless it is a readable one that really lies below AUDIO_ROOT.

    Links are followed first: one that leads out of AUDIO_ROOT is refused like `..` is.
    """
    root = Path(os.path.realpath(settings.AUDIO_ROOT))
    try:
        path = Path(os.path.realpath(root / name, strict=True))
        stat = path.stat()
    except (OSError, ValueError):
        return None
    if not path.is_relative_to(root) or path.suffix.lower() not in CONTENT_TYPES:
        return None
    if not path.is_file() or not os.access(path, os.R_OK):
        return None
    return AudioFile(path, stat.st_size, stat.st_mtime_ns)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return (first byte, number of bytes) of a Range header, or None where the whole is the right answer (RFC 9110).

    That is so for what is no valid range of bytes and for several ranges at once, which no player asks for. Raises
    RangeNotSatisfiable.
    """
    match = BYTE_RANGE.fullmatch(header.strip())
    if not match or match[0].endswith("=-"):
        return None
    first, last = match.groups()
    if first and last and int(first) > int(last):
        return None
    start = int(first) if first else max(0, size - int(last))
    if start >= size:
        raise RangeNotSatisfiable
    stop = min(size, int(last) + 1) if first and last else size
    return start, stop - start


class FilePart:
    """An open file's bytes from `start` on, `length` of them, in chunks."""

    def __init__(self, path: Path, start: int, length: int) -> None:
        self._file = path.open("rb")
        self._start = start
        self._length = length

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._start)
        left = self._length
        while left > 0 and (chunk := self._file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk

    def close(self) -> None:
        self._file.close()
