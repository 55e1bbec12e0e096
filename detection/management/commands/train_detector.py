"""The command that trains the emotion network."""

import json
import math
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from detection.vision.card import (
    DEEP,
    DEEPER,
    DEEPEST,
    FACENET,
    FACENET_160,
    FINE,
    LARGE,
    Architecture,
    ModelFileError,
    load_card,
)
from detection.vision.data import DataError, check_pictures, load_split, measured_split
from detection.vision.layouts import LAYOUTS
from detection.vision.recipe import Recipe

# The recipe's settings by the option that changes them.
RECIPE = {
    "epochs": "epochs",
    "batch": "batch",
    "rate": "rate",
    "decay": "weight_decay",
    "floor": "floor",
    "seed": "seed",
    "average": "average",
    "mixup": "mixup",
    "augmentation": "augmentation",
    "teacher_share": "teacher",
    "crowd_share": "crowd",
    "on_device": "on_device",
}
SIZES = {
    "small": Architecture(),
    "deep": DEEP,
    "fine": FINE,
    "deeper": DEEPER,
    "deepest": DEEPEST,
    "large": LARGE,
    "facenet": FACENET,
    "facenet160": FACENET_160,
}
PLAIN = {"epochs", "batch", "seed"}


class Command(BaseCommand):
    help = (
        "Train the emotion network on FER2013 or a data set in another layout (docs/evaluation.md). Called again with"
        " the same --out, a training that was interrupted goes on from its last epoch."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data", type=Path, required=True, metavar="D", help="folder, zip or CSV of labelled faces"
        )
        parser.add_argument("--layout", choices=LAYOUTS, help="how the data lie (default: recognized)")
        parser.add_argument("--model", choices=("emotune", "cnn"), default="emotune", help="cnn: the paper's plain one")
        parser.add_argument("--out", type=Path, required=True, metavar="M", help="folder for weights and model card")
        earlier = "folder of earlier weights to go on from; for --size facenet the file of FaceNet's"
        parser.add_argument("--start", type=Path, metavar="M", help=earlier)
        sizes = "deep and fine: 2.9 million parameters; deeper: 3.5; deepest: 3.9; the others: teachers"
        parser.add_argument("--size", choices=SIZES, help=f"{sizes} (default: small, or --start's)")
        parser.add_argument(
            "--teacher", metavar="M[,M]", help="folders of networks to learn from, whose answers average"
        )
        parser.add_argument("--teacher-share", type=_share, metavar="S", help="share of the teachers in the targets")
        parser.add_argument("--crowd-share", type=_share, metavar="S", help="share of the crowd head in the loss")
        parser.add_argument(
            "--on-device",
            action="store_const",
            const=True,
            help="change pictures and ask teachers within the step: for accelerators",
        )
        parser.add_argument("--mixup", type=_share, metavar="B", help="mix pictures in pairs by Beta(B, B)")
        parser.add_argument("--augmentation", type=_share, metavar="A", help="how far pictures are changed at random")
        parser.add_argument("--average", type=_momentum, metavar="A", help="momentum of the average of the weights")
        parser.add_argument("--float32", action="store_true", help="for processors without bfloat16: many times faster")
        parser.add_argument("--epochs", type=_positive, help="passes over the pictures (default: the recipe's)")
        parser.add_argument("--batch", type=_positive, help="pictures in a step (default: the recipe's)")
        parser.add_argument("--rate", type=_above_zero, help="highest learning rate (default: the recipe's)")
        parser.add_argument("--floor", type=_share, metavar="F", help="share of --rate that is left at the end")
        parser.add_argument(
            "--decay", type=_zero_or_more, help="decay of the weights, times the rate (default: the recipe's)"
        )
        parser.add_argument("--seed", type=_whole, help="of everything that is drawn at random (default: the recipe's)")
        parser.add_argument("--json", action="store_true", help="print the model card, and nothing else, on stdout")

    def handle(self, *, data: Path, out: Path, model: str, layout: str | None, **options: Any) -> None:
        given = _settings(model, options)
        teachers = [Path(part.strip()) for part in (options["teacher"] or "").split(",") if part.strip()]
        _check_out(out, options["start"], teachers)
        try:
            for folder in teachers:
                load_card(folder)
            _check(data, layout)
            if model == "cnn":
                card = _train_plain(data, out, layout, given)
            else:
                size = SIZES.get(options["size"])
                how = {"layout": layout, "start": options["start"], "teachers": teachers}
                card = _train(data, out, Recipe(**given), size, **how)
        except (DataError, ModelFileError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or out}: {error.strerror or error}") from None
        if options["json"]:
            self.stdout.write(json.dumps(card, indent=1))
        elif model == "cnn":
            self.stdout.write(f"{card['measures']['accuracy']:.1%} right")
        else:
            for head in ("labels", "crowd"):
                for truth, measures in card["measures"][head].items():
                    self.stdout.write(f"{head} head against {truth}: {measures['accuracy']:.1%} right")


def _settings(model: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe's settings that were given. Raises CommandError where options contradict each other."""
    given = {name: options[option] for option, name in RECIPE.items() if options[option] is not None}
    if options["float32"]:
        given["mixed_precision"] = False
    if model == "cnn" and (set(given) - PLAIN or any(options[name] for name in ("start", "size", "teacher"))):
        raise CommandError("the plain network takes --epochs, --batch and --seed alone; leave the others out")
    if "teacher" in given and not options["teacher"]:
        raise CommandError("--teacher-share needs a --teacher")
    return given


def _check_out(out: Path, start: Path | None, teachers: list[Path]) -> None:
    """Raise CommandError where a training would write over what it begins with."""
    for option, folders in (("--start", [start] if start else []), ("--teacher", teachers)):
        if out.resolve() in [folder.resolve() for folder in folders]:
            raise CommandError(f"--out {out} is the folder of {option} too; give another one")


def _share(text: str) -> float:
    if not 0 <= (share := float(text)) <= 1:
        raise ValueError
    return share


def _momentum(text: str) -> float:
    """A share below 1: an average with a momentum of 1 never moves."""
    if (share := _share(text)) == 1:
        raise ValueError
    return share


def _zero_or_more(text: str) -> float:
    if not 0 <= (number := float(text)) < math.inf:
        raise ValueError
    return number


def _above_zero(text: str) -> float:
    if not (number := _zero_or_more(text)):
        raise ValueError
    return number


def _whole(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError
    return number


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def _check(data: Path, layout: str | None) -> None:
    """Look at every picture before TensorFlow is loaded and hours are spent."""
    splits = [load_split(data, name, layout) for name in ("train", measured_split(data, layout))]
    with tqdm(total=sum(map(len, splits)), desc="checking", unit="picture", file=sys.stderr) as bar:
        for split in splits:
            check_pictures(split, bar.update)


def _train(data: Path, out: Path, recipe: Recipe, size: Architecture | None, **how: Any) -> dict[str, Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from detection.vision.training import train

    with Bars() as bars:
        return train(data, out, recipe, size, bars.report, **how).to_json()


def _train_plain(data: Path, out: Path, layout: str | None, given: dict[str, Any]) -> dict[str, Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from detection.vision.plain_cnn import train_plain_cnn

    with Bars() as bars:
        return train_plain_cnn(data, out, bars.report, layout=layout, **given)


class Bars:
    """One bar for each epoch, on stderr."""

    def __enter__(self) -> "Bars":
        self._bar: tqdm[Any] | None = None
        self._plan: dict[str, float] = {}
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def report(self, kind: str, values: dict[str, float]) -> None:
        """Show what `train` reports."""
        if kind == "lesson":
            if self._bar is None:
                self._bar = tqdm(desc="read by teachers", unit="picture", file=sys.stderr)
            self._bar.update(values["read"])
            return
        if kind == "start":
            self._close()
            self._plan = values
            return
        if self._bar is None:
            title = f"epoch {values['epoch'] + 1:.0f} of {self._plan['epochs']:.0f}"
            self._bar = tqdm(total=int(self._plan["steps"]), desc=title, file=sys.stderr, mininterval=0.5)
        shown = {name: f"{value:.3f}" for name, value in values.items() if name != "epoch"}
        self._bar.set_postfix(shown, refresh=False)
        if kind == "step":
            self._bar.update()
        else:
            self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
