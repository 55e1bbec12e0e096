"""What lets a training that was killed go on: its last whole epoch, and the settings that belong to it."""

import json
import math
import os
import shutil
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras

from detection.vision.card import write_whole
from detection.vision.data import DataError

# What Keras and HDF5 raise on files that were cut off or in which bits are wrong.
DAMAGED = (OSError, RuntimeError, ValueError, KeyError)


class Backup(keras.callbacks.BackupAndRestore):  # type: ignore[misc]
    """Keras' own, which writes the last epoch in place and looks for the one before only where that cannot be opened.

    This one puts files there when they are whole, and goes on from the epoch before whatever is wrong with the last
    one. Raises DataError where neither can be read.
    """

    def __init__(self, folder: str, every: float = 0) -> None:
        super().__init__(folder, delete_checkpoint=False)
        self.every, self._kept = every, -math.inf

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        try:
            self._load_model()
        except DAMAGED:
            self._load_before()

    def _load_before(self) -> None:
        try:
            for before, last in self._files():
                if before.exists():
                    shutil.copyfile(before, last)
            self._load_model()
        except DAMAGED as error:
            reason = str(error).strip().partition("\n")[0]
            said = f"neither its last epoch nor one before can be read ({reason})"
            raise DataError(f"{self.backup_dir}: {said}; remove the folder to begin anew") from None

    def _save_model(self) -> None:
        if time.monotonic() < self._kept + self.every:
            return
        for before, last in self._files():
            if last.exists():
                shutil.copyfile(last, before)
        (_, weights), (_, metadata) = self._files()
        whole = weights.with_name("part.weights.h5")  # Keras wants this ending
        self.model.save_weights(whole)
        whole.replace(weights)
        write_whole(metadata, json.dumps({"epoch": self._current_epoch, "batch": self._last_batch_seen}))
        self._kept = time.monotonic()

    def _files(self) -> list[tuple[Path, Path]]:
        """Return the files of the epoch before, each with that of the last one: weights, then the epoch's number."""
        last = (Path(self._weights_path), Path(self._training_metadata_path))
        return [(file.with_name(f"{file.name}.bkp"), file) for file in last]


def checkpoint(folder: Path, settings: dict[str, Any], every: float = 0) -> Backup:
    """Return the callback that keeps each whole epoch in `folder`, and goes on from the one that lies there.

    Within `every` seconds of the last one that it kept it keeps none.
    Keep it until what was trained is written: `end` removes it. Raises DataError where the epoch that lies there is
    of a training with other settings.
    """
    note = folder / "settings.json"
    told = json.dumps(settings, sort_keys=True)
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(note, told)
    elif note.read_text(encoding="utf-8") != told:
        raise DataError(f"{folder}: an unfinished training with other settings or data; use them, or remove the folder")
    return Backup(str(folder), every)


def end(folder: Path) -> None:
    """Remove a checkpoint in one step: what is left of a folder that was removed in part would begin anew."""
    gone = folder.with_name(f"{folder.name}-over")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone)
