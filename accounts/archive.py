"""Writing a copy of all that is kept of a person: a zip of JSON Lines and CSV, in the memory of one piece at a time."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO, Any, TextIO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import Export, User
from emotune.jobs import Run, running
from emotune.personal import PersonalData, declared

FOLDER = "exports"
# A spreadsheet would take a cell that begins like this for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

README = """What emotune keeps of {email}, as of {now:%Y-%m-%d %H:%M} UTC.

Each kind of data is here twice: as .jsonl (one JSON object per line, UTF-8, exactly as it is kept) and as .csv
for spreadsheets (a text that a spreadsheet would take for a formula has an apostrophe before it). Times are in UTC.

{contents}
Your pictures are not here, for they are not kept. Neither are your password and the secrets of your tokens: of them
emotune knows fingerprints alone.
"""


def make_export(job_id: str) -> None:
    """Carry out an Export, in a worker. What was begun before a crash is begun anew."""
    export = Export.objects.filter(pk=job_id).select_related("user").first()
    with running(export) as run:
        if export and run:
            # without a name: nothing is left of it when the worker is killed
            with tempfile.TemporaryFile(dir=settings.MEDIA_ROOT) as scratch:
                rows = write_archive(export.user, scratch, run)
                _keep(export, scratch, rows)


def write_archive(user: User, target: IO[bytes], run: Run) -> int:
    """Write the zip and return the number of rows in it. Raises Cancelled."""
    kinds = [kind for kind in declared() if kind.columns]
    counts = {kind.name: kind.count(user) for kind in kinds}
    way = _Way(run, 2 * sum(counts.values()))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        contents = "".join(f"{count:>9,}  {name}\n" for name, count in counts.items())
        archive.writestr("README.txt", README.format(email=user.email, now=timezone.now(), contents=contents))
        for kind in kinds:
            for ending, write in (("jsonl", _write_jsonl), ("csv", _write_csv)):
                with (
                    archive.open(f"{kind.name}.{ending}", "w", force_zip64=True) as raw,
                    io.TextIOWrapper(raw, encoding="utf-8", newline="") as text,
                ):
                    write(text, kind, way.through(kind.rows(user), f"writing {kind.name}.{ending}"))
    return way.done // 2


class _Way:
    """How far the writing is: each row is written twice."""

    def __init__(self, run: Run, total: int) -> None:
        self.run, self.total, self.done = run, total, 0

    def through(self, rows: Iterable[dict[str, Any]], note: str) -> Iterator[dict[str, Any]]:
        for row in rows:
            self.done += 1
            self.run.step(self.done, self.total, note)
            yield row


def _write_jsonl(text: TextIO, _kind: PersonalData, rows: Iterable[dict[str, Any]]) -> None:
    text.writelines(json.dumps(row, ensure_ascii=False, default=_plain) + "\n" for row in rows)


def _write_csv(text: TextIO, kind: PersonalData, rows: Iterable[dict[str, Any]]) -> None:
    writer = csv.writer(text)
    writer.writerow(kind.columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value if isinstance(value, int | float) else _plain(value)


def _keep(export: Export, scratch: IO[bytes], rows: int) -> None:
    """Hand the file over; when the account was deleted meanwhile, nobody gets it."""
    size = scratch.seek(0, io.SEEK_END)
    scratch.seek(0)
    remove_file(export)  # of an attempt that was interrupted
    name = default_storage.save(file_name(export), File(scratch))
    if not Export.objects.filter(pk=export.pk).update(file=name, size=size, rows=rows):
        default_storage.delete(name)


def file_name(export: Export) -> str:
    """Return where an export's file lies, known before it is there so that nothing is ever left behind."""
    return f"{FOLDER}/{export.pk}.zip"


def remove_file(export: Export) -> None:
    default_storage.delete(file_name(export))
