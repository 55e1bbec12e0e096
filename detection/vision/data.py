"""Read labelled face pictures for training and evaluation: a folder or zip with one folder per emotion."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from emotune.emotions import EMOTIONS

SIZE = 48
PICTURES = {".webp", ".png", ".jpg", ".jpeg"}
# FER+ names its columns by nouns; contempt, unknown and not_a_face have no place among the seven.
VOTE_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


class DataError(ValueError):
    """The data cannot be read as what it claims to be; the message names the file and says what to do."""


class PictureSource:
    """Bytes of pictures by their relative path, from a folder or from a zip that is never unpacked."""

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
            raise DataError(f"{self.path}: neither a folder nor a zip file") from None

    def names(self) -> list[str]:
        """Return the relative paths of all files, sorted, so that a run does not depend on the disk's order."""
        if self._archive is not None:
            return sorted(name for name in self._archive.namelist() if not name.endswith("/"))
        return sorted(path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes:
        if self._archive is not None:
            return self._archive.read(name)
        return (self.path / name).read_bytes()


@dataclass(frozen=True)
class Split:
    """Labelled pictures that are decoded when asked for, so that a data set may be larger than memory.

    `labels` is (N,) int64, an index into EMOTIONS. `votes` is (N, 7) float32: the share of the annotators' votes for
    each emotion, or NaN throughout a row that has no vote for any of the seven.
    """

    source: PictureSource
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    votes: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, indices: npt.NDArray[np.int64]) -> "Split":
        names = tuple(self.names[i] for i in indices)
        return replace(self, names=names, labels=self.labels[indices], votes=self.votes[indices])

    def pictures(self, indices: Iterable[int]) -> npt.NDArray[np.uint8]:
        """Return (n, 48, 48) uint8 grey pictures. Raises DataError that names a picture which cannot be decoded."""
        return np.stack([self._picture(self.names[i]) for i in indices])

    def _picture(self, name: str) -> npt.NDArray[np.uint8]:
        try:
            with Image.open(io.BytesIO(self.source.read(name))) as image:
                grey = image.convert("L")
        except (UnidentifiedImageError, OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{self.source.path}: picture {name} cannot be decoded ({error}); remove it") from error
        if grey.size != (SIZE, SIZE):
            grey = grey.resize((SIZE, SIZE), Image.Resampling.BOX)
        return np.asarray(grey, dtype=np.uint8)


def load_split(path: Path, split: str) -> Split:
    """Load `split` ("train", "public_test") of a folder or zip laid out as `<split>/<emotion>/<picture>`.

    A `votes.csv` beside the splits, with FER+'s columns, adds the annotators' votes. Raises DataError that names the
    file where a folder is missing or the votes are not FER+'s.
    """
    source = PictureSource(path)
    every = source.names()
    labels: list[int] = []
    names: list[str] = []
    for index, emotion in enumerate(EMOTIONS):
        found = [n for n in every if n.startswith(f"{split}/{emotion}/") and Path(n).suffix.lower() in PICTURES]
        if not found:
            raise DataError(f"{path}: no pictures in {split}/{emotion}/; one folder per emotion is needed")
        names += found
        labels += [index] * len(found)
    votes = _read_votes(source, names) if "votes.csv" in every else np.full((len(names), 7), np.nan, np.float32)
    return Split(source, tuple(names), np.array(labels, np.int64), votes)


def _read_votes(source: PictureSource, names: list[str]) -> npt.NDArray[np.float32]:
    reader = csv.DictReader(io.StringIO(source.read("votes.csv").decode("utf-8")))
    missing = {"path", *VOTE_COLUMNS} - set(reader.fieldnames or ())
    if missing:
        raise DataError(f"{source.path}: votes.csv lacks the columns {', '.join(sorted(missing))} of FER+")
    by_path = {row["path"]: [float(row[column] or 0) for column in VOTE_COLUMNS] for row in reader}
    counts = np.array([by_path.get(name, [0.0] * 7) for name in names], np.float32)
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.float32(np.nan)).astype(np.float32)


def hold_out(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Divide a split into (kept, held out) at random; the held-out part has `share` of the pictures."""
    order = np.random.default_rng(seed).permutation(len(split))
    cut = round(len(split) * share)
    return split.subset(np.sort(order[cut:])), split.subset(np.sort(order[:cut]))


def check_pictures(split: Split, progress: Callable[[int], object]) -> None:
    """Decode every picture once, so that a broken one is named before hours of training; see DataError."""
    for i in range(len(split)):
        split.pictures([i])
        progress(1)
