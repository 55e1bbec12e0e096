"""The command that trains the emotion network."""

import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from detection.vision.card import Architecture, ModelFileError
from detection.vision.data import DataError, check_pictures, load_split, measured_split
from detection.vision.layouts import LAYOUTS


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
        parser.add_argument("--start", type=Path, metavar="M", help="folder of earlier weights to go on from")
        parser.add_argument("--epochs", type=_positive, help="passes over the pictures (default: the recipe's)")
        parser.add_argument("--batch", type=_positive, help="pictures in a step (default: the recipe's)")
        parser.add_argument("--rate", type=float, help="highest learning rate (default: the recipe's)")
        parser.add_argument("--seed", type=int, help="of everything that is drawn at random (default: the recipe's)")
        parser.add_argument("--json", action="store_true", help="print the model card, and nothing else, on stdout")

    def handle(self, *, data: Path, out: Path, model: str, layout: str | None, **options: Any) -> None:
        given = {name: options[name] for name in ("epochs", "batch", "rate", "seed") if options[name] is not None}
        if model == "cnn" and (options["start"] or "rate" in given):
            raise CommandError("--start and --rate are not for the plain network; leave them out")
        try:
            _check(data, layout)
            if model == "cnn":
                card = _train_plain(data, out, layout, given)
            else:
                card = _train(data, out, layout, given, options["start"])
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


def _train(data: Path, out: Path, layout: str | None, given: dict[str, Any], start: Path | None) -> dict[str, Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from detection.vision.training import Recipe, train

    with Bars() as bars:
        return train(data, out, Recipe(**given), Architecture(), bars.report, start=start, layout=layout).to_json()


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
        if kind == "start":
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
