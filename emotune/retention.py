"""What is thrown away by the clock."""

import contextlib
import logging
import time
from pathlib import Path

from celery import shared_task
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db.models import FileField

logger = logging.getLogger(__name__)

# A file that no row names may be one whose row comes in a moment; after so long none comes.
ORPHANED_S = 24 * 3600
# What Django calls an upload while it comes in.
UPLOADS = "*.upload*"
# What was left for months, or a slow disk, takes minutes, where other tasks have seconds.
LIMIT_S = 600


# Acknowledged as they begin: after a minute the broker would send them to a second worker. What is cut off or lost is
# made up for the next time.
@shared_task(name="emotune.clear_sessions", acks_late=False, soft_time_limit=LIMIT_S, time_limit=LIMIT_S + 60)
def clear_sessions() -> None:
    """Forget sessions that have ended, and files that nobody knows any more, even where the first takes too long."""
    try:
        call_command("clearsessions")
    finally:
        forget_files()


@shared_task(name="emotune.forget_submissions", acks_late=False, soft_time_limit=LIMIT_S, time_limit=LIMIT_S + 60)
def forget_submissions() -> None:
    """Forget what requests with an Idempotency-Key made, of people who sent none since."""
    from emotune.api.idempotency import forget_old_submissions

    forget_old_submissions()


def forget_files() -> int:
    """Delete uploads that were cut off, and files that no row names, once they are ORPHANED_S old; return how many.

    A process that was killed leaves them, and an account that was deleted while a worker wrote its copy. They hold what
    a person listened to, or all that is kept of them.
    """
    root, before = Path(settings.MEDIA_ROOT), time.time() - ORPHANED_S
    columns = [field for model in apps.get_models() for field in model._meta.get_fields()]  # noqa: SLF001
    fields = [field for field in columns if isinstance(field, FileField)]
    found = list(Path(settings.FILE_UPLOAD_TEMP_DIR or root).glob(UPLOADS))
    for folder in {str(field.upload_to) for field in fields}:
        found += (root / folder).rglob("*")
    # their age before the rows, lest one that is named in between counts as unnamed
    old = [path for path in found if _is_older(path, before)]
    named = {root / name for field in fields for name in _names(field)}
    orphans = [path for path in old if path not in named]
    for path in orphans:
        path.unlink(missing_ok=True)
    logger.info("forgot %d files that nobody knows", len(orphans))
    return len(orphans)


def _is_older(path: Path, moment: float) -> bool:
    with contextlib.suppress(FileNotFoundError):  # it has just gone
        return path.is_file() and path.stat().st_mtime < moment
    return False


def _names(field: FileField) -> list[str]:
    """Return the names of all files that rows have in a field, as they lie below MEDIA_ROOT."""
    rows = field.model._base_manager.exclude(**{field.name: ""})  # noqa: SLF001 - a documented API
    return list(rows.values_list(field.name, flat=True))
