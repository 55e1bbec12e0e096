"""The command that brings a file of MuSe into the catalogue."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalogue.download import fetch_muse
from catalogue.management.progress import progress_bar
from catalogue.muse import Reject
from catalogue.rejects import RejectsWriter
from catalogue.services import ImportResult, active_clustering, import_tracks
from emotune.errors import EmotuneError

SHOWN = 20


class Command(BaseCommand):
    # checking all pages, as Django would first, takes a third of the start
    requires_system_checks = ()
    help = "Import tracks from any release of MuSe: CSV, gzip or zip. Rows that are not taken are reported."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument("--download", action="store_true", help="fetch MuSe through kagglehub instead of a file")
        parser.add_argument("--rejects", type=Path, metavar="CSV", help="write line, reason and title of rejected rows")
        parser.add_argument(
            "--json", action="store_true", help="print the figures as JSON, and nothing else, on stdout"
        )

    def handle(self, *, file: Path | None, download: bool, rejects: Path | None, **options: Any) -> None:
        if bool(file) == download:
            raise CommandError("Name one file, or say --download.")
        try:
            file = file or fetch_muse()
            with _rejects_to(rejects, file) as on_reject, progress_bar("Importing", "rows") as progress:
                result = import_tracks(path=file, progress=progress, on_reject=on_reject)
        except EmotuneError as error:
            raise CommandError(error.message) from None
        self._report(result)
        counts = ("rows", "created", "updated", "unchanged", "rejected")
        figures: dict[str, float] = {name: getattr(result, name) for name in counts}
        figures["seconds"] = round(result.seconds, 3)
        if options["json"]:
            self.stdout.write(json.dumps(figures))
        else:
            self.stdout.write(", ".join(f"{value:,} {name}" for name, value in figures.items()))
        if result.problem:
            raise CommandError(result.problem)

    def _report(self, result: ImportResult) -> None:
        for reject in result.rejects[:SHOWN]:
            self.stderr.write(f"line {reject.line}: {reject.reason} ({reject.title!r})")
        if result.rejected > SHOWN:
            self.stderr.write(f"and {result.rejected - SHOWN:,} more rejected rows; --rejects FILE writes them all")
        if not (result.problem or active_clustering()):
            self.stderr.write(
                "These are too few tracks to be clustered by themselves: they have no emotion yet. Import more, or run"
                " cluster_catalogue --activate."
            )


@contextmanager
def _rejects_to(path: Path | None, source: Path) -> Iterator[Callable[[Reject], None] | None]:
    """Write the rejects to `path`, which appears when the import has succeeded."""
    if path is None:
        yield None
        return
    _check(path, source)
    part = path.with_name(path.name + ".part")
    try:
        file = part.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}. Name a file where you may write.") from None
    is_imported = False
    try:
        with file:
            yield RejectsWriter(file)
            is_imported = True
        part.replace(path)
    except OSError as error:
        if not is_imported:
            raise
        lost = f"The tracks are in the catalogue, but {path} could not be written: {error.strerror}."
        raise CommandError(f"{lost} Import again, with another --rejects.") from None
    finally:
        part.unlink(missing_ok=True)


def _check(path: Path, source: Path) -> None:
    """Raise CommandError where the rejects would take the place of what is no file, or of what is imported."""
    with suppress(OSError):  # where nobody may look, nobody may write either, and that is told soon
        if path.exists() and not path.is_file():
            raise CommandError(f"--rejects {path}: that is no file. Name one, as in --rejects rejects.csv.")
        if path.samefile(source):
            raise CommandError("--rejects names the very file that is imported.")
