"""The command that lays the demonstration into the catalogue."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalogue.management.progress import progress_bar
from catalogue.recording import load_demo
from emotune.errors import EmotuneError


class Command(BaseCommand):
    help = "Compose the demonstration and lay it into the catalogue; what is there already is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print the figures as JSON, and nothing else, on stdout"
        )

    def handle(self, **options: Any) -> None:
        try:
            with progress_bar("Composing the demonstration", "pieces") as progress:
                result = load_demo(progress=progress)
        except EmotuneError as error:
            raise CommandError(error.message) from None
        if options["json"]:
            figures = {"tracks": result.tracks, "written": result.written, "seconds": round(result.seconds, 3)}
            self.stdout.write(json.dumps(figures))
            return
        self.stdout.write(
            f"demonstration: {result.tracks} tracks, {result.written} of them composed in {result.seconds:.1f} s"
        )
