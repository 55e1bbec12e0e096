"""What lets a training that was killed go on: its last whole epoch, and the settings that belong to it."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras

from detection.vision.data import DataError

METADATA = "training_metadata.json"


def checkpoint(folder: Path, settings: dict[str, Any]) -> keras.callbacks.BackupAndRestore:
    """Return the callback that keeps each whole epoch in `folder`, and goes on from the one that lies there.

    Keep it until what was trained is written: `end` removes it. Raises DataError where the epoch that lies there is
    of a training with other settings.
    """
    note = folder / "settings.json"
    told = json.dumps(settings, sort_keys=True)
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = note.with_suffix(".part")
        part.write_text(told, encoding="utf-8")
        part.replace(note)
    elif note.read_text(encoding="utf-8") != told:
        raise DataError(f"{folder}: an unfinished training with other settings or data; use them, or remove the folder")
    _mend(folder)
    return keras.callbacks.BackupAndRestore(str(folder), double_checkpoint=True, delete_checkpoint=False)


def _mend(folder: Path) -> None:
    """Take the number of the epoch before where a kill has cut off the last one, which Keras writes in place."""
    metadata, before = folder / METADATA, folder / f"{METADATA}.bkp"
    with suppress(FileNotFoundError):
        try:
            json.loads(metadata.read_text(encoding="utf-8"))
        except ValueError:
            metadata.unlink()
            if before.exists():
                before.replace(metadata)


def end(folder: Path) -> None:
    """Remove a checkpoint in one step: what is left of a folder that was removed in part would begin anew."""
    gone = folder.with_name(f"{folder.name}-over")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone)
