"""What a person can do with captures: submit pictures, name a mood, put a reading right, wait, delete."""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from detection import images as image_store
from detection.claims import GAVE_UP, GONE, MAX_ATTEMPTS, lost
from detection.models import OPEN, Capture, Source, Status
from detection.tasks import send
from detection.vision.pictures import MAX_PIXELS, UnreadablePicture, inspect
from emotune import metrics
from emotune.emotions import EMOTIONS
from emotune.errors import Gone, InvalidInput, NotAllowed, TooMany, Unavailable
from emotune.limits import spend

if TYPE_CHECKING:
    from accounts.models import User

# A capture that nobody claimed for this long may have lost its message.
RESEND_AFTER = timedelta(seconds=20)
# Clocks of machines may differ by so much. What is dated further ahead was made before the clock was set back.
CLOCKS_DIFFER = timedelta(minutes=1)
# What is older is left to whoever looks at it, for the clock need not search all captures there ever were.
LONG_AGO = timedelta(hours=1)


def submit_capture(*, user: "User", images: Sequence[bytes], source: str) -> Capture:
    """Take pictures of a face to be read by a worker; return the queued capture.

    Raises NotAllowed without consent, TooMany over the rate limit, InvalidInput for a picture that cannot be read,
    and Unavailable, with nothing kept, while the store does not answer.
    """
    if not user.allows_camera:
        raise NotAllowed("Please agree to the camera first. You can also name your mood without it.")
    _check_rate(user)
    _check_images(images)
    capture = Capture(id=uuid4(), user=user, source=source)
    image_store.put(capture.id, images)
    try:
        with transaction.atomic():
            capture.save(force_insert=True)
            transaction.on_commit(lambda: _send(capture))
    except DatabaseError:
        _forget_images(capture)
        raise
    return capture


def _check_rate(user: "User") -> None:
    """Count in the shared cache, for a person can delete the captures themselves."""
    budget = spend(f"captures:{user.pk}", settings.CAPTURES_PER_MINUTE)
    if budget.is_overdrawn:
        words = f"That was {budget.limit} captures within a minute. Please wait {budget.wait} seconds."
        raise TooMany(words, retry_after=budget.wait)


def _check_images(images: Sequence[bytes]) -> None:
    if not 1 <= len(images) <= settings.CAPTURE_MAX_FRAMES:
        raise InvalidInput(f"Please send one picture, or up to {settings.CAPTURE_MAX_FRAMES} frames of the camera.")
    pixels = 0
    for image in images:
        if len(image) > settings.CAPTURE_MAX_BYTES:
            has, most = (size / 1024**2 for size in (len(image), settings.CAPTURE_MAX_BYTES))
            raise InvalidInput(f"This picture has {ceil(10 * has) / 10:g} MB; up to {most:g} MB can be read.")
        try:
            _, width, height = inspect(image)
        except UnreadablePicture as error:
            raise InvalidInput(str(error)) from error
        pixels += width * height
    if pixels > MAX_PIXELS:
        most = MAX_PIXELS // 1_000_000
        raise InvalidInput(f"Together these pictures have more than {most} million pixels; make them smaller first.")


def _send(capture: Capture) -> None:
    """Send the task; a broker that is away is no error here, for refresh() sends again."""
    try:
        send(capture.id)
    except OperationalError:
        Capture.objects.filter(id=capture.id).update(sent_at=timezone.now() - RESEND_AFTER)


def refresh(*, capture: Capture) -> Capture:
    """Bring an open capture up to date: end it when its time is over, send it again when its message may be lost.

    Called whenever somebody looks, with the row as it was just read, and by the clock; each change is a conditional
    UPDATE, so any number may look at once, and a look at which nothing is due asks nothing more.
    """
    now = timezone.now()
    waiting = Capture.objects.filter(id=capture.id, status__in=OPEN)
    if not capture.is_open:
        return capture
    if capture.created_at > now + CLOCKS_DIFFER:
        waiting.update(created_at=now, sent_at=now - RESEND_AFTER)
        _reload(capture)
    if now >= capture.expires_at:
        _count_ended(Status.EXPIRED, waiting.update(status=Status.EXPIRED, finished_at=now, problem=GONE))
        _forget_images(capture)
    elif capture.attempts >= MAX_ATTEMPTS and waiting.filter(lost(), attempts__gte=MAX_ATTEMPTS).update(
        status=Status.FAILED, finished_at=now, problem=GAVE_UP
    ):
        _count_ended(Status.FAILED, 1)
        _forget_images(capture)
    elif _may_be_lost(capture) and waiting.filter(lost(), sent_at__lte=now - RESEND_AFTER).update(sent_at=now):
        # who looks inside a transaction may take all of it back: then the next look sends, and this one has not
        transaction.on_commit(lambda: _send(capture))
    else:
        return capture
    return _reload(capture)


def _reload(capture: Capture) -> Capture:
    try:
        capture.refresh_from_db()
    except Capture.DoesNotExist:
        raise Gone("This capture was deleted meanwhile.") from None
    return capture


def _may_be_lost(capture: Capture) -> bool:
    """Whether it is time to send again, to a broker that answers: one that hangs would hold up whoever looks."""
    return capture.sent_at <= timezone.now() - RESEND_AFTER and image_store.store_answers()


def refresh_unwatched() -> int:
    """Bring all captures up to date that have waited for a while, for the clock: nobody may be looking at them.

    Returns how many are over now.
    """
    now = timezone.now()
    late = Q(created_at__gt=now - LONG_AGO, created_at__lte=now - RESEND_AFTER)
    old = late | Q(created_at__gt=now + CLOCKS_DIFFER)
    waiting = Capture.objects.filter(old, status__in=OPEN)
    over = 0
    for capture in waiting:
        try:
            over += not refresh(capture=capture).is_open
        except Gone:
            over += 1
    return over


def settle_overdue(*, user: "User") -> int:
    """End all of a person's captures that waited too long, for pages that list many; returns how many there were."""
    now = timezone.now()
    overdue = Capture.objects.filter(user=user, status__in=OPEN, created_at__lte=now - settings.CAPTURE_TTL)
    return _count_ended(Status.EXPIRED, overdue.update(status=Status.EXPIRED, finished_at=now, problem=GONE))


def _count_ended(status: Status, count: int) -> int:
    transaction.on_commit(lambda: metrics.CAPTURES.labels(status.value).inc(count))
    return count


def is_stalled(*, capture: Capture) -> bool:
    """Whether an open capture waits because the store and broker do not answer."""
    seconds = (timezone.now() - capture.created_at).total_seconds()
    return capture.is_open and seconds > 3 and not image_store.store_answers()


def name_mood(*, user: "User", emotion: str) -> Capture:
    """Record a mood that the person named; no picture is involved."""
    _check_emotion(emotion)
    now = timezone.now()
    return Capture.objects.create(
        user=user, source=Source.NAMED, status=Status.DONE, chosen=emotion, created_at=now, finished_at=now
    )


def choose_emotion(*, capture: Capture, emotion: str) -> Capture:
    """Store the person's own answer beside the reader's; "" takes it back."""
    if emotion or capture.source == Source.NAMED:
        _check_emotion(emotion)
    is_changed = Capture.objects.filter(id=capture.id).exclude(status__in=OPEN).update(chosen=emotion)
    _reload(capture)
    if not is_changed:
        raise InvalidInput("This capture is still being read. Please wait for its outcome.")
    return capture


def _check_emotion(emotion: str) -> None:
    if emotion not in EMOTIONS:
        raise InvalidInput(f"Please choose one of {', '.join(EMOTIONS)}.")


def delete_capture(*, capture: Capture) -> None:
    """Delete a capture with everything that hangs on it, its pictures included where they still wait."""
    if capture.is_open:
        _forget_images(capture)
    capture.delete()


def _forget_images(capture: Capture) -> None:
    try:
        image_store.drop(capture.id)
    except Unavailable:
        return  # the store lets them go by itself after CAPTURE_TTL
