"""The plain network of the paper's comparison: convolutions on FER2013's labels, nothing else."""

import datetime as dt
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from detection.vision.card import ModelFileError, write_fields
from detection.vision.checkpoints import checkpoint, end
from detection.vision.data import SIZE, Split, hold_out, load_split, measured_split, remembered
from detection.vision.recipe import Recipe
from detection.vision.weights import read_weights, write_weights
from emotune.emotions import EMOTIONS

Report = Callable[[str, dict[str, float]], None]
KIND = "cnn"
# Pictures that are classified at a time.
BATCH = 64


def build_plain_cnn(seed: int = 0) -> keras.Model:
    """Return a network of three convolutions: (n, 48, 48, 1) grey in 0..1 to probabilities (n, 7)."""
    keras.utils.set_random_seed(seed)
    hidden: list[Any] = []
    for width in (32, 64, 128):
        hidden += [layers.Conv2D(width, 3, activation="relu", padding="same"), layers.MaxPooling2D()]
    head = [layers.Flatten(), layers.Dropout(0.5), layers.Dense(64, activation="relu"), layers.Dropout(0.5)]
    return keras.Sequential(
        [layers.Input((SIZE, SIZE, 1)), *hidden, *head, layers.Dense(len(EMOTIONS), activation="softmax")]
    )


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of faces as they are, in an order that depends on the seed and the epoch alone."""

    def __init__(self, split: Split, batch: int, seed: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self.split, self.batch, self.seed = remembered(split), batch, seed
        self.start_epoch(0)

    def __len__(self) -> int:
        return math.ceil(len(self.split) / self.batch)

    def start_epoch(self, epoch: int) -> None:
        self.order = np.random.default_rng((self.seed, epoch)).permutation(len(self.split))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        faces = self.split.pictures(chosen).astype(np.float32) / 255
        return faces[..., None], np.eye(len(EMOTIONS), dtype=np.float32)[self.split.labels[chosen]]


def train_plain_cnn(
    data: Path,
    out: Path,
    report: Report,
    *,
    epochs: int = 20,
    batch: int = 64,
    seed: int = 7,
    layout: str | None = None,
) -> dict[str, Any]:
    """Train with adam, categorical cross-entropy and accuracy, as the paper did; write weights and card to `out`.

    Goes on from its last whole epoch when called again after a kill. `report` hears what `training.train` reports.
    Returns the card. Raises DataError.
    """
    train = load_split(data, "train", layout)
    _, known = hold_out(train, Recipe.held_out)  # nothing is held out here, but these tell the data from others
    test = load_split(data, measured_split(data, layout), layout)
    network, batches = build_plain_cnn(seed), _Batches(train, batch, seed)
    network.compile("adam", loss="categorical_crossentropy", metrics=["accuracy"])
    seen: dict[str, float] = {}

    def begin_epoch(epoch: int, _: Any) -> None:
        batches.start_epoch(epoch)
        seen["epoch"] = epoch

    def end_epoch(epoch: int, logs: dict[str, float]) -> None:
        report("epoch", {"epoch": epoch, **logs})

    settings = {"epochs": epochs, "batch": batch, "seed": seed, "train": train.fingerprint()}
    saved = checkpoint(out / "checkpoint", settings)
    progress = keras.callbacks.LambdaCallback(
        on_epoch_begin=begin_epoch,
        on_train_batch_end=lambda _, logs: report("step", {"epoch": seen["epoch"], "loss": logs["loss"]}),
        on_epoch_end=end_epoch,
    )
    report("start", {"epochs": epochs, "steps": len(batches)})
    network.fit(batches, epochs=epochs, verbose=0, shuffle=False, callbacks=[saved, progress])
    read = PlainCnn(network).classify(test.pictures(range(len(test))))
    today = dt.datetime.now(dt.UTC).date().isoformat()
    card = {
        "kind": KIND,
        "version": f"cnn-{today}",
        "data": {"name": data.name, "train": len(train), "test": len(test), "held_out_crc": known.fingerprint()},
        "training": {"epochs": epochs, "batch": batch, "seed": seed, "date": today},
        "measures": {"accuracy": float((read.argmax(axis=1) == test.labels).mean())},
    }
    _save(network, card, out)
    end(out / "checkpoint")
    return card


def _save(network: keras.Model, card: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder, network.get_weights())
    write_fields(folder, card)


class PlainCnn:
    """The trained plain network."""

    def __init__(self, network: keras.Model) -> None:
        self._network = network
        self.parameters = int(network.count_params())

    @classmethod
    def load(cls, folder: Path) -> "PlainCnn":
        """Load what `train_plain_cnn` wrote to a folder. Raises ModelFileError."""
        network = build_plain_cnn()
        weights, _ = read_weights(folder)
        try:
            network.set_weights(weights)
        except ValueError as error:
            raise ModelFileError(f"{folder}/weights.npz holds no plain network ({error}); train it again") from error
        return cls(network)

    def classify(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Return the probabilities (n, 7), in the order of EMOTIONS, of (n, 48, 48) grey faces."""
        parts = [crops[start : start + BATCH, ..., None] / np.float32(255) for start in range(0, len(crops), BATCH)]
        read = [keras.ops.convert_to_numpy(self._network(part, training=False)) for part in parts]
        return np.concatenate(read).astype(np.float64)
