"""Find the labelled faces of a data set by the layout in which it is handed out."""

import io
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from detection.vision.sources import DataError, Pictures, PictureSource, PixelTable
from emotune.emotions import EMOTIONS

SUFFIXES = {".webp", ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff"}
# A picture's name and the index of its emotion.
Labelled = list[tuple[str, int]]
Splits = Mapping[str, Callable[[], Labelled]]
# What data sets call their splits, and their emotions. What else they know, as contempt, has no place among the seven.
SPLITS = {
    "train": ("train", "training", "train_set"),
    "public_test": ("public_test", "publictest"),
    "private_test": ("private_test", "privatetest"),
    "test": ("test", "val", "valid", "validation", "val_set"),
}
SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
WORDS = {emotion: emotion for emotion in EMOTIONS} | SYNONYMS
AFFECTNET = {"0": "neutral", "1": "happy", "2": "sad", "3": "surprise", "4": "fear", "5": "disgust", "6": "angry"}
RAF_DB = {"1": "surprise", "2": "fear", "3": "disgust", "4": "happy", "5": "sad", "6": "angry", "7": "neutral"}
RAF_DB_LIST = "EmoLabel/list_patition_label.txt"
EXPRESSIONS = re.compile(r"(.*?)([^/]+)/annotations/([^/]+)_exp\.npy")
# The share of a data set without splits that is its test.
TEST_SHARE = 0.1
# Of so many pictures at least one is in that share, all but surely.
ENOUGH = 70


@dataclass(frozen=True)
class Index:
    """What a data set holds: how to list each of its splits, and from where the pictures come."""

    source: Pictures
    layout: str
    splits: Splits


def find_layout(path: Path, layout: str | None = None) -> Index:
    """Return what a data set holds. `layout` is one of LAYOUTS; None recognizes it.

    Raises DataError that names what is missing.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    index = LAYOUTS[layout or _recognize(path)](path)
    if not index.splits:
        raise DataError(f"{path}: holds no pictures in the layout {index.layout}; see --layout")
    return index


def _recognize(path: Path) -> str:
    if path.suffix.lower() == ".csv" or _pixel_tables(path):
        return "fer2013-csv"
    names = PictureSource(path).names
    if any(name.endswith(RAF_DB_LIST) for name in names):
        return "raf-db"
    if any(EXPRESSIONS.fullmatch(name) or name in AFFECTNET_TABLES for name in names):
        return "affectnet"
    folders = {PurePosixPath(name).parent.name for name in names}
    if folders & set("1234567") and not {folder.lower() for folder in folders} & set(WORDS):
        return "affectnet" if "0" in folders else "raf-db"
    return "folders"


def _folders(path: Path, words: Mapping[str, str] = WORDS, layout: str = "folders") -> Index:
    """Read SPLIT/EMOTION/PICTURE, or EMOTION/PICTURE without splits, at any depth."""
    source = PictureSource(path)
    by_folder: dict[str, dict[str, list[str]]] = {}
    for name in source.names:
        file = PurePosixPath(name)
        emotion = words.get(file.parent.name.lower())
        if emotion and file.suffix.lower() in SUFFIXES:
            by_folder.setdefault(str(file.parent.parent), {}).setdefault(emotion, []).append(name)

    def listed(folder: str) -> Labelled:
        found = by_folder[folder]
        for emotion in EMOTIONS:
            if emotion not in found:
                called = next(word for word, meant in words.items() if meant == emotion)
                raise DataError(f"{path}: no pictures in {PurePosixPath(folder, called)}/; each emotion needs a folder")
        return [(name, i) for i, emotion in enumerate(EMOTIONS) for name in found[emotion]]

    splits: Splits = {split: partial(listed, folder) for split, folder in _named_splits(path, by_folder).items()}
    if not splits and len(by_folder) == 1:
        splits = _drawn(path, partial(listed, *by_folder))
    return Index(source, layout, splits)


def _named_splits(path: Path, folders: Iterable[str]) -> dict[str, str]:
    splits: dict[str, str] = {}
    for folder in folders:
        for split, called in SPLITS.items():
            if PurePosixPath(folder).name.lower() not in called:
                continue
            if split in splits:
                raise DataError(f"{path}: {splits[split]} and {folder} are both its {split}; keep one of them")
            splits[split] = folder
    return splits


def _drawn(path: Path, listed: Callable[[], Labelled]) -> Splits:
    """Divide a data set without splits by a hash of the names: the same pictures are the test in every run.

    A part of a few pictures may be empty, and is a DataError.
    """

    def part(is_test: bool) -> Labelled:
        rows = listed()
        drawn = [row for row in rows if (zlib.crc32(row[0].encode()) % 1000 < 1000 * TEST_SHARE) == is_test]
        if not drawn:
            said = f"none of its {len(rows)} pictures was drawn by its name for {'test' if is_test else 'train'}"
            raise DataError(f"{path}: {said}; give {ENOUGH} or more, or lay them into train/ and test/")
        return drawn

    return {"all": listed, "train": partial(part, False), "test": partial(part, True)}


def _fer2013_csv(path: Path) -> Index:
    tables = [path] if path.is_file() else _pixel_tables(path)
    if not tables:
        raise DataError(f"{path}: holds no fer2013.csv")
    table = PixelTable(tables[0], ("emotion", "usage"))
    by_split: dict[str, Labelled] = {}
    for name, row in table.rows.items():
        split = split_of(row["usage"])
        if split is None or row["emotion"] not in set("0123456"):
            said = f"emotion {row['emotion'][:20]!r} and usage {row['usage'][:20]!r}"
            raise DataError(f"{table.path}: {name} has {said}, which FER2013 does not know")
        by_split.setdefault(split, []).append((name, int(row["emotion"])))

    def listed(split: str) -> Labelled:
        missing = set(range(len(EMOTIONS))) - {label for _, label in by_split[split]}
        if missing:
            raise DataError(f"{table.path}: no row of {split} shows {EMOTIONS[min(missing)]}; each emotion needs one")
        return by_split[split]

    return Index(table, "fer2013-csv", {split: partial(listed, split) for split in by_split})


def split_of(usage: str) -> str | None:
    """Return the split that a data set calls `usage`, None where it is none."""
    return next((split for split, called in SPLITS.items() if usage.strip().lower() in called), None)


def _pixel_tables(path: Path) -> list[Path]:
    return [path / name for name in ("fer2013.csv", "icml_face_data.csv") if (path / name).is_file()]


AFFECTNET_TABLES = {"training.csv": "train", "validation.csv": "test"}


def _affectnet(path: Path) -> Index:
    """Read SPLIT_set/images with annotations/N_exp.npy, training.csv and validation.csv, or SPLIT/0..7/PICTURE."""
    source = PictureSource(path)
    noted = {match[2] for name in source.names if (match := EXPRESSIONS.fullmatch(name))}
    splits: dict[str, Callable[[], Labelled]] = {}
    for split, called in SPLITS.items():
        for folder in noted & set(called):
            splits[split] = partial(_noted, source, folder)
    for table, split in AFFECTNET_TABLES.items():
        if table in source.names:
            splits[split] = partial(_tabled, source, table)
    return Index(source, "affectnet", splits) if splits else _folders(path, AFFECTNET, "affectnet")


def _noted(source: PictureSource, folder: str) -> Labelled:
    """List the pictures of SPLIT_set/images by their annotations/N_exp.npy."""
    pictures = {str(PurePosixPath(name).with_suffix("")): name for name in source.names}
    rows = []
    for name in source.names:
        match = EXPRESSIONS.fullmatch(name)
        if match is None or match[2] != folder:
            continue
        picture = pictures.get(f"{match[1]}{match[2]}/images/{match[3]}")
        if picture is None:
            raise DataError(f"{source.path}: {name} has no picture {match[3]} in {folder}/images/")
        stored = io.BytesIO(source.read(name))
        try:
            rows.append((picture, str(np.load(stored, allow_pickle=False))))
        except (ValueError, EOFError, OSError) as error:
            raise DataError(f"{source.path}: {name} is no NumPy file of a number ({error})") from None
    return _complete(source, rows, f"{folder}/annotations/")


def _tabled(source: PictureSource, table: str) -> Labelled:
    """List the pictures of AffectNet's training.csv or validation.csv, which name them by folder and file."""
    by_end = {PurePosixPath(name).parts[-2:]: name for name in source.names}
    rows = []
    for number, row in source.table(table, ("subDirectory_filePath", "expression"), "AffectNet"):
        picture = by_end.get(PurePosixPath(row["subDirectory_filePath"]).parts[-2:])
        if picture is None:
            raise DataError(f"{source.path}: line {number} of {table} names a picture that is not there")
        rows.append((picture, row["expression"]))
    return _complete(source, rows, table)


def _raf_db(path: Path) -> Index:
    """Read EmoLabel/list_patition_label.txt with Image/aligned, or SPLIT/1..7/PICTURE."""
    source = PictureSource(path)
    listed = next((name for name in source.names if name.endswith(RAF_DB_LIST)), None)
    if listed is None:
        return _folders(path, RAF_DB, "raf-db")
    root = listed.removesuffix(RAF_DB_LIST)
    known = set(source.names)
    by_split: dict[str, list[tuple[str, str]]] = {}
    for number, line in enumerate(source.read(listed).decode("utf-8", errors="replace").splitlines(), start=1):
        name, _, label = line.strip().partition(" ")
        split, stem = name.partition("_")[0], name.rpartition(".")[0]
        picture = next(
            (p for p in (f"{root}Image/aligned/{stem}_aligned.jpg", f"{root}Image/aligned/{name}") if p in known), None
        )
        if split not in SPLITS or label not in RAF_DB:
            raise DataError(f"{path}: line {number} of {listed} is not `train_00001.jpg 5`")
        if picture is None:
            raise DataError(f"{path}: line {number} of {listed} names {name}, which is not in {root}Image/aligned/")
        by_split.setdefault(split, []).append((picture, label))
    splits = {split: partial(_complete, source, rows, listed, RAF_DB) for split, rows in by_split.items()}
    return Index(source, "raf-db", splits)


def _complete(
    source: PictureSource, rows: Iterable[tuple[str, str]], place: str, words: Mapping[str, str] = AFFECTNET
) -> Labelled:
    """Return the rows that show one of the seven, each of which has to be there."""
    labelled = sorted((EMOTIONS.index(words[label]), name) for name, label in rows if label in words)
    missing = set(range(len(EMOTIONS))) - {label for label, _ in labelled}
    if missing:
        raise DataError(f"{source.path}: {place} has no picture of {EMOTIONS[min(missing)]}")
    return [(name, label) for label, name in labelled]


LAYOUTS: dict[str, Callable[[Path], Index]] = {
    "folders": _folders,
    "fer2013-csv": _fer2013_csv,
    "affectnet": _affectnet,
    "raf-db": _raf_db,
}
