"""Labelled face pictures for training and evaluation, decoded when they are asked for."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from detection.vision.layouts import Index, find_layout, split_of
from detection.vision.sources import SIZE, DataError, Pictures, PictureSource, PixelTable, Remembered
from emotune.emotions import EMOTIONS

__all__ = [
    "SIZE",
    "DataError",
    "Split",
    "balanced",
    "check_pictures",
    "hold_out",
    "load_split",
    "measured_split",
    "remembered",
]

# FER+ names its columns by nouns; contempt, unknown and not_a_face have no place among the seven.
VOTE_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
# FER+ as its authors hand it out: votes row by row for the CSV beside it.
FERPLUS = "fer2013new.csv"
PAIR = "take the two that belong together"
# Votes by the paths of the pictures.
VOTES = "votes.csv"
# Every training keeps the same pictures back, whatever its seed: a teacher must not know what its pupil is measured on.
KEPT_BACK = 7


@dataclass(frozen=True)
class Split:
    """Labelled pictures that are decoded when asked for, so that a data set may be larger than memory.

    `labels` is (N,) int64, an index into EMOTIONS. `votes` is (N, 7) float32: the share of the annotators' votes for
    each emotion, or NaN throughout a row that has no vote for any of the seven. `layout` is how the data set lies.
    """

    source: Pictures
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    votes: npt.NDArray[np.float32]
    layout: str = "folders"

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, indices: npt.NDArray[np.int64]) -> "Split":
        """Return the pictures at some places (n,), in their order, with their labels and votes."""
        names = tuple(self.names[i] for i in indices)
        return replace(self, names=names, labels=self.labels[indices], votes=self.votes[indices])

    def fingerprint(self) -> int:
        """Return a number that changes with the names of the pictures, their order and their labels."""
        return zlib.crc32("\n".join(self.names).encode() + self.labels.tobytes())

    def pictures(self, indices: Iterable[int]) -> npt.NDArray[np.uint8]:
        """Return (n, 48, 48) uint8 grey pictures. Raises DataError that names a picture which cannot be decoded."""
        return np.stack([self.source.face(self.names[i]) for i in indices])

    def photograph(self, index: int) -> npt.NDArray[np.uint8]:
        """Return a picture as it was taken, in RGB (h, w, 3). Raises DataError as `pictures` does."""
        return self.source.photograph(self.names[index])


def load_split(path: Path, split: str, layout: str | None = None) -> Split:
    """Load a split ("train", "public_test", "private_test", "test") of a data set, whose layout may be named.

    A data set without splits has "all", and a tenth of it as "test". Votes of FER+'s annotators are added where a
    `votes.csv` lies beside the splits or above them, or a `fer2013new.csv` beside FER2013's CSV. Raises DataError that
    names the file where something is missing or is not what it claims to be.
    """
    index = find_layout(path, layout)
    if split not in index.splits:
        raise DataError(f"{path}: has no split {split}; it has {', '.join(index.splits)}")
    labelled = index.splits[split]()
    names = tuple(name for name, _ in labelled)
    labels = np.array([label for _, label in labelled], np.int64)
    return Split(index.source, names, labels, _votes(index, names), index.layout)


def measured_split(path: Path, layout: str | None = None) -> str:
    """Return the split that a network is measured on. Raises DataError where a data set has none."""
    splits = find_layout(path, layout).splits
    for name in ("public_test", "test"):
        if name in splits:
            return name
    raise DataError(f"{path}: has no split public_test or test; it has {', '.join(splits)}")


def _votes(index: Index, names: tuple[str, ...]) -> npt.NDArray[np.float32]:
    source = index.source
    by_name: dict[str, list[float]] = {}
    if isinstance(source, PictureSource):
        by_name = _votes_by_path(source, names)
    elif isinstance(source, PixelTable) and (source.path.parent / FERPLUS).is_file():
        by_name = _votes_by_row(source)
    counts = np.array([by_name.get(name, [0.0] * 7) for name in names], np.float32)
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.float32(np.nan)).astype(np.float32)


def _votes_by_path(source: PictureSource, names: tuple[str, ...]) -> dict[str, list[float]]:
    """Read each VOTES that lies above the pictures of a split; its paths begin where it lies."""
    known, by_name = set(source.names), dict[str, list[float]]()
    files = [file for file in source.names if PurePosixPath(file).name == VOTES]
    for file in sorted(files, key=lambda file: file.count("/")):  # the nearest counts
        folder = file.removesuffix(VOTES)
        if not any(name.startswith(folder) for name in names):
            continue
        voted = {folder + row["path"]: votes for _, row, votes in _read_votes(source, file, ("path",))}
        if known.isdisjoint(voted):
            raise DataError(f"{source.path}: {file} names no picture that is there; its paths begin where it lies")
        by_name |= voted
    return by_name


def _votes_by_row(table: PixelTable) -> dict[str, list[float]]:
    """Read FERPLUS beside FER2013's CSV, whose rows have to be the same ones in the same order."""
    file = table.path.with_name(FERPLUS)
    rows = list(_read_votes(PictureSource(file.parent), FERPLUS))
    if len(rows) != len(table.rows):
        raise DataError(f"{file}: has {len(rows)} rows instead of the {len(table.rows)} of {table.path.name}; {PAIR}")
    by_name = {}
    for (line, row, votes), (name, said) in zip(rows, table.rows.items(), strict=True):
        usage = row.get("Usage")
        if usage is not None and split_of(usage) != split_of(said["usage"]):
            other = f"{name} of {table.path.name} is of {said['usage']}"
            raise DataError(f"{file}: line {line} is of {usage[:20]!r}, and {other}; {PAIR}")
        by_name[name] = votes
    return by_name


def _read_votes(
    source: PictureSource, file: str, columns: tuple[str, ...] = ()
) -> Iterator[tuple[int, dict[str, str], list[float]]]:
    """Yield the number of each line of a file of votes, the line, which has `columns`, and its votes (7,)."""
    for line, row in source.table(file, (*columns, *VOTE_COLUMNS), "FER+"):
        try:
            yield line, row, [float(row[column] or 0) for column in VOTE_COLUMNS]
        except ValueError as error:
            raise DataError(f"{source.path}: line {line} of {file} is no row of votes ({error})") from None


def hold_out(split: Split, share: float, seed: int = KEPT_BACK) -> tuple[Split, Split]:
    """Divide a split into (kept, held out) at random; the held-out part has `share` of the pictures, between 0 and 1.

    Raises DataError where one of the two would be empty.
    """
    order = np.random.default_rng(seed).permutation(len(split))
    cut = round(len(split) * share)
    if not 0 < cut < len(split):
        needed = int(0.5 / min(share, 1 - share)) + 1
        said = f"{len(split)} pictures are too few to keep {share:.0%} of them back"
        raise DataError(f"{split.source.path}: {said}; give {needed} or more")
    return split.subset(np.sort(order[cut:])), split.subset(np.sort(order[:cut]))


def remembered(split: Split) -> Split:
    """Return the same split, which decodes each picture once if all fit into the memory set aside for that."""
    return replace(split, source=Remembered(split.source))


def balanced(split: Split, per_emotion: int, seed: int = 0) -> Split:
    """Return `per_emotion` pictures of each emotion drawn at random, or all where there are fewer."""
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(split.labels == label))[:per_emotion] for label in range(len(EMOTIONS))]
    return split.subset(np.sort(np.concatenate(rows)))


def check_pictures(split: Split, progress: Callable[[int], object]) -> None:
    """Decode every picture once, so that a broken one is named before hours of training; see DataError."""
    for i in range(len(split)):
        split.pictures([i])
        progress(1)
