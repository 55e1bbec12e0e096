"""Recording the demonstration: its audio files below AUDIO_ROOT and its rows in the catalogue."""

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import soundfile
from django.conf import settings
from django.db import transaction

from catalogue.composition import compose
from catalogue.demo import GENERATOR, Piece, pieces
from catalogue.models import Track
from catalogue.muse import Progress
from catalogue.synthesis import SAMPLE_RATE, synthesize
from emotune.errors import Unavailable

FOLDER = "demo"
FIELDS = (
    "origin", "title", "artist", "genre", "valence", "arousal", "dominance", "emotion", "distance", "audio",
)  # fmt: skip
# NumPy and the encoder let other threads run while they compute.
THREADS = min(4, os.cpu_count() or 1)
FORSAKEN_AFTER = 3600


@dataclass(frozen=True)
class DemoResult:
    """What loading the demonstration did: tracks it consists of, audio files that had to be made."""

    tracks: int
    written: int
    seconds: float


def load_demo(*, progress: Progress | None = None) -> DemoResult:
    """Make what is missing of the demonstration, files first, so that a row never names a file that was not there.

    Files of this generator are kept, others of the demonstration are removed. Raises Unavailable when AUDIO_ROOT cannot
    be written.
    """
    begin = time.perf_counter()
    folder = settings.AUDIO_ROOT / FOLDER
    wanted = {folder / file_name(piece): piece for piece in pieces()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = {file: piece for file, piece in wanted.items() if not file.is_file()}
        record_all(missing, progress)
    except OSError as error:
        raise Unavailable(
            f"The demonstration cannot be written to {folder}: {error.strerror or error}. Make the folder writable, or"
            " set EMOTUNE_AUDIO to one that is."
        ) from error
    save_rows(tuple(wanted.values()))
    remove_leftovers(folder, keep=set(wanted))
    return DemoResult(len(wanted), len(missing), time.perf_counter() - begin)


def file_name(piece: Piece) -> str:
    return f"{piece.name}.v{GENERATOR}.mp3"


def record_all(missing: dict[Path, Piece], progress: Progress | None) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        for done, _ in enumerate(threads.map(record, missing.values(), missing), start=1):
            if progress:
                progress(done, done / len(missing))


def record(piece: Piece, file: Path) -> None:
    """Play a piece into a file, which appears when it is complete."""
    encoded = io.BytesIO()
    soundfile.write(
        encoded,
        synthesize(compose(piece)),
        SAMPLE_RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="VARIABLE",
        compression_level=0.6,
    )
    # Two processes that load at the same time must not write into the same part.
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        part.write_bytes(encoded.getvalue())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def save_rows(demonstration: tuple[Piece, ...]) -> None:
    """Bring the rows up to date; rows that are as they should be are not touched."""
    rows = [row_of(piece) for piece in demonstration]
    with transaction.atomic():
        present = {track.key: track for track in Track.objects.filter(key__in=[row.key for row in rows])}
        stale = [row for row in rows if row.key not in present or differs(row, present[row.key])]
        Track.objects.bulk_create(stale, update_conflicts=True, unique_fields=["key"], update_fields=FIELDS)


def differs(row: Track, other: Track) -> bool:
    return any(getattr(row, field) != getattr(other, field) for field in FIELDS)


def row_of(piece: Piece) -> Track:
    valence, arousal, dominance = piece.point
    return Track(
        key=f"demo:{piece.name}",
        origin=Track.Origin.DEMO,
        title=piece.title,
        artist="emotune demonstration",
        genre="generated",
        valence=valence,
        arousal=arousal,
        dominance=dominance,
        emotion=piece.emotion,
        distance=piece.distance,
        audio=f"{FOLDER}/{file_name(piece)}",
    )


def remove_leftovers(folder: Path, *, keep: set[Path]) -> None:
    """Remove files of earlier generators, and parts that a killed process left; what cannot be removed stays."""
    forsaken = time.time() - FORSAKEN_AFTER
    for file in folder.glob("*-[0-9][0-9].v*.mp3*"):
        is_old = file.suffix == ".mp3" and file not in keep
        try:
            if is_old or (file.suffix == ".part" and file.stat().st_mtime < forsaken):
                file.unlink(missing_ok=True)
        except OSError:
            continue
