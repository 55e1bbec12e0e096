"""`Idempotency-Key`: a submission that is sent again, or five times at once, is carried out once."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError, connection, transaction
from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.utils.encoders import JSONEncoder

from emotune.api.models import Submission
from emotune.api.problems import NotYet
from emotune.errors import Gone, InvalidInput

if TYPE_CHECKING:
    from emotune.api.views import ApiRequest

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
KEY = re.compile(r"[\x21-\x7e]{1,255}")
# Of several at once the others wait so long for the first one's outcome.
PATIENCE_S = 10
T = TypeVar("T")


@dataclass(frozen=True)
class Receipt:
    """What a submission made: an id, or numbers of rows; `is_old` when it was carried out by an earlier request."""

    made: dict[str, Any]
    is_old: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def find(self, look_up: Callable[[], T]) -> T:
        """Return what was made. Raises Gone when it was deleted since."""
        try:
            return look_up()
        except Http404:
            raise Gone("What this request made has been deleted since. Use another Idempotency-Key.") from None


def once(request: "ApiRequest", carry_out: Callable[[], dict[str, Any]]) -> Receipt:
    """Carry a submission out, or return what an earlier one with the same key made.

    The key and what it made are committed together: a request that breaks leaves neither. Raises InvalidInput for a
    key that is none or was used for another request, and NotYet while the first one takes long.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return Receipt(carry_out())
    if not KEY.fullmatch(key):
        raise InvalidInput(f"{HEADER} is 1 to 255 visible ASCII characters, such as a UUID.")
    fingerprint = _fingerprint(request)
    with transaction.atomic():
        submission, is_new = _claim(request, key, fingerprint)
        if not is_new:
            if submission.fingerprint != fingerprint:
                raise InvalidInput(f"This {HEADER} was used for another request. Use a new one for each.")
            return Receipt(submission.receipt, is_old=True, headers={"Idempotency-Replayed": "true"})
        submission.receipt = carry_out()
        submission.save(update_fields=["receipt"])
    return Receipt(submission.receipt)


def forget_old_submissions() -> int:
    """Delete what is older than KEPT; return how many there were."""
    return int(Submission.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0])


def _claim(request: "ApiRequest", key: str, fingerprint: str) -> tuple[Submission, bool]:
    """Write the key's row, or read the one of an earlier request, whose transaction is waited for."""
    mine = Submission.objects.filter(user=request.user)
    mine.filter(created_at__lt=timezone.now() - KEPT).delete()
    on_postgres = connection.vendor == "postgresql"
    try:
        if on_postgres:
            _run(f"SET LOCAL lock_timeout = '{PATIENCE_S}s'")
        found = mine.get_or_create(key=key, defaults={"user": request.user, "fingerprint": fingerprint})
        if on_postgres:
            _run("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as error:
        raise NotYet("The same request is still being carried out. Please ask again in a moment.") from error
    return found


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _fingerprint(request: "ApiRequest") -> str:
    """Return what tells one request from another, whatever boundary a form has; pictures cannot be found by it."""
    parts = [str(request.method), request.path, request.META.get("QUERY_STRING", ""), *_content(request.data)]
    return salted_hmac("emotune.api.submission", "\0".join(parts), algorithm="sha256").hexdigest()


def _content(data: Any) -> Iterator[str]:
    if not isinstance(data, QueryDict):
        yield JSONEncoder(sort_keys=True).encode(data)
        return
    for name, values in sorted(data.lists()):
        for value in values:
            yield name
            yield _digest(value) if isinstance(value, UploadedFile) else str(value)


def _digest(file: "UploadedFile[Any]") -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
