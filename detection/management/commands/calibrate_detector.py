"""The command that fits a trained network's probabilities anew, without training it."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from detection.vision.calibration import calibrate
from detection.vision.card import ModelFileError
from detection.vision.layouts import LAYOUTS
from detection.vision.sources import DataError


class Command(BaseCommand):
    help = (
        "Fit temperatures, offsets, sureness, the threshold of `unsure` and the ranges for eight bits of a trained"
        " network, on the pictures that its training held out, and measure it, as a training does at its end. See"
        " docs/models.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="D", help="what the network was trained on")
        parser.add_argument("--layout", choices=LAYOUTS, help="how the data lie (default: recognized)")
        parser.add_argument("--model", type=Path, required=True, metavar="M", help="folder of weights and model card")
        parser.add_argument("--json", action="store_true", help="print the model card, and nothing else, on stdout")

    def handle(self, *, data: Path, model: Path, layout: str | None, **options: Any) -> None:
        try:
            card = calibrate(model, data, layout)
        except (DataError, ModelFileError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or model}: {error.strerror or error}") from None
        if options["json"]:
            self.stdout.write(json.dumps(card.to_json(), indent=1))
            return
        for head, truths in card.measures.items():
            for truth, found in truths.items():
                words = f"{found['accuracy']:.1%} right, calibration error {found['ece']:.3f}"
                self.stdout.write(f"{head} against {truth}: {words}")
