"""The command that reads emotions from pictures."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from detection.vision.card import ModelFileError
from detection.vision.pictures import UnreadablePicture, decode, inspect
from detection.vision.reader import FRAME_SIDE, Reader


class Command(BaseCommand):
    help = "Read the emotion that the largest face of each picture shows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="JPEG, PNG or WebP")
        parser.add_argument("--model", type=Path, default=settings.MODEL_DIR, metavar="DIR", help="another network")
        parser.add_argument("--json", action="store_true", help="print a JSON list, and nothing else, on stdout")

    def handle(self, *, images: list[Path], model: Path, **options: Any) -> None:
        for file in images:
            _check(file)
        try:
            reader = Reader.load(model)
        except ModelFileError as error:
            raise CommandError(str(error)) from None
        # The bar is for people who wait before a terminal.
        readings = [_read(reader, file) for file in tqdm(images, unit="picture", file=sys.stderr, disable=None)]
        if options["json"]:
            self.stdout.write(json.dumps(readings, indent=1))
        else:
            for reading in readings:
                self.stdout.write(f"{reading['file']}: {_words(reading)}")
        if all(reading["status"] == "failed" for reading in readings):
            raise CommandError("Nothing could be read.")


def _check(file: Path) -> None:
    try:
        is_there, is_folder = file.is_file(), file.is_dir()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    if is_folder:
        raise CommandError(f"{file} is a folder; give pictures.")
    if not is_there:
        raise CommandError(f"{file}: there is no such file.")


def _read(reader: Reader, file: Path) -> dict[str, Any]:
    """Return what one picture shows; box and landmarks are in pixels of the picture, upright as its EXIF says."""
    start = perf_counter()
    try:
        data = file.read_bytes()
        frame = decode(data, FRAME_SIDE)
        reading = reader.read([frame]).scaled(max(inspect(data)[1:]) / max(frame.shape[:2]))
    except (OSError, UnreadablePicture) as error:
        unknown = dict.fromkeys(("emotion", "confidence", "scores", "box", "landmarks", "milliseconds"))
        return {"file": str(file), "status": "failed", **unknown, "faces": 0, "problem": str(error)}
    return {
        "file": str(file),
        "status": reading.status,
        "emotion": reading.emotion or None,
        "confidence": reading.confidence,
        "scores": reading.scores or None,
        "faces": reading.faces,
        "box": reading.box,
        "landmarks": reading.landmarks,
        "milliseconds": round(1000 * (perf_counter() - start), 1),
    }


def _words(reading: dict[str, Any]) -> str:
    if reading["status"] == "failed":
        return str(reading["problem"])
    if reading["status"] == "no_face":
        return "no face found"
    doubt = ", not sure" if reading["status"] == "unsure" else ""
    others = f", the largest of {reading['faces']} faces" if reading["faces"] > 1 else ""
    return f"{reading['emotion']} ({reading['confidence']:.0%}{doubt}{others})"
