"""Train the emotion network: targets, schedule, checkpoints, calibration and the model card."""

import datetime as dt
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

from detection.vision.batches import Batches
from detection.vision.calibration import settle
from detection.vision.card import HEADS, Architecture, Card, load_card, softmax
from detection.vision.checkpoints import checkpoint, end
from detection.vision.classroom import Classroom
from detection.vision.data import DataError, Split, hold_out, load_split, measured_split
from detection.vision.evaluation import measure_truths
from detection.vision.facenet import read_facenet
from detection.vision.network import build_network, grow, load_network, predict, save_network
from detection.vision.normalization import renew_statistics
from detection.vision.recipe import Recipe
from detection.vision.teachers import Shares, fingerprint, lesson
from detection.vision.twins import strangers

Report = Callable[[str, dict[str, float]], None]
# Batches from which a trained network's normalizations take their means and variances.
STATISTICS = 40
# The loss is looked at once in so many steps.
LOOK = 8
# A training on an accelerator keeps an epoch at most every so many seconds: one takes little longer than keeping it.
KEEP_EVERY = 30.0


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Tell `report` how far the training is, and give the batches their epoch."""

    def __init__(self, batches: Batches, held: Split, report: Report) -> None:
        super().__init__()
        self.batches, self.held, self.report, self.loss = batches, held, report, np.nan

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        self.batches.start_epoch(epoch)
        if isinstance(self.model, Classroom):
            self.model.start_epoch(epoch)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if batch % LOOK == 0:  # an accelerator that is asked for a loss has nothing to do until the next step
            self.loss = float((logs or {}).get("loss", np.nan))
        self.report("step", {"epoch": self.batches.epoch, "loss": self.loss})

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logits = predict(self.model, self.held.pictures(range(len(self.held))))
        right = {head: float((logits[head].argmax(axis=1) == self.held.labels).mean()) for head in HEADS}
        self.report("epoch", {"epoch": epoch, "loss": float((logs or {}).get("loss", np.nan)), **right})


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    architecture: Architecture | None,
    report: Report,
    *,
    start: Path | None = None,
    teachers: Sequence[Path] = (),
    layout: str | None = None,
) -> Card:
    """Train on the `train` split of `data`, measure on its `public_test` or `test`, write weights and card to `out`.

    `layout` names how the data lie, where that is not plain (see layouts.find_layout). On Keras' JAX backend every
    batch is divided among all accelerators of the machine.

    `start` is the folder of an earlier training whose weights this one goes on from, with its architecture if none is
    given, or with one of more blocks (see network.grow). A network with FaceNet's trunk begins with the file of its
    weights (see facenet.read_facenet); it is a teacher, which is measured and not fitted. `teachers` are folders of
    networks whose answers are mixed into the targets (see teachers.lesson; kept in `out`/lesson.npz), or with the
    recipe's `on_device` are asked in each step (see Classroom). What is served has a share of the `crowd` head where
    votes or teachers taught it.

    A training that was killed goes on from its last whole epoch when called again with the same `out` (its state lies
    in `out`/checkpoint until the end). `report` hears "lesson" while teachers read, "start", then "step" for every
    batch and "epoch". Raises DataError where data are bad (`check_pictures` finds that out before the first step),
    where `start` or a teacher learned from pictures that are held out now, and where `out` holds an unfinished training
    with other settings.
    """
    kept, held = hold_out(load_split(data, "train", layout), recipe.held_out)
    test = load_split(data, measured_split(data, layout), layout)
    _check_earlier([*([start] if start and start.is_dir() else []), *teachers], data, kept, held)
    use_all_accelerators(recipe.batch)
    network, architecture, origin = _beginning(recipe, architecture, start, kept)
    if len(kept) < recipe.batch:
        raise DataError(f"{data}: {len(kept)} pictures to train on make no batch of {recipe.batch}; give a smaller one")
    settings = _settings(recipe, architecture, teachers, start, kept)
    saved = checkpoint(out / "checkpoint", settings, every=KEEP_EVERY if recipe.on_device else 0)
    lessons = _lesson(teachers, kept, out, recipe, report) if teachers and not recipe.on_device else None
    batches = Batches(kept, recipe, lessons)
    report("start", {"epochs": recipe.epochs, "steps": len(batches)})
    trained = _classroom(network, teachers, recipe) if recipe.on_device else network
    compile_network(trained, recipe, steps=recipe.epochs * len(batches))
    progress = Progress(batches, held, report)
    # batches are in an order of their own, which Keras would change by a number that is not the recipe's
    trained.fit(batches, epochs=recipe.epochs, verbose=0, shuffle=False, callbacks=[saved, progress])
    served = _served(network, architecture, batches, recipe)
    origin |= {"teachers": [load_card(folder).version for folder in teachers]} if teachers else {}
    origin["parameters"] = int(served.count_params())
    sizes = {"name": data.name, "train": len(kept), "held_out": len(held), "test": len(test)}
    sizes["held_out_crc"] = held.fingerprint()
    card = _untried(architecture, recipe, origin, sizes)
    if not _crowd_is_taught(kept, teachers):
        card = replace(card, blend=0.0)
    if architecture.trunk == "residual":
        with TemporaryDirectory(prefix="untried-", dir=out) as made:  # a worker may look into `out` at any time
            save_network(served, card, Path(made))
            card = settle(Path(made), kept, held, test, out)
    else:
        card = replace(card, measures=_measured(served, test, kept))
        save_network(served, card, out)
    end(out / "checkpoint")
    (out / "lesson.npz").unlink(missing_ok=True)
    return card


def _check_earlier(folders: Sequence[Path], data: Path, kept: Split, held: Split) -> None:
    """Raise DataError where a network was trained on as many pictures, of which it kept others back than `held`.

    What is held out is drawn by the places of the pictures, so the same ones in another order are others.
    """
    for folder in folders:
        told = load_card(folder).data
        count, crc = told.get("train", 0) + told.get("held_out", 0), told.get("held_out_crc", held.fingerprint())
        if count == len(kept) + len(held) and crc != held.fingerprint():
            said = f"{folder} learned from pictures that are held out now"
            raise DataError(f"{data}: {said}; give the data as they lay for its training")


def _crowd_is_taught(kept: Split, teachers: Sequence[Path]) -> bool:
    """Whether anything teaches the crowd's head: votes, or teachers who have all learned from some."""
    by_teachers = bool(teachers) and all(load_card(folder).blend > 0 for folder in teachers)
    return by_teachers or bool(np.isfinite(kept.votes).any())


def _classroom(network: keras.Model, teachers: Sequence[Path], recipe: Recipe) -> Classroom:
    return Classroom(network, [load_network(folder, mixed=recipe.mixed_precision)[0] for folder in teachers], recipe)


def _lesson(teachers: Sequence[Path], kept: Split, out: Path, recipe: Recipe, report: Report) -> Shares:
    def read(count: int) -> None:
        report("lesson", {"read": count})

    return lesson(teachers, kept, out / "lesson.npz", read, mixed=recipe.mixed_precision)


def _beginning(
    recipe: Recipe, architecture: Architecture | None, start: Path | None, kept: Split
) -> tuple[keras.Model, Architecture, dict[str, Any]]:
    """Return the network to train with its architecture, and what the card shall tell of where it comes from."""
    if architecture and architecture.trunk == "facenet" and (start is None or not start.is_dir()):
        origin = {"start": {"weights": start.name if start else ""}}
        return _pretrained(recipe, architecture, start, kept), architecture, origin
    if start is None:
        architecture = architecture or Architecture()
        return build_network(architecture, recipe.seed, mixed=recipe.mixed_precision), architecture, {}
    earlier, card = load_network(start)
    architecture = architecture or card.architecture
    network = build_network(architecture, recipe.seed, mixed=recipe.mixed_precision)
    try:
        grow(network, earlier)
    except ValueError as error:
        raise DataError(f"{start}: a network of that size cannot go on from it ({error}); leave --size out") from None
    return network, architecture, {"start": card.training}


def _pretrained(recipe: Recipe, architecture: Architecture, file: Path | None, kept: Split) -> keras.Model:
    """Return a network with FaceNet's trunk that begins with a file of its weights."""
    if file is None:
        raise DataError("a network of that size begins with weights that are no part of emotune; name them as --start")
    network = build_network(architecture, recipe.seed, mixed=recipe.mixed_precision)
    read_facenet(network, file, Batches(kept, recipe).unmixed(STATISTICS))
    return network


def _measured(network: keras.Model, test: Split, kept: Split) -> dict[str, Any]:
    """Return what each head of a network is worth on the test pictures, at temperature 1."""
    logits, known = predict(network, test.pictures(range(len(test)))), strangers(test, kept)
    return {head: measure_truths(softmax(logits[head]), test, known) for head in HEADS}


def _served(network: keras.Model, architecture: Architecture, batches: Batches, recipe: Recipe) -> keras.Model:
    """Return the trained network in float32, with the statistics of pictures as they are served."""
    served = build_network(architecture, recipe.seed)
    served.set_weights(network.get_weights())
    batches.start_epoch(recipe.epochs)
    renew_statistics(served, batches.unmixed(STATISTICS))
    return served


def _untried(architecture: Architecture, recipe: Recipe, origin: dict[str, Any], data: dict[str, Any]) -> Card:
    """Return the card of a network that has just been trained: nothing of it is fitted or measured yet."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    training = {**asdict(recipe), "date": today, **origin}
    return Card(f"emotune-{today}", architecture, data=data, training=training)


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


def _settings(
    recipe: Recipe, architecture: Architecture, teachers: Sequence[Path], start: Path | None, kept: Split
) -> dict[str, Any]:
    """Return what a training must have in common with the one that it goes on from after a kill."""
    return {
        "recipe": asdict(recipe),
        "architecture": asdict(architecture),
        "teachers": fingerprint(teachers),
        "start": fingerprint([start] if start else []),
        "pictures": kept.fingerprint(),
    }


def compile_network(network: keras.Model, recipe: Recipe, steps: int) -> None:
    """Give a network its losses, and the optimizer with the rate's schedule over so many steps."""
    warmup = max(1, int(steps * recipe.warmup))
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.rate / 50,
        decay_steps=max(1, steps - warmup),
        warmup_target=recipe.rate,
        warmup_steps=warmup,
        alpha=recipe.floor,
    )
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=recipe.weight_decay, clipnorm=5.0, use_ema=recipe.average > 0, ema_momentum=recipe.average
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    if isinstance(network, Classroom):  # which has its own
        network.compile(optimizer)
        return
    losses = {head: keras.losses.CategoricalCrossentropy(from_logits=True) for head in HEADS}
    network.compile(optimizer, loss=losses, loss_weights=recipe.heads)
