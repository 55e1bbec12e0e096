"""The command that measures the recommender on simulated listeners."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalogue.management.progress import progress_bar
from emotune.errors import EmotuneError
from playlists.plot import learning_curve
from playlists.services import simulation_catalogue
from playlists.simulation import ARMS, FIGURES, simulate

COLUMNS = ("coverage", *FIGURES)


class Command(BaseCommand):
    help = "Measure the recommender on simulated listeners with hidden tastes, beside what it must beat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--listeners", type=int, default=50, help="how many (default 50)")
        parser.add_argument("--sessions", type=int, default=1000, help="of all listeners together (default 1000)")
        parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same figures")
        parser.add_argument("--plot", type=Path, metavar="SVG", help="draw the learning curve there")
        parser.add_argument(
            "--json", action="store_true", help="print the figures as JSON, and nothing else, on stdout"
        )

    def handle(self, *, listeners: int, sessions: int, seed: int, plot: Path | None, **options: Any) -> None:
        if not 1 <= listeners <= sessions:
            raise CommandError("Ask for at least one listener, and for at least one session for each.")
        try:
            with progress_bar("Listening", "listeners") as progress:
                results = simulate(
                    simulation_catalogue(), listeners=listeners, sessions=sessions, seed=abs(seed), progress=progress
                )
        except EmotuneError as error:
            raise CommandError(error.message) from None
        if plot:
            _write(plot, learning_curve({name: result.ndcg() for name, result in results.items()}))
        rows = {name: result.figures() for name, result in results.items()}
        if options["json"]:
            about = {"listeners": listeners, "sessions": sessions, "seed": seed}
            curves = {name: results[name].curve for name in ARMS}
            served = rows["with_feedback"]
            self.stdout.write(json.dumps(served | about | rows | {"curve": curves}, indent=1))
            return
        self._print(rows)

    def _print(self, rows: dict[str, dict[str, float]]) -> None:
        self.stdout.write(f"{'':17}" + "".join(f"{name:>16}" for name in (*COLUMNS, "ratings")))
        for name, figures in rows.items():
            self.stdout.write(
                f"{name:17}" + "".join(f"{figures[column]:16.3f}" for column in COLUMNS) + f"{figures['ratings']:16.0f}"
            )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
