"""The command that trains the emotion network."""

import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from detection.vision.card import Architecture
from detection.vision.data import DataError


class Command(BaseCommand):
    help = (
        "Train the emotion network on a folder or zip that holds train/EMOTION/ and public_test/EMOTION/. Called again"
        " with the same --out, a training that was interrupted goes on from its last epoch."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="D", help="folder or zip of labelled faces")
        parser.add_argument("--out", type=Path, required=True, metavar="M", help="folder for weights and model card")
        parser.add_argument("--epochs", type=_positive, help="passes over the pictures (default: the recipe's)")
        parser.add_argument("--batch", type=_positive, help="pictures in a step (default: the recipe's)")
        parser.add_argument("--seed", type=int, help="of everything that is drawn at random (default: the recipe's)")
        parser.add_argument("--json", action="store_true", help="print the model card, and nothing else, on stdout")

    def handle(self, *, data: Path, out: Path, **options: Any) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from detection.vision.training import Recipe, train

        given = {name: options[name] for name in ("epochs", "batch", "seed") if options[name] is not None}
        bars = Bars()
        try:
            card = train(data, out, Recipe(**given), Architecture(), bars)
        except DataError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or out}: {error.strerror or error}") from None
        finally:
            bars.close()
        if options["json"]:
            self.stdout.write(json.dumps(card.to_json(), indent=1))
            return
        for head in ("labels", "crowd"):
            for truth, measures in card.measures[head].items():
                self.stdout.write(f"{head} head against {truth}: {measures['accuracy']:.1%} right")


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


class Bars:
    """Show on stderr how far a training is: one bar for the check of the pictures, then one for each epoch."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._plan: dict[str, float] = {}

    def __call__(self, kind: str, values: dict[str, float]) -> None:
        if kind == "start":
            self._plan = values
        elif kind == "check":
            self._advance("checking pictures", values["of"], values["pictures"])
        elif kind == "step":
            self._advance(f"epoch {values['epoch'] + 1:.0f} of {self._plan['epochs']:.0f}", self._plan["steps"], 1)
            self._show(loss=values["loss"])
        else:
            self._show(**{name: value for name, value in values.items() if name != "epoch"})
            self.close()

    def _advance(self, title: str, total: float, by: float) -> None:
        if self._bar is None or self._bar.desc != f"{title}: ":
            self.close()
            self._bar = tqdm(total=int(total), desc=title, file=sys.stderr, mininterval=0.5)
        self._bar.update(by)

    def _show(self, **values: float) -> None:
        if self._bar is not None:
            self._bar.set_postfix({name: f"{value:.3f}" for name, value in values.items()}, refresh=False)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
