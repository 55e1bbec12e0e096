"""Captures as services: what is taken, what is refused, and what happens to those that wait."""

import contextlib
import io
import zlib
from datetime import timedelta
from types import SimpleNamespace

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, transaction
from django.utils import timezone
from PIL import Image

from accounts.services import withdraw_consent
from detection import claims, images, services
from detection.models import Capture, Source, Status
from emotune import limits, store
from emotune.errors import Gone, InvalidInput, NotAllowed, TooMany, Unavailable
from tests.factories import make_capture, make_user
from tests.servers import redis_that_is_away

pytestmark = pytest.mark.django_db


def picture(kind="JPEG", size=(64, 48), **options):
    out = io.BytesIO()
    Image.new("RGB", size, "grey").save(out, kind, **options)
    return out.getvalue()


@pytest.fixture
def user():
    cache.clear()  # the person of the test before had the same number
    return make_user(consents=True)


@pytest.fixture
def queue(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.delete("celery")
        yield lambda: client.lrange("celery", 0, -1)


@pytest.fixture
def look(django_capture_on_commit_callbacks):
    def looked(*captures):
        with django_capture_on_commit_callbacks(execute=True):
            return [services.refresh(capture=capture) for capture in captures]

    return looked


def submit(user, *data):
    return services.submit_capture(user=user, images=data or [picture()], source=Source.UPLOAD)


def test_a_capture_is_queued_with_its_pictures_and_one_message(user, queue, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        capture = submit(user, picture(), picture("PNG"))
        assert queue() == []  # nothing is sent before the commit
    assert capture.status == Status.QUEUED
    assert images.fetch(capture.id) == [picture(), picture("PNG")]
    (message,) = queue()
    assert str(capture.id).encode() in message
    assert len(message) < 2000  # an id, no picture


def test_it_refuses_without_consent_and_after_its_withdrawal(user):
    withdraw_consent(user=user)
    for person in (user, make_user()):
        with pytest.raises(NotAllowed, match="agree"):
            submit(person)
    assert not Capture.objects.exists()


def bomb():
    """A PNG that claims 20,000 x 20,000 pixels in a few kilobytes."""

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    header = (20_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress(bytes(20_001) * 200, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


ANIMATED = {"save_all": True, "append_images": [Image.new("RGB", (64, 48), "red")]}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"Dear reader,\nthis is text.\n", "not a JPEG", id="text"),
        pytest.param(bomb(), "million pixels", id="bomb"),
        pytest.param(picture("GIF"), "not a JPEG", id="gif"),
        pytest.param(picture("WEBP", **ANIMATED), "animated", id="animated"),
        pytest.param(bytes(settings.CAPTURE_MAX_BYTES + 1), "MB", id="large"),
    ],
)
def test_it_refuses_what_is_no_picture_with_a_sentence_and_keeps_nothing(user, data, says):
    with pytest.raises(InvalidInput, match=says):
        submit(user, data)
    assert not Capture.objects.exists()


@pytest.mark.parametrize("n", [0, settings.CAPTURE_MAX_FRAMES + 1])
def test_it_refuses_no_frame_and_too_many(user, n):
    with pytest.raises(InvalidInput, match="one picture"):
        services.submit_capture(user=user, images=[picture()] * n, source=Source.CAMERA)


def test_it_refuses_frames_that_have_too_many_pixels_together(user, monkeypatch):
    monkeypatch.setattr(services, "MAX_PIXELS", 2 * 64 * 48)
    submit(user, picture(), picture())
    with pytest.raises(InvalidInput, match="Together these pictures"):
        submit(user, picture(), picture(), picture())


@pytest.fixture
def clock(monkeypatch):
    """Half past a minute, until it is set."""
    now = [60 * 20_000_000 + 30.0]
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: now[0]))
    return now


def test_it_says_how_long_to_wait_after_many_captures(user, settings, clock):
    settings.CAPTURES_PER_MINUTE = 2
    for _ in range(2):
        assert submit(user)
    with pytest.raises(TooMany, match=r"That was 2 captures within a minute\. Please wait 30 seconds\.") as refused:
        submit(user)
    assert refused.value.retry_after == 30
    assert services.name_mood(user=user, emotion="sad").mood == "sad"
    assert submit(make_user(consents=True)), "others have limits of their own"
    clock[0] += 30
    assert submit(user)


def test_who_deletes_captures_may_not_take_more_of_them(user, settings, clock):
    settings.CAPTURES_PER_MINUTE = 2
    for _ in range(2):
        services.delete_capture(capture=submit(user))
    with pytest.raises(TooMany):
        submit(user)


def test_nothing_is_kept_while_the_store_is_away(user, monkeypatch):
    monkeypatch.setattr(store, "client", redis_that_is_away)
    with pytest.raises(Unavailable):
        submit(user)
    assert not Capture.objects.exists()


def test_pictures_are_dropped_when_the_database_takes_no_capture(user, monkeypatch):
    kept = []
    put = images.put

    def keep(capture_id, blobs):
        kept.append(capture_id)
        put(capture_id, blobs)

    monkeypatch.setattr(images, "put", keep)

    def away(*_, **__):
        raise OperationalError("refused")

    monkeypatch.setattr(Capture, "save", away)
    with pytest.raises(OperationalError):
        submit(user)
    assert images.fetch(kept[0]) == []


def waiting(user, *, age, **fields):
    then = timezone.now() - timedelta(seconds=age)
    values = {"source": Source.UPLOAD, "status": Status.QUEUED, "chosen": "", "created_at": then, "sent_at": then}
    return make_capture(user, **{**values, **fields})


def test_looking_at_a_capture_that_just_waits_changes_nothing(user, queue):
    assert services.refresh(capture=waiting(user, age=2)).status == Status.QUEUED
    assert queue() == []


def test_looking_sends_a_lost_message_again_but_once(user, queue, look):
    capture = waiting(user, age=30)
    for _ in range(3):
        look(capture)
    assert len(queue()) == 1


def test_a_look_that_is_taken_back_sends_nothing(user, queue, django_capture_on_commit_callbacks):
    """A submission with an Idempotency-Key that comes too early looks each second, and is rolled back each time."""
    capture = waiting(user, age=30)
    sent_at = capture.sent_at
    with django_capture_on_commit_callbacks(execute=True), contextlib.suppress(RuntimeError), transaction.atomic():
        services.refresh(capture=capture)
        raise RuntimeError
    assert queue() == []
    assert Capture.objects.get(pk=capture.pk).sent_at == sent_at


def test_looking_sends_again_what_a_dead_worker_had(user, queue, look):
    long_ago = timezone.now() - claims.LEASE - timedelta(seconds=1)
    busy = waiting(user, age=30, status=Status.READING, claimed_at=timezone.now(), attempts=1)
    dead = waiting(user, age=30, status=Status.READING, claimed_at=long_ago, attempts=1)
    look(busy, dead)
    (message,) = queue()
    assert str(dead.id).encode() in message


def test_a_claim_from_before_the_clock_was_set_back_holds_nobody_up(user):
    ahead = timezone.now() + timedelta(hours=1)
    held = waiting(user, age=0, status=Status.READING, claimed_at=ahead, attempts=1)
    taken = claims.claim(str(held.id), redelivered=False)
    assert taken
    assert taken.attempts == 2
    assert taken.claimed_at
    assert taken.claimed_at < ahead


def test_captures_from_before_the_clock_was_set_back_count_against_no_limit(user, settings, clock):
    settings.CAPTURES_PER_MINUTE = 1
    submit(user)
    clock[0] -= 3600
    assert submit(user).status == Status.QUEUED


def test_a_capture_from_before_the_clock_was_set_back_is_dated_anew_and_sent_again(user, queue, look):
    ahead = waiting(user, age=-3600)
    look(ahead)
    assert abs((timezone.now() - ahead.created_at).total_seconds()) < 5
    assert len(queue()) == 1


def test_what_is_deleted_while_somebody_looks_is_gone_and_holds_up_nobody_else(user, queue, monkeypatch):
    overdue = settings.CAPTURE_TTL.total_seconds() + 1
    deleted, other = waiting(user, age=overdue), waiting(user, age=overdue)
    Capture.objects.filter(pk=deleted.pk).delete()
    with pytest.raises(Gone, match="deleted meanwhile"):
        services.refresh(capture=deleted)
    with pytest.raises(Gone, match="deleted meanwhile"):
        services.choose_emotion(capture=deleted, emotion="sad")
    real = services.refresh
    monkeypatch.setattr(services, "refresh", lambda capture: real(capture=deleted if capture == other else capture))
    third = waiting(user, age=overdue)
    assert services.refresh_unwatched() == 2
    third.refresh_from_db()
    assert third.status == Status.EXPIRED


def test_the_clock_sends_again_and_ends_what_nobody_looks_at(user, queue, django_capture_on_commit_callbacks):
    overdue = settings.CAPTURE_TTL.total_seconds() + 1
    late, over, young, ahead = (waiting(user, age=age) for age in (30, overdue, 5, -3600))
    images.put(over.id, [picture()])
    with django_capture_on_commit_callbacks(execute=True):
        assert services.refresh_unwatched() == 1
    sent = b" ".join(queue())
    assert [str(capture.id).encode() in sent for capture in (late, over, young, ahead)] == [True, False, False, True]
    over.refresh_from_db()
    assert over.status == Status.EXPIRED
    assert images.fetch(over.id) == []


def test_the_clock_leaves_what_has_waited_for_an_hour_to_its_owner(user, queue):
    """As after a long outage of the clock: there may be thousands."""
    minutes = {age: waiting(user, age=60 * age) for age in (59, 61)}
    assert services.refresh_unwatched() == 1
    assert Capture.objects.get(pk=minutes[59].pk).status == Status.EXPIRED
    assert Capture.objects.get(pk=minutes[61].pk).status == Status.QUEUED
    assert services.refresh(capture=minutes[61]).status == Status.EXPIRED


def test_looking_does_not_wait_for_a_broker_that_does_not_answer(user, queue, monkeypatch):
    monkeypatch.setattr(images, "store_answers", lambda: False)
    capture = waiting(user, age=30)
    sent_at = capture.sent_at
    assert services.refresh(capture=capture).sent_at == sent_at
    assert queue() == []


def test_looking_ends_what_waited_too_long(user):
    capture = services.refresh(capture=waiting(user, age=settings.CAPTURE_TTL.total_seconds() + 1))
    assert (capture.status, capture.problem) == (Status.EXPIRED, claims.GONE)
    assert capture.finished_at


def test_a_list_ends_all_that_waited_too_long_at_once(user):
    old, young = waiting(user, age=settings.CAPTURE_TTL.total_seconds() + 1), waiting(user, age=5)
    stranger = waiting(make_user(), age=settings.CAPTURE_TTL.total_seconds() + 1)
    assert services.settle_overdue(user=user) == 1
    for capture, status in ((old, Status.EXPIRED), (young, Status.QUEUED), (stranger, Status.QUEUED)):
        capture.refresh_from_db()
        assert capture.status == status


def test_looking_gives_up_after_three_attempts(user):
    long_ago = timezone.now() - claims.LEASE - timedelta(seconds=1)
    capture = waiting(user, age=60, status=Status.READING, claimed_at=long_ago, attempts=claims.MAX_ATTEMPTS)
    images.put(capture.id, [picture()])
    assert services.refresh(capture=capture).status == Status.FAILED
    assert images.fetch(capture.id) == []


def test_a_capture_is_claimed_once_and_settled_once(user):
    capture = waiting(user, age=1)
    first = claims.claim(str(capture.id), redelivered=False)
    assert first is not None
    assert claims.claim(str(capture.id), redelivered=False) is None
    second = claims.claim(str(capture.id), redelivered=True)  # the first worker is dead, says the broker
    assert second is not None
    assert claims.settle(second, Status.DONE, emotion="sad")
    assert not claims.settle(first, Status.FAILED, problem="late")
    capture.refresh_from_db()
    assert (capture.status, capture.emotion, capture.attempts) == (Status.DONE, "sad", 2)


def test_a_fourth_attempt_is_not_claimed(user):
    capture = waiting(user, age=1, attempts=claims.MAX_ATTEMPTS)
    assert claims.claim(str(capture.id), redelivered=True) is None


def test_the_persons_word_counts_and_can_be_taken_back(user):
    capture = make_capture(user, source=Source.CAMERA, emotion="sad", chosen="")
    assert services.choose_emotion(capture=capture, emotion="fear").mood == "fear"
    assert services.choose_emotion(capture=capture, emotion="").mood == "sad"
    with pytest.raises(InvalidInput, match="choose one of"):
        services.choose_emotion(capture=capture, emotion="bored")
    with pytest.raises(InvalidInput, match="still being read"):
        services.choose_emotion(capture=waiting(user, age=1), emotion="sad")


def test_a_named_mood_cannot_be_emptied(user):
    with pytest.raises(InvalidInput):
        services.choose_emotion(capture=services.name_mood(user=user, emotion="sad"), emotion="")


def test_deleting_an_open_capture_drops_its_pictures(user):
    capture = waiting(user, age=1)
    images.put(capture.id, [picture()])
    services.delete_capture(capture=capture)
    assert images.fetch(capture.id) == []
    assert not Capture.objects.exists()
