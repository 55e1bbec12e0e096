"""The command that measures the recommender on simulated listeners."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalogue.management.progress import progress_bar
from emotune.errors import EmotuneError
from playlists.loading import columns as load_columns
from playlists.plot import learning_curve
from playlists.replay import FEWEST, replay
from playlists.services import real_ratings, simulation_catalogue
from playlists.simulation import ARMS, FIGURES, gain, simulate, simulate_company

COLUMNS = ("coverage", *FIGURES)
# Those whom newcomers have for company, how many sessions each of all has, and a newcomer for so many of them.
COMPANY, COMPANY_SESSIONS, FOR_EACH_NEWCOMER = 300, 9, 12


class Command(BaseCommand):
    help = "Measure the recommender on simulated listeners with hidden tastes, beside what it must beat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--listeners", type=int, help=f"how many (default 50, with --company {COMPANY})")
        parser.add_argument("--sessions", type=int, default=1000, help="of all listeners together (default 1000)")
        parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same figures")
        parser.add_argument(
            "--replay", action="store_true", help="foresee the real ratings of this database; simulate nobody"
        )
        parser.add_argument(
            "--company",
            action="store_true",
            help=f"measure what newcomers gain by what listeners with like tastes did: nine sessions each, and a"
            f" newcomer for every {FOR_EACH_NEWCOMER} listeners",
        )
        parser.add_argument("--plot", type=Path, metavar="SVG", help="draw the learning curve there")
        parser.add_argument(
            "--json", action="store_true", help="print the figures as JSON, and nothing else, on stdout"
        )

    def handle(self, *, listeners: int | None, sessions: int, seed: int, plot: Path | None, **options: Any) -> None:
        if plot and (options["replay"] or options["company"]):
            raise CommandError("--plot draws simulated listeners: it goes neither with --replay nor with --company.")
        if options["replay"] and options["company"]:
            raise CommandError("Ask for --replay or for --company, one after the other.")
        if options["replay"]:
            self._replay(abs(seed), as_json=options["json"])
        elif options["company"]:
            self._company(COMPANY if listeners is None else listeners, abs(seed), as_json=options["json"])
        else:
            self._simulate(50 if listeners is None else listeners, sessions, abs(seed), plot, as_json=options["json"])

    def _simulate(self, listeners: int, sessions: int, seed: int, plot: Path | None, *, as_json: bool) -> None:
        if not 1 <= listeners <= sessions:
            raise CommandError("Ask for at least one listener, and for at least one session for each.")
        if plot and not _can_be_written(plot):
            raise CommandError(f"{plot} cannot be written. Name a file in a folder that is there and that you own.")
        try:
            with progress_bar("Listening", "listeners") as progress:
                results = simulate(
                    simulation_catalogue(), listeners=listeners, sessions=sessions, seed=seed, progress=progress
                )
        except EmotuneError as error:
            raise CommandError(error.message) from None
        rows = {name: result.figures() for name, result in results.items()}
        gains = gain(results["with_feedback"], results["without_feedback"])
        if as_json:
            had = sessions // listeners * listeners
            about: dict[str, Any] = {"listeners": listeners, "sessions": had, "seed": seed, "gain": _told(gains)}
            curves = {name: results[name].curve for name in ARMS}
            served = rows["with_feedback"]
            self.stdout.write(json.dumps(served | about | rows | {"curve": curves}, indent=1))
        else:
            self._print(rows)
            for count, found in gains.items():
                self.stdout.write(f"feedback adds {_written(*found)} to NDCG@10 after {count} ratings")
        if plot:
            _write(plot, learning_curve({name: result.ndcg() for name, result in results.items()}))

    def _company(self, listeners: int, seed: int, *, as_json: bool) -> None:
        newcomers = max(2, listeners // FOR_EACH_NEWCOMER)
        try:
            with progress_bar("Listening", "listeners") as progress:
                results = simulate_company(
                    simulation_catalogue(),
                    listeners=listeners,
                    newcomers=newcomers,
                    sessions=COMPANY_SESSIONS,
                    seed=seed,
                    progress=progress,
                )
        except EmotuneError as error:
            raise CommandError(error.message) from None
        except ValueError as error:
            raise CommandError(f"{error}; ask for more --listeners.".capitalize()) from None
        gains = gain(results["with_company"], results["content"])
        if as_json:
            curves = {name: result.curve for name, result in results.items()}
            about = {"listeners": listeners, "newcomers": newcomers, "seed": seed}
            self.stdout.write(json.dumps(about | {"gain": _told(gains), "curve": curves}, indent=1))
            return
        ratings = list(gains)
        self.stdout.write(f"{'NDCG@10 after ratings':24}" + "".join(f"{count:>16}" for count in ratings))
        for name, result in results.items():
            row = "".join(f"{result.curve[count]['ndcg_at_10']:16.3f}" for count in ratings)
            self.stdout.write(f"{name:24}{row}")
        self.stdout.write(f"{'gain':24}" + "".join(f"{_written(*found):>16}" for found in gains.values()))

    def _replay(self, seed: int, *, as_json: bool) -> None:
        columns = load_columns()
        rows = replay(columns, real_ratings(columns), seed=seed)
        if not rows:
            raise CommandError(f"Nobody gave {FEWEST} ratings yet, likes and dislikes among the later half.")
        if as_json:
            self.stdout.write(json.dumps(rows, indent=1))
            return
        names = list(next(iter(rows.values())))
        self.stdout.write(f"{'':17}" + "".join(f"{name:>16}" for name in names))
        for arm, figures in rows.items():
            self.stdout.write(f"{arm:17}" + "".join(f"{figures[name]:16.3f}" for name in names))

    def _print(self, rows: dict[str, dict[str, float]]) -> None:
        self.stdout.write(f"{'':17}" + "".join(f"{name:>16}" for name in (*COLUMNS, "ratings")))
        for name, figures in rows.items():
            self.stdout.write(
                f"{name:17}" + "".join(f"{figures[column]:16.3f}" for column in COLUMNS) + f"{figures['ratings']:16.0f}"
            )


def _told(gains: dict[int, tuple[float, float | None]]) -> dict[int, dict[str, float]]:
    """Return gains as JSON has them: the error of a single listener is left out."""
    return {
        count: {"mean": mean} if error is None else {"mean": mean, "error": error}
        for count, (mean, error) in gains.items()
    }


def _written(mean: float, error: float | None) -> str:
    return f"{mean:+.3f}" if error is None else f"{mean:+.3f} ± {error:.3f}"


def _can_be_written(path: Path) -> bool:
    if os.access(path, os.F_OK):
        return os.access(path, os.W_OK) and not path.is_dir()
    return os.access(path.parent, os.W_OK | os.X_OK) and path.parent.is_dir()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
