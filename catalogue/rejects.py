"""The rows that an import did not take, written as CSV for whoever has to put them right."""

import csv
from typing import TextIO

from catalogue.muse import Reject


class RejectsWriter:
    """Writes line, reason and title of each reject that it is called with."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file)
        self._writer.writerow(["line", "reason", "title"])

    def __call__(self, reject: Reject) -> None:
        self._writer.writerow([reject.line, _plain(reject.reason), _plain(reject.title)])


def _plain(text: str) -> str:
    """Keep spreadsheet programs from taking a text for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text
