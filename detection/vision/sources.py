"""Read face pictures one at a time from a folder, a zip file or FER2013's CSV, however large they are."""

import csv
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from detection.vision.pictures import FORMATS, UnreadablePicture, upright

SIZE = 48
UNPACK = "unpack it with another program, and give the folder"
# The longest side of a photograph that is read whole.
PHOTOGRAPH = 640
# Bytes of decoded faces that a training keeps, half a million of them: decoding took as long as a tenth of a step.
MEMORY = 1 << 30
# What is read besides that which people send; AffectNet was gathered from everywhere.
PICTURES = (*FORMATS, "BMP", "GIF", "PPM", "TIFF")
# What zipfile raises on a file that was cut off or in which bits are wrong.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, struct.error)
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
        except NotImplementedError as error:
            raise DataError(f"{self.path}: cannot be unpacked here ({error}); {UNPACK}") from None
        except (zipfile.BadZipFile, ValueError, struct.error):
            raise DataError(f"{self.path}: neither a folder, a whole zip file nor FER2013's CSV") from None

    @cached_property
    def names(self) -> list[str]:
        """The relative paths of all files, sorted, so that a run does not depend on the disk's order.

        Links to folders are followed; what macOS lays beside each file of its own is left out.
        """
        if self._archive is not None:
            names: Iterable[str] = (name for name in self._archive.namelist() if not name.endswith("/"))
        else:
            names = (path.relative_to(self.path).as_posix() for path in _files(self.path))
        return sorted(name for name in names if not _is_of_macos(PurePosixPath(name)))

    def read(self, name: str) -> bytes:
        """Return the bytes of a file. Raises DataError that names a file which cannot be read or unpacked."""
        try:
            if self._archive is not None:
                return self._archive.read(name)
            return (self.path / name).read_bytes()
        except RuntimeError as error:  # encrypted, or packed in a way that zipfile does not know
            raise DataError(f"{self.path}: {name} cannot be unpacked here ({error}); {UNPACK}") from error
        except DAMAGED as error:
            said = getattr(error, "strerror", None) or str(error) or "cut off"
            raise DataError(f"{self.path}: {name} cannot be read ({said}); replace or remove it") from error

    def table(self, name: str, columns: tuple[str, ...], owner: str) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the rows of a CSV file of `owner`'s with a header, each after the number of its line.

        Raises DataError where `columns` are missing, from the header or from a row, which is named by its line.
        """
        try:
            reader = csv.DictReader(io.StringIO(self.read(name).decode("utf-8-sig"), newline=""))
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise DataError(f"{self.path}: {name} lacks the columns {', '.join(sorted(missing))} of {owner}")
            for row in reader:
                if any(row[column] is None for column in columns):
                    raise DataError(f"{self.path}: line {reader.line_num} of {name} is cut off; mend or remove it")
                yield reader.line_num, row
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}: {name} is no CSV in UTF-8 ({error.reason})") from None
        except csv.Error as error:
            raise DataError(f"{self.path}: {name} is no CSV ({error})") from None

    def face(self, name: str) -> Pixels:
        """Return a grey face (48, 48): the photograph without its colours, of that size. Raises DataError."""
        image = self._upright(name)
        image = image if image.mode == "L" else image.convert("L")
        return np.asarray(image if image.size == (SIZE, SIZE) else image.resize((SIZE, SIZE), Image.Resampling.BOX))

    def photograph(self, name: str) -> Pixels:
        """Return a picture upright and on white, in RGB (h, w, 3), at most PHOTOGRAPH pixels long. Raises DataError."""
        image = self._upright(name)
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))

    def _upright(self, name: str) -> Image.Image:
        try:
            return upright(self.read(name), PHOTOGRAPH, PICTURES)
        except UnreadablePicture as error:
            said = error.message.partition(";")[0]  # after it stands what to do with a picture that was sent
            raise DataError(f"{self.path}: picture {name} cannot be decoded ({said}); replace or remove it") from error


def _files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield the files at any depth of a folder that lies in those `above`; a link to one of these is left out."""
    real = folder.resolve()
    if real in above:
        return
    for path in folder.iterdir():
        if path.is_dir():
            yield from _files(path, above | {real})
        elif path.is_file():
            yield path


def _is_of_macos(file: PurePosixPath) -> bool:
    return "__MACOSX" in file.parts or file.name.startswith("._")


class Remembered:
    """The pictures of another source, decoded once as long as they fit into memory; those beyond it come from there."""

    def __init__(self, source: Pictures, limit: int = MEMORY) -> None:
        """`limit` is how many bytes of faces are kept."""
        self.path, self._source = source.path, source
        self._room, self._faces = limit // (SIZE * SIZE), dict[str, Pixels]()

    def face(self, name: str) -> Pixels:
        """Return a grey face (48, 48), decoded before or now. Raises DataError."""
        face = self._faces.get(name)
        if face is None:
            face = self._source.face(name)
            if len(self._faces) < self._room:
                self._faces[name] = face
        return face

    def photograph(self, name: str) -> Pixels:
        """Return the other source's photograph, which is not kept. Raises DataError."""
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
                if not line.strip():
                    start += len(line)
                    continue
                cells = _cells(line)
                if len(cells) != len(header):
                    raise DataError(f"{path}: line {number} has {len(cells)} columns instead of {len(header)}")
                name = f"line {number}"
                self.rows[name] = {column: cells[header.index(column)].strip() for column in columns}
                self._places[name] = start, len(line)
                start += len(line)

    def face(self, name: str) -> Pixels:
        """Return the grey face (48, 48) of a row. Raises DataError that names its line."""
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
        """Return the same face in RGB (48, 48, 3). Raises DataError."""
        return self.face(name)[..., None].repeat(3, axis=2)


def _cells(line: bytes) -> list[str]:
    return [cell.strip('"') for cell in line.decode("utf-8", errors="replace").strip("\r\n\ufeff").split(",")]
