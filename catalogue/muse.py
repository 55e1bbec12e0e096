"""Read any release of MuSe row by row: every row comes out verified, or as a reject with its line and reason."""

import ast
import csv
import io
import json
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from catalogue.keys import LinesByKey
from catalogue.records import Broken, Plain, Record, Records, UnreadableFile, open_file

# Akiki and Burghardt, "MuSe: The Musical Sentiment Dataset": the columns of the third release, and of an earlier one.
V3_COLUMNS = (
    "lastfm_url", "track", "artist", "seeds", "number_of_emotion_tags", "valence_tags", "arousal_tags",
    "dominance_tags", "mbid", "spotify_id", "genre",
)  # fmt: skip
EARLIER_COLUMNS = ("id", "track", "artist", "valence_tags", "arousal_tags", "dominance_tags", "mbid", "spotify_id")

# The norms behind MuSe rate words from 1 to 9, yet its published tracks go down to 0.11 (and up to 8.48).
LOWEST, HIGHEST = 0.0, 9.0
MAX_URL, MAX_NAME, MAX_GENRE, MAX_SEEDS = 600, 500, 200, 4000

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# pandas writes whole numbers as 3.0 where others of the column are missing.
COUNT = re.compile(r"(\d{1,6})(\.0)?", re.ASCII)
SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
MBID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
URL = re.compile(r"https?://[^\s/?#]\S*")
EARLIER_ID = re.compile(r"[!-~]{1,100}")
# What no text may hold: control characters (a database may refuse NUL) and bytes that were not UTF-8.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

# Most lines are as pandas writes them, and one pattern over all of their fields says so: what it matches would come out
# of the verification of its fields as it went in. No such line is longer than any of its texts may be.
LONGEST_PLAIN = 480
# What neither is white space to str.split() nor refused; naming it takes the engine a third less time than \s.
_INVISIBLE = r"\x00-\x20\x7f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff"
_VISIBLE = rf'[^",{_INVISIBLE}]'
_QUOTED = rf'(?:[^"{_INVISIBLE}]|"")'
_WORDS = rf'(?:{_VISIBLE}++(?: {_VISIBLE}++)*+|"{_QUOTED}++(?: {_QUOTED}++)*+")'
_MOOD = r"'[0-9A-Za-z][0-9A-Za-z &/-]*+'"
_NUMBER = r"[0-8](?:\.[0-9]{1,20})?"
PLAIN = re.compile(
    rf"^(?!.{{{LONGEST_PLAIN}}})"
    + ",".join((
        rf"(https?://(?![/?#]){_VISIBLE}++)", _WORDS, _WORDS,
        rf'(?:\[(?:{_MOOD})?\]|"\[{_MOOD}(?:, {_MOOD})*+\]")', r"(?:[0-9]{1,6}(?:\.0)?)?",
        _NUMBER, _NUMBER, _NUMBER,
        r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?", r"(?:[0-9A-Za-z]{22})?",
        rf"(?:{_VISIBLE}{{1,39}}+(?: {_VISIBLE}{{1,39}}+){{0,4}})?",
    ))
    + r"\r?\n",
    re.MULTILINE,
)  # fmt: skip

# Told every thousand rows and at the end: how many rows were read, and the share of the file that was (0 to 1).
Progress = Callable[[int, float], None]


class MuseTrack(NamedTuple):
    """One verified row. `key` tells the track from all others; what the row or its release leaves out is empty.

    A named tuple because a file makes ninety thousand of them: a frozen dataclass takes five times as long.
    """

    line: int
    key: str
    title: str
    artist: str
    valence: float
    arousal: float
    dominance: float
    genre: str
    seeds: tuple[str, ...]
    tag_count: int | None
    lastfm_url: str
    mbid: str
    spotify_id: str


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that is not taken: the line where it begins, why, and its title as far as that can be told."""

    line: int
    reason: str
    title: str


class _Defect(Exception):
    """Why a row is not taken."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Some rows of a file: `taken`, verified, are lines of CSV with the fields of the third release in their order, of
    which `lastfm_url` holds the key; `rejects` are the others."""

    taken: list[str]
    rejects: list[Reject]


def read_muse(path: Path, progress: Progress | None = None) -> Iterator[MuseTrack | Reject]:
    """Yield every row of a MuSe file (CSV, gzip or zip; UTF-8) in its order; blank lines are no rows.

    Valence, arousal and dominance are numbers from 0 to 9. A row whose key an earlier verified row had is a Reject.
    Memory is constant but for 12 bytes a row, and 100 for each of the latest 130,000. Raises UnreadableFile,
    possibly after rows were yielded, when the file is empty, not MuSe's, damaged, cut off, or unpacks out of all
    proportion.
    """
    with open_file(path) as file:
        records = iter(Records(file.text))
        columns = _columns(next(records, None))
        seen = LinesByKey()
        rows = 0
        for rows, record in enumerate(records, start=1):
            if not isinstance(record, Plain):  # none is asked for
                yield _verify(record, columns, seen)
            if progress and rows % 1000 == 0:
                progress(rows, file.share)
        if progress:
            progress(rows, 1.0)


def read_lines(path: Path, progress: Progress | None = None) -> Iterator[Lines]:
    """Yield every row that `read_muse` yields, and raise what it raises, without taking plain lines apart."""
    with open_file(path) as file:
        records = Records(file.text)
        parts = iter(records)
        columns = _columns(next(parts, None))
        if tuple(columns) == V3_COLUMNS:
            records.plain = PLAIN
        seen = LinesByKey()
        rows = told = 0
        for part in parts:
            lines = _taken(part, columns, seen)
            rows += len(lines.taken) + len(lines.rejects)
            yield lines
            if progress and rows // 1000 > told:
                told = rows // 1000
                progress(rows, file.share)
        if progress:
            progress(rows, 1.0)


def _taken(part: Record | Broken | Plain, columns: list[str], seen: LinesByKey) -> Lines:
    if isinstance(part, Plain) and seen.add_all(part.groups, part.line):
        return Lines(part.lines, [])
    records: list[Record | Broken] = [part] if not isinstance(part, Plain) else [
        Record(line, fields) for line, fields in enumerate(csv.reader(part.lines), start=part.line)
    ]  # fmt: skip
    rows = [_verify(record, columns, seen) for record in records]
    return Lines(
        [_line(row) for row in rows if isinstance(row, MuseTrack)], [row for row in rows if isinstance(row, Reject)]
    )


def _line(track: MuseTrack) -> str:
    """Return a verified row as a line; its seeds as JSON, which is Python's list but for the quotation marks."""
    seeds = json.dumps(track.seeds)
    csv.writer(line := io.StringIO(), lineterminator="\n").writerow((
        track.key, track.title, track.artist, seeds, track.tag_count, track.valence, track.arousal, track.dominance,
        track.mbid, track.spotify_id, track.genre,
    ))  # fmt: skip
    return line.getvalue()


def _columns(header: Record | Broken | Plain | None) -> list[str]:
    if header is None:
        raise UnreadableFile("The file is empty.")
    columns = [name.strip() for name in header.fields] if isinstance(header, Record) else []
    if sorted(columns) in (sorted(V3_COLUMNS), sorted(EARLIER_COLUMNS)):
        return columns
    expected = EARLIER_COLUMNS if "id" in columns else V3_COLUMNS
    missing = [name for name in expected if name not in columns]
    wrong = [f"{name} is missing" for name in missing]
    wrong += [f"{name[:40]!r} is not known" for name in columns if name not in expected]
    if len(missing) == len(expected):
        wrong = [f"its first line must name the columns {', '.join(expected)}"]
    raise UnreadableFile(f"This is not MuSe: {'; '.join(wrong[:12]) or 'a column stands twice'}.")


def _verify(record: Record | Broken, columns: list[str], seen: LinesByKey) -> MuseTrack | Reject:
    if isinstance(record, Broken):
        return Reject(record.line, record.reason, "")
    row = {name: field.strip() for name, field in zip(columns, record.fields, strict=False)}
    title = FORBIDDEN.sub("\ufffd", row.get("track", ""))[:MAX_NAME]
    if len(record.fields) != len(columns):
        return Reject(record.line, f"{len(record.fields)} fields instead of {len(columns)}", title)
    try:
        track = _track(record.line, row)
    except _Defect as defect:
        return Reject(record.line, str(defect), title)
    if earlier := seen.add(track.key, record.line):
        return Reject(record.line, f"same {'lastfm_url' if 'lastfm_url' in row else 'id'} as line {earlier}", title)
    return track


def _track(line: int, row: dict[str, str]) -> MuseTrack:
    if FORBIDDEN.search("\n".join(row.values())):
        name = next(name for name in row if FORBIDDEN.search(row[name]))
        raise _Defect(f"{name} holds a control character or is not UTF-8")
    if "lastfm_url" in row:
        key = url = _matching(row, "lastfm_url", URL, MAX_URL, "an http(s) address")
    else:
        key, url = "muse:" + _matching(row, "id", EARLIER_ID, 100, "a word"), ""
    return MuseTrack(
        line,
        key,
        title=_text(row, "track", MAX_NAME),
        artist=_text(row, "artist", MAX_NAME),
        valence=_number(row, "valence_tags"),
        arousal=_number(row, "arousal_tags"),
        dominance=_number(row, "dominance_tags"),
        genre=_text(row, "genre", MAX_GENRE) if row.get("genre") else "",
        seeds=_seeds(row["seeds"]) if "seeds" in row else (),
        tag_count=_count(row["number_of_emotion_tags"]) if row.get("number_of_emotion_tags") else None,
        lastfm_url=url,
        mbid=_matching(row, "mbid", MBID, 36, "a MusicBrainz id").lower() if row["mbid"] else "",
        spotify_id=_matching(row, "spotify_id", SPOTIFY_ID, 22, "22 letters and digits") if row["spotify_id"] else "",
    )


def _text(row: dict[str, str], name: str, longest: int) -> str:
    value = " ".join(row[name].split())
    if not value:
        raise _Defect(f"{name} is empty")
    if len(value) > longest:
        raise _Defect(f"{name} is longer than {longest} characters")
    return value


def _matching(row: dict[str, str], name: str, pattern: re.Pattern[str], longest: int, what: str) -> str:
    value = row[name]
    if not value:
        raise _Defect(f"{name} is empty")
    if not pattern.fullmatch(value) or len(value) > longest:
        raise _Defect(f"{name} is not {what}: {value[:60]!r}")
    return value


def _number(row: dict[str, str], name: str) -> float:
    text = row[name]
    if not text:
        raise _Defect(f"{name} is empty")
    if not NUMBER.fullmatch(text):
        raise _Defect(f"{name} is not a number: {text[:60]!r}")
    value = float(text)
    if not LOWEST <= value <= HIGHEST:
        raise _Defect(f"{name} is {text[:60]}, outside {LOWEST:g} to {HIGHEST:g}")
    return value


def _count(text: str) -> int:
    if not (match := COUNT.fullmatch(text)):
        raise _Defect(f"number_of_emotion_tags is not a whole number: {text[:60]!r}")
    return int(match[1])


@lru_cache(maxsize=4096)
def _seeds(text: str) -> tuple[str, ...]:
    """Read a Python list of words, such as "['calm', 'sad']", without running it."""
    try:
        with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
            words = ast.literal_eval(text) if len(text) <= MAX_SEEDS else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) and word.isprintable() for word in words):
        raise _Defect(f"seeds is not a list of words: {text[:60]!r}")
    return tuple(words)
