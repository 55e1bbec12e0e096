"""Bring another service's history into a person's own: submit a file, look at it, cancel it, remove what it brought."""

from pathlib import PurePath
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.core.files import File
from django.db import IntegrityError, transaction

from emotune import jobs
from emotune.errors import InvalidInput
from playlists.models import HistoryImport
from playlists.tasks import import_history

if TYPE_CHECKING:
    from accounts.models import User

MAX_BYTES = 100 * 1024 * 1024
BUSY = "An import of yours is still under way. Wait for its end, or cancel it."


def submit_history_import(
    *, user: "User", file: "File[bytes]", kind: str = "", job_id: UUID | None = None
) -> HistoryImport:
    """Keep a file and send it to the workers; `kind` is "listenbrainz", "lastfm" or "" for whatever the file says.

    The file is read on a worker: what is wrong with it is told by the job. Raises InvalidInput for another kind, an
    empty file, one larger than MAX_BYTES, and while another import of the person's is open.
    """
    if kind not in HistoryImport.Kind:
        raise InvalidInput(f"An export comes from one of {', '.join(filter(None, HistoryImport.Kind))}.")
    if not file.size:
        raise InvalidInput("The file is empty. Choose the one that the other service let you download.")
    if file.size > MAX_BYTES:
        raise InvalidInput(f"The file has more than {MAX_BYTES // 1024**2} MB. Pack it as a zip, or split it.")
    for waiting in HistoryImport.objects.filter(user=user, state__in=jobs.OPEN):
        if not jobs.refresh(waiting).is_over:
            raise InvalidInput(BUSY)
    for ended in HistoryImport.not_let_go().filter(user=user):
        ended.let_go()  # its listens would count as noted already, and then go
    name = PurePath((file.name or "file").replace("\\", "/")).name[:200]
    job = HistoryImport(pk=job_id or uuid4(), user=user, created_by=user, kind=kind, name=name)
    job.file.save(str(job.pk), file, save=False)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            jobs.submit(job, import_history)
    except BaseException as error:
        job.file.delete(save=False)  # no row names it: nobody would ever find it again
        if isinstance(error, IntegrityError):
            raise InvalidInput(BUSY) from None
        raise
    return job


def remove_history_import(*, history_import: HistoryImport) -> int:
    """Take back all that an import brought and forget it; return how many listens went.

    Ratings that the person has given anew since stay. Raises InvalidInput while it is under way.
    """
    if not jobs.refresh(history_import).is_over:
        raise InvalidInput("The import is still under way. Cancel it first.")
    history_import.let_go()
    listens = history_import.listens.count()
    history_import.delete()
    return listens
