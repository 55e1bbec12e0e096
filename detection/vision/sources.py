"""Read face pictures one at a time from a folder, a zip file or FER2013's CSV, however large they are."""

import csv
import io
import zipfile
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from detection.vision.pictures import UnreadablePicture, decode

SIZE = 48
# The longest side of a photograph that is read whole.
PHOTOGRAPH = 640
# Bytes of decoded faces that a training keeps, half a million of them: decoding took as long as a tenth of a step.
MEMORY = 1 << 30
Pixels = npt.NDArray[np.uint8]


class DataError(ValueError):
    """The data cannot be read as what it claims to be; the message names the file and says what to do."""


class Pictures(Protocol):
    """Where pictures come from, each by its name. Both raise DataError that names what cannot be decoded."""

    path: Path

    def face(self, name: str) -> Pixels:
        """Return a grey face (48, 48)."""

    def photograph(self, name: str) -> Pixels:
        """Return the picture in RGB (h, w, 3), at most PHOTOGRAPH pixels long."""


class PictureSource:
    """Files by their relative path, from a folder or from a zip that is never unpacked."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder")
        self.path = path

    @cached_property
    def _archive(self) -> zipfile.ZipFile | None:
        if self.path.is_dir():
            return None
        try:
            return zipfile.ZipFile(self.path)
        except zipfile.BadZipFile:
            raise DataError(f"{self.path}: neither a folder, a zip file nor FER2013's CSV") from None

    @cached_property
    def names(self) -> list[str]:
        """The relative paths of all files, sorted, so that a run does not depend on the disk's order."""
        if self._archive is not None:
            return sorted(name for name in self._archive.namelist() if not name.endswith("/"))
        return sorted(path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes:
        if self._archive is not None:
            return self._archive.read(name)
        return (self.path / name).read_bytes()

    def table(self, name: str) -> "csv.DictReader[str]":
        """Read a CSV file with a header."""
        try:
            return csv.DictReader(io.StringIO(self.read(name).decode("utf-8-sig")))
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}: {name} is no CSV in UTF-8 ({error.reason})") from None

    def face(self, name: str) -> Pixels:
        try:
            with Image.open(io.BytesIO(self.read(name))) as image:
                grey = image.convert("L")
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, zipfile.BadZipFile) as error:
            raise self._broken(name, error) from error
        if grey.size != (SIZE, SIZE):
            grey = grey.resize((SIZE, SIZE), Image.Resampling.BOX)
        return np.asarray(grey, dtype=np.uint8)

    def photograph(self, name: str) -> Pixels:
        try:
            return decode(self.read(name), PHOTOGRAPH)
        except (UnreadablePicture, OSError, zipfile.BadZipFile) as error:
            raise self._broken(name, error) from error

    def _broken(self, name: str, error: Exception) -> DataError:
        foreign = isinstance(error, UnidentifiedImageError)  # whose own words are of bytes in memory
        reason = "no picture format that is known" if foreign else str(error).replace("\n", " ")
        return DataError(f"{self.path}: picture {name} cannot be decoded ({reason}); remove it")


class Remembered:
    """The pictures of another source, decoded once as long as they fit into memory; those beyond it come from there."""

    def __init__(self, source: Pictures, limit: int = MEMORY) -> None:
        """`limit` is how many bytes of faces are kept."""
        self.path, self._source = source.path, source
        self._room, self._faces = limit // (SIZE * SIZE), dict[str, Pixels]()

    def face(self, name: str) -> Pixels:
        face = self._faces.get(name)
        if face is None:
            face = self._source.face(name)
            if len(self._faces) < self._room:
                self._faces[name] = face
        return face

    def photograph(self, name: str) -> Pixels:
        return self._source.photograph(name)


class PixelTable:
    """FER2013's CSV: a row is a face, and its name is the number of its line.

    Opening it notes where each row begins and what its short columns say; pixels are read when a face is asked for.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        """Index a CSV with the columns `pixels` and `columns`. Raises DataError that names a line which lacks one."""
        self.path = path
        self.rows: dict[str, dict[str, str]] = {}
        self._places: dict[str, tuple[int, int]] = {}
        with path.open("rb") as file:
            header = [cell.strip().lower() for cell in _cells(file.readline())]
            missing = {"pixels", *columns} - set(header)
            if missing:
                raise DataError(f"{path}: line 1 lacks the columns {', '.join(sorted(missing))} of FER2013's CSV")
            self._pixels, start = header.index("pixels"), file.tell()
            for number, line in enumerate(file, start=2):
                cells = _cells(line)
                if len(cells) != len(header):
                    raise DataError(f"{path}: line {number} has {len(cells)} columns instead of {len(header)}")
                name = f"line {number}"
                self.rows[name] = {column: cells[header.index(column)].strip() for column in columns}
                self._places[name] = start, len(line)
                start += len(line)

    def face(self, name: str) -> Pixels:
        start, length = self._places[name]
        with self.path.open("rb") as file:
            file.seek(start)
            line = file.read(length)
        try:
            values = np.array(_cells(line)[self._pixels].split(), np.int64)
        except ValueError:
            values = np.empty(0, np.int64)
        if len(values) != SIZE * SIZE or values.min() < 0 or values.max() > 255:
            raise DataError(f"{self.path}: {name} does not hold {SIZE * SIZE} pixels from 0 to 255; remove it")
        return values.reshape(SIZE, SIZE).astype(np.uint8)

    def photograph(self, name: str) -> Pixels:
        return self.face(name)[..., None].repeat(3, axis=2)


def _cells(line: bytes) -> list[str]:
    return [cell.strip('"') for cell in line.decode("utf-8", errors="replace").strip("\r\n\ufeff").split(",")]
