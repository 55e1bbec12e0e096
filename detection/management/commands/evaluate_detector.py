"""The command that measures emotion networks on pictures that none of them was trained on."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from detection.vision.card import ModelFileError
from detection.vision.classifier import Classifier
from detection.vision.data import DataError, load_split
from detection.vision.evaluation import evaluate


class Command(BaseCommand):
    help = "Measure one or more trained networks on the public_test split of a folder or zip of labelled faces."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, metavar="D", help="folder or zip of labelled faces")
        parser.add_argument("--models", required=True, metavar="DIR[,DIR]", help="folders that train_detector wrote")
        parser.add_argument("--json", action="store_true", help="print JSON, and nothing else, on stdout")

    def handle(self, *, data: Path, models: str, **options: Any) -> None:
        folders = [Path(part.strip()) for part in models.split(",") if part.strip()]
        try:
            test = load_split(data, "public_test")
            classifiers = {str(folder): Classifier.load(folder) for folder in folders}
            with tqdm(total=len(test) * len(folders), unit="picture", file=sys.stderr, disable=None) as bar:
                measures = {name: evaluate(classifier, test, bar.update) for name, classifier in classifiers.items()}
        except (DataError, ModelFileError) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(measures, indent=1))
            return
        for name, measured in measures.items():
            self.stdout.write(f"{name}: {measured['parameters']:,} parameters, {measured['milliseconds']} ms a face")
            for head, by_truth in measured["heads"].items():
                for truth, figures in by_truth.items():
                    self.stdout.write(_line(head, truth, figures))


def _line(head: str, truth: str, figures: dict[str, Any]) -> str:
    accuracy, macro_f1, ece = (figures[name] for name in ("accuracy", "macro_f1", "ece"))
    return f"  {head:6} against {truth:6}: {accuracy:.1%} right, macro-F1 {macro_f1:.3f}, calibration error {ece:.3f}"
