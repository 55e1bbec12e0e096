"""Train the emotion network: targets, schedule, checkpoints, calibration and the model card."""

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import numpy.typing as npt

from detection.vision.augmentation import augment
from detection.vision.card import HEADS, Architecture, Card, probabilities
from detection.vision.data import DataError, Split, hold_out, load_split, measured_split
from detection.vision.evaluation import choose_threshold, fit_temperature, measure_heads
from detection.vision.network import build_network, load_network, save_network
from detection.vision.twins import without_twins
from emotune.emotions import EMOTIONS

Report = Callable[[str, dict[str, float]], None]


@dataclass(frozen=True)
class Recipe:
    """The settings of one training run; the defaults are those of the published weights.

    `label_votes` is the share of FER+'s votes in the target of the `labels` head, whose rest is FER2013's own label.
    `held_out` is the share of the training pictures kept for temperature, threshold and choosing. `average` is the
    momentum of the exponential average of the weights, which is what a training ends with. `rare` bounds how much more
    a picture of a rare emotion counts for the `labels` head than one of a common emotion.
    """

    epochs: int = 40
    batch: int = 96
    rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: float = 0.06
    label_votes: float = 0.25
    smoothing: float = 0.05
    held_out: float = 0.05
    average: float = 0.999
    rare: float = 3.0
    seed: int = 7
    mixed_precision: bool = True


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of augmented faces, decoded in the background; what epoch e shows depends on the seed and e alone."""

    def __init__(self, split: Split, recipe: Recipe) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self.split, self.recipe, self.epoch = split, recipe, 0
        self.targets = make_targets(split, recipe)
        self.weights = make_weights(split, self.targets, recipe)
        self.order = np.arange(len(split))

    def __len__(self) -> int:
        return len(self.split) // self.recipe.batch

    def start_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.order = np.random.default_rng((self.recipe.seed, epoch)).permutation(len(self.split))

    def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
        chosen = self.order[index * self.recipe.batch : (index + 1) * self.recipe.batch]
        rng = np.random.default_rng((self.recipe.seed, self.epoch, index))
        faces = augment(np.divide(self.split.pictures(chosen), 255, dtype=np.float32), rng)
        targets = {head: self.targets[head][chosen] for head in HEADS}
        weights = {head: self.weights[head][chosen] for head in HEADS}
        return faces[..., None], targets, weights


def make_targets(split: Split, recipe: Recipe) -> dict[str, npt.NDArray[np.float32]]:
    """Return (n, 7) target shares by head; a row of zeros in `crowd` means that FER+ has no vote for the picture."""
    one_hot = np.eye(len(EMOTIONS), dtype=np.float32)[split.labels]
    voted = np.isfinite(split.votes).all(axis=1, keepdims=True)
    votes = np.where(voted, split.votes, one_hot)
    labels = (1 - recipe.label_votes) * one_hot + recipe.label_votes * votes
    labels = (1 - recipe.smoothing) * labels + recipe.smoothing / len(EMOTIONS)
    return {"labels": labels.astype(np.float32), "crowd": np.where(voted, votes, 0).astype(np.float32)}


def make_weights(
    split: Split, targets: dict[str, npt.NDArray[np.float32]], recipe: Recipe
) -> dict[str, npt.NDArray[np.float32]]:
    """Return (n,) weights in the loss by head: none without a target, and more for the `labels` of rare emotions.

    An emotion's weight is the square root of how many times rarer than the mean emotion it is, from 1 to `rare`.
    """
    counts = np.bincount(split.labels, minlength=len(EMOTIONS))
    rarity = np.clip(np.sqrt(counts.mean() / np.maximum(counts, 1)), 1, max(1, recipe.rare))
    seen = {head: (targets[head].sum(axis=1) > 0).astype(np.float32) for head in HEADS}
    return {**seen, "labels": (seen["labels"] * rarity[split.labels]).astype(np.float32)}


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Tell `report` how far the training is, and give the batches their epoch."""

    def __init__(self, batches: Batches, held: Split, report: Report) -> None:
        super().__init__()
        self.batches, self.held, self.report = batches, held, report

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        self.batches.start_epoch(epoch)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        self.report("step", {"epoch": self.batches.epoch, "loss": float((logs or {}).get("loss", np.nan))})

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logits = predict(self.model, self.held)
        right = {head: float((logits[head].argmax(axis=1) == self.held.labels).mean()) for head in HEADS}
        self.report("epoch", {"epoch": epoch, "loss": float((logs or {}).get("loss", np.nan)), **right})


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    architecture: Architecture,
    report: Report,
    *,
    start: Path | None = None,
    layout: str | None = None,
) -> Card:
    """Train on the `train` split of `data`, measure on its `public_test` or `test`, write weights and card to `out`.

    `layout` names how the data lie, where that is not plain (see layouts.find_layout). On Keras' JAX backend every
    batch is divided among all accelerators of the machine.

    `start` is the folder of an earlier training whose weights (and architecture) this one goes on from.

    A training that was killed goes on from its last whole epoch when called again with the same `out` (its state lies
    in `out`/checkpoint until the end). `report` hears "start", then "step" for every batch and "epoch". Raises
    DataError where data are bad (`check_pictures` finds that out before the first step) and where `out` holds an
    unfinished training with other settings.
    """
    kept, held = hold_out(load_split(data, "train", layout), recipe.held_out, recipe.seed)
    test = load_split(data, measured_split(data, layout), layout)
    use_all_accelerators(recipe.batch)
    earlier = load_network(start) if start else None
    if earlier:
        architecture = earlier[1].architecture
    checkpoint = _checkpoint(out / "checkpoint", recipe, architecture)
    if recipe.mixed_precision:
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = build_network(architecture, recipe.seed)
    finally:
        keras.config.set_dtype_policy("float32")
    if earlier:
        network.set_weights(earlier[0].get_weights())
    batches = Batches(kept, recipe)
    report("start", {"epochs": recipe.epochs, "steps": len(batches)})
    compile_network(network, recipe, steps=recipe.epochs * len(batches))
    network.fit(batches, epochs=recipe.epochs, verbose=0, callbacks=[checkpoint, Progress(batches, held, report)])
    served = build_network(architecture, recipe.seed)
    served.set_weights(network.get_weights())
    card = make_card(served, architecture, recipe, without_twins(held, kept), test)
    card = replace(card, data={"name": data.name, "train": len(kept), "held_out": len(held), "test": len(test)})
    if earlier:
        card = replace(card, training={**card.training, "start": earlier[1].training})
    save_network(served, card, out)
    shutil.rmtree(out / "checkpoint")
    return card


def use_all_accelerators(batch: int) -> None:
    """Divide every batch among the accelerators of this machine by Keras' distribution API, on the JAX backend.

    Weights are kept whole on each, and gradients summed. Keras offers this on JAX alone: TensorFlow and PyTorch train
    on one accelerator. Raises DataError where the pictures of a batch cannot be divided evenly.
    """
    if keras.backend.backend() != "jax" or (devices := len(keras.distribution.list_devices())) < 2:
        return
    if batch % devices:
        raise DataError(f"batches of {batch} cannot be divided among {devices} accelerators; give a --batch that can")
    keras.distribution.set_distribution(keras.distribution.DataParallel())


def _checkpoint(folder: Path, recipe: Recipe, architecture: Architecture) -> keras.callbacks.BackupAndRestore:
    settings = json.dumps({"recipe": asdict(recipe), "architecture": asdict(architecture)}, sort_keys=True)
    note = folder / "settings.json"
    if note.exists() and note.read_text(encoding="utf-8") != settings:
        raise DataError(f"{folder}: an unfinished training with other settings; use them, or remove the folder")
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(settings, encoding="utf-8")
    return keras.callbacks.BackupAndRestore(str(folder), double_checkpoint=True, delete_checkpoint=False)


def compile_network(network: keras.Model, recipe: Recipe, steps: int) -> None:
    warmup = max(1, int(steps * recipe.warmup))
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.rate / 50,
        decay_steps=max(1, steps - warmup),
        warmup_target=recipe.rate,
        warmup_steps=warmup,
        alpha=1e-3,
    )
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=recipe.weight_decay, clipnorm=5.0, use_ema=recipe.average > 0, ema_momentum=recipe.average
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    losses = {head: keras.losses.CategoricalCrossentropy(from_logits=True) for head in HEADS}
    network.compile(optimizer, loss=losses, loss_weights=dict.fromkeys(HEADS, 0.5))


def predict(network: keras.Model, split: Split, batch: int = 256) -> dict[str, npt.NDArray[np.float32]]:
    """Return the logits by head, each (n, 7), of a whole split; nothing is augmented."""
    parts: list[dict[str, npt.NDArray[np.float32]]] = []
    for start in range(0, len(split), batch):
        faces = split.pictures(range(start, min(start + batch, len(split)))).astype(np.float32) / 255
        parts.append({k: keras.ops.convert_to_numpy(v) for k, v in network(faces[..., None], training=False).items()})
    return {head: np.concatenate([part[head] for part in parts]) for head in HEADS}


def make_card(network: keras.Model, architecture: Architecture, recipe: Recipe, held: Split, test: Split) -> Card:
    """Calibrate on the held-out pictures, measure on the test and write both down.

    A head's temperature is fitted to the truth that it answers for: FER2013's own label, and the majority of the
    votes. `held` should be without twins of what was trained on.
    """
    today = dt.datetime.now(dt.UTC).date().isoformat()
    logits = predict(network, held)
    targets = make_targets(held, replace(recipe, label_votes=0, smoothing=0))
    voted = targets["crowd"].sum(axis=1) > 0
    seen = np.where(voted[:, None], targets["crowd"], targets["labels"])
    majority = np.eye(len(EMOTIONS))[seen.argmax(axis=1)]
    truth = {"labels": targets["labels"].astype(np.float64), "crowd": majority}
    card = Card(
        version=f"emotune-{today}",
        architecture=architecture,
        temperature={head: fit_temperature(logits[head], truth[head]) for head in HEADS},
    )
    return replace(
        card,
        unsure_below=round(choose_threshold(probabilities(logits, card), seen), 3),
        training={**asdict(recipe), "parameters": int(network.count_params()), "date": today},
        measures=measure_heads(predict(network, test), test, card),
    )
