"""Long jobs: carried out once whatever happens to workers, with progress, cancelling and an end in words."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
import redis
from celery import current_app, shared_task
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from catalogue.models import Import
from emotune import jobs
from emotune import store as stores
from emotune.errors import InvalidInput, Unavailable
from emotune.jobs import Cancelled, JobState, Progress
from tests.servers import redis_that_is_away

pytestmark = pytest.mark.django_db


@shared_task(name="tests.work")
def work(_job_id: str) -> None:
    """Is only sent, never carried out here."""


@pytest.fixture
def store() -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(jobs.QUEUE)
        yield client
        client.delete(jobs.QUEUE)


@pytest.fixture
def no_store(monkeypatch) -> None:
    """A Redis, which is the broker too, that does not answer."""
    monkeypatch.setattr(stores, "client", redis_that_is_away)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Beats that come fast, and a silence that no slow machine reaches: see `be_silent`."""
    monkeypatch.setattr(jobs, "BEAT_S", 0.02)
    monkeypatch.setattr(jobs, "SILENCE_S", 60)
    monkeypatch.setattr(jobs, "REPORT_S", 0)


@pytest.fixture
def beats_by_hand(monkeypatch) -> None:
    """No beat but the one that a run begins with and those that the test gives."""
    monkeypatch.setattr(jobs, "Heartbeat", lambda *_, **__: SimpleNamespace(start=list, stop=list))


@pytest.fixture
def job() -> Import:
    return Import.objects.create(name="muse.csv", task=work.name)


def lost(job: Import, attempts: int = 1) -> Import:
    """Make a job one whose worker was killed a while ago."""
    job.state, job.attempts = JobState.RUNNING, attempts
    job.started_at = timezone.now() - timedelta(minutes=1)
    job.save()
    return job


def be_silent(job: Import) -> None:
    """Let as much time pass, for who missed a job's beat, as it takes to be sure."""
    stores.client().pexpire(jobs._suspicion_of(job), int(1000 * (jobs.KEEP_S - jobs.SILENCE_S)))


def looked_at_twice(job: Import) -> Import:
    """Look, and look again as much later as it takes to be sure."""
    jobs.refresh(job)
    be_silent(job)
    return jobs.refresh(job)


def sent(store: "redis.Redis") -> int:
    return int(store.llen(jobs.QUEUE))


def again(job: Import) -> Import:
    return Import.objects.get(pk=job.pk)


def test_it_is_sent_to_its_own_queue_after_the_commit_and_not_before(store, django_capture_on_commit_callbacks):
    job = Import.objects.create(name="muse.csv")
    with django_capture_on_commit_callbacks(execute=True):
        jobs.submit(job, work)
        assert sent(store) == 0
    assert sent(store) == 1
    assert str(job.pk).encode() in store.lindex(jobs.QUEUE, 0)
    assert again(job).state == JobState.QUEUED
    assert current_app.conf.task_default_queue != jobs.QUEUE


def test_with_no_broker_it_fails_with_a_sentence(no_store, django_capture_on_commit_callbacks):
    job = Import.objects.create(name="muse.csv")
    with django_capture_on_commit_callbacks(execute=True):
        jobs.submit(job, work)
    assert (again(job).state, again(job).error) == (JobState.FAILED, jobs.NOT_SENT)
    assert job.is_over


def test_it_is_done_when_its_work_is(job):
    with jobs.running(job):
        state = again(job).state
    assert state == JobState.RUNNING
    assert again(job).state == JobState.DONE
    assert again(job).finished_at


def test_progress_can_be_seen_while_its_transaction_is_open(job):
    assert jobs.progress_of(job) == Progress(0, None, "")
    with jobs.running(job) as run:
        assert run
        run.step(30, 120, "reading rows")
        seen = jobs.progress_of(job)
    assert seen == Progress(30, 120, "reading rows")
    assert Progress(30, 120).percent == 25
    assert Progress(5).percent is None


def test_progress_is_unknown_without_a_store_and_the_work_goes_on(job, no_store):
    with jobs.running(job) as run:
        assert run
        run.step(1, 2)
        seen = jobs.progress_of(job)
    assert seen == Progress()
    assert again(job).state == JobState.DONE


@pytest.mark.usefixtures("beats_by_hand")
def test_a_run_that_could_not_say_who_it_is_is_not_taken_for_another_one(job, store, monkeypatch):
    store.set(f"emotune:job:{job.pk}:holder", "of a worker that died")
    working = stores.client
    monkeypatch.setattr(stores, "client", redis_that_is_away)
    with jobs.running(job) as run:
        assert run
        monkeypatch.setattr(stores, "client", working)
        run.step(1, 2)
    assert again(job).state == JobState.DONE


def test_an_error_for_people_ends_it_with_its_sentence(job):
    with jobs.running(job):
        raise InvalidInput("The file is empty.")
    assert (again(job).state, again(job).error) == (JobState.FAILED, "The file is empty.")


def test_any_other_error_ends_it_with_a_plain_sentence_and_is_logged(job, caplog):
    with jobs.running(job):
        raise ZeroDivisionError("secrets")
    assert (again(job).state, again(job).error) == (JobState.FAILED, jobs.WENT_WRONG)
    assert "ZeroDivisionError: secrets" in caplog.text


def test_two_workers_carry_it_out_once(job):
    other = again(job)
    with jobs.running(job) as run:
        assert run
        with jobs.running(other) as second, jobs.running(again(job)) as third:
            pass
    with jobs.running(again(job)) as late:
        pass
    assert (second, third, late) == (None, None, None)
    assert again(job).attempts == 1


def test_a_job_that_has_gone_is_nothing_to_do(job):
    gone = again(job)
    job.delete()
    with jobs.running(gone) as run, jobs.running(None) as nothing:
        pass
    assert (run, nothing) == (None, None)


def test_a_job_deleted_while_it_runs_ends_quietly(job):
    with jobs.running(job) as run:
        assert run
        Import.objects.all().delete()
    assert not Import.objects.exists()


def test_a_queued_job_is_cancelled_at_once(job):
    jobs.request_cancel(job)
    assert again(job).state == JobState.CANCELLED
    with jobs.running(again(job)) as run:
        pass
    assert run is None


def test_a_running_job_is_cancelled_at_its_next_step(job):
    done = []
    with jobs.running(job) as run:
        assert run
        run.step(1)
        jobs.request_cancel(again(job))
        jobs.request_cancel(again(job))
        assert again(job).state == JobState.RUNNING
        with pytest.raises(Cancelled):
            run.check()
        run.step(2)
        done.append("too far")
    assert again(job).state == JobState.CANCELLED
    assert not done


def test_cancelling_what_is_over_changes_nothing(job):
    with jobs.running(job):
        pass
    jobs.request_cancel(again(job))
    assert again(job).state == JobState.DONE


def test_cancelling_without_a_store_says_so(job, no_store):
    with pytest.raises(Unavailable, match="try again"):
        jobs.request_cancel(lost(job))


def test_a_job_whose_worker_died_is_queued_and_sent_again(job, store):
    lost(job)
    for _ in range(2):  # so soon one after the other they are as good as one
        assert (jobs.refresh(job).state, sent(store)) == (JobState.RUNNING, 0)
    seen = looked_at_twice(job)
    assert (seen.state, sent(store)) == (JobState.QUEUED, 1)
    jobs.refresh(seen)
    assert sent(store) == 1
    with jobs.running(again(job)) as run:
        assert run
    assert (again(job).state, again(job).attempts) == (JobState.DONE, 2)


def test_a_job_that_was_never_sent_for_its_web_process_died_is_over_after_a_minute(store):
    unsent = Import.objects.create(name="muse.csv")
    assert jobs.refresh(unsent).state == JobState.QUEUED
    Import.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    seen = jobs.refresh(again(unsent))
    assert (seen.state, seen.error, sent(store)) == (JobState.FAILED, jobs.NOT_SENT, 0)


def test_a_job_that_lost_its_worker_three_times_fails_with_a_sentence(job, store):
    seen = looked_at_twice(lost(job, attempts=3))
    assert (seen.state, seen.error, sent(store)) == (JobState.FAILED, jobs.GAVE_UP, 0)


def test_a_job_whose_worker_died_after_it_was_cancelled_is_cancelled(job, store):
    jobs.request_cancel(lost(job))
    assert looked_at_twice(again(job)).state == JobState.CANCELLED
    assert sent(store) == 0


def test_a_running_job_is_left_alone_by_whoever_looks(job, store):
    with jobs.running(job):
        state = looked_at_twice(again(job)).state
    assert state == JobState.RUNNING
    assert (again(job).state, sent(store)) == (JobState.DONE, 0)


def test_a_queued_job_whose_message_was_lost_is_sent_again_once(job, store):
    for _ in range(3):
        assert jobs.refresh(job).state == JobState.QUEUED
    assert sent(store) == 1


def test_looking_without_a_store_changes_nothing(job, no_store):
    lost(job)
    assert [jobs.refresh(job).state for _ in range(2)] == [JobState.RUNNING] * 2


@pytest.mark.usefixtures("beats_by_hand")
def test_a_living_worker_is_left_alone_when_the_store_comes_back_empty(job, store):
    """Its beat is gone with everything else, once and then once more; each time the next one follows soon."""
    with jobs.running(job) as run:
        assert run
        Import.objects.update(started_at=timezone.now() - timedelta(minutes=1))
        for key in store.keys(f"emotune:job:{job.pk}:*"):
            store.delete(key)
        for _ in range(2):
            store.delete(jobs.beat_of(job))
            missed = jobs.refresh(again(job))
            assert (missed.state, sent(store)) == (JobState.RUNNING, 0)
            assert store.exists(jobs._suspicion_of(missed))
            be_silent(missed)
            run._beat()
        run.step(1)
    assert (again(job).state, again(job).attempts) == (JobState.DONE, 1)


@pytest.mark.parametrize(
    "change", [{"state": JobState.QUEUED}, {"state": JobState.FAILED, "error": jobs.GAVE_UP}, {"attempts": 2}]
)
@pytest.mark.parametrize("has_store", [True, False])
def test_a_run_whose_row_is_not_its_own_any_more_stops_and_writes_nothing(job, change, has_store, request):
    if not has_store:
        request.getfixturevalue("no_store")
    with jobs.running(job) as run:
        assert run
        run.step(1)
        Import.objects.filter(pk=job.pk).update(**change)
        run.step(2)
        pytest.fail("it went on")
    kept = Import.objects.values("state", "attempts", "error", "finished_at").get(pk=job.pk)
    assert kept == {"state": JobState.RUNNING, "attempts": 1, "error": "", "finished_at": None} | change


def test_a_message_that_comes_back_to_an_empty_store_waits_for_the_living_workers_next_beat(job, store):
    with jobs.running(job) as run:
        assert run
        for key in store.keys(f"emotune:job:{job.pk}:*"):
            store.delete(key)
        with jobs.running(again(job)) as second:
            assert second is None
    assert (again(job).state, again(job).attempts) == (JobState.DONE, 1)


def test_a_message_that_comes_back_waits_for_the_dead_workers_last_beat(job, store, monkeypatch):
    monkeypatch.setattr(jobs, "SILENCE_S", 0.1)
    start = time.monotonic()
    store.set(jobs.beat_of(job), "1", px=400)
    with jobs.running(lost(job)) as run:
        assert run
        assert time.monotonic() - start > 0.35
    assert (again(job).state, again(job).attempts) == (JobState.DONE, 2)


def test_a_message_that_comes_back_leaves_a_living_worker_alone(job, store):
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.02):
            store.set(jobs.beat_of(job), str(time.time()), ex=60)

    store.set(jobs.beat_of(job), "1", ex=60)
    thread = threading.Thread(target=beat)
    thread.start()
    with jobs.running(lost(job)) as run:
        assert run is None
    over.set()
    thread.join()
    assert again(job).state == JobState.RUNNING


def test_a_worker_that_was_taken_for_dead_gives_way_to_the_next(job):
    with jobs.running(job) as slow:
        assert slow
        with jobs.running(lost(again(job))) as run:
            assert run is None  # the first still beats
        Import.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
        with jobs.running(again(job)) as second:
            assert second
        slow.step(1)
        pytest.fail("it did not give way")
    assert (again(job).state, again(job).attempts) == (JobState.DONE, 2)


def test_a_worker_that_starts_finds_what_a_power_cut_left(job, store):
    lost(job)
    finished = Import.objects.create(name="done.csv", state=JobState.DONE)
    jobs.refresh_all()
    be_silent(job)
    jobs.refresh_jobs()
    assert (again(job).state, again(finished).state, sent(store)) == (JobState.QUEUED, JobState.DONE, 1)


@pytest.mark.parametrize("end", ["done", "cancelled", "lost"])
def test_what_only_an_open_job_needs_is_let_go(job, end):
    job.file.save("muse.csv", ContentFile(b"rows"))
    storage, name = job.file.storage, job.file.name
    assert storage.exists(name)
    if end == "done":
        with jobs.running(job):
            pass
    elif end == "cancelled":
        jobs.request_cancel(job)
    else:
        looked_at_twice(lost(job, attempts=3))
    assert not storage.exists(name)
    assert again(job).file.name == ""


@pytest.mark.parametrize("state", [JobState.DONE, JobState.CANCELLED, JobState.FAILED])
def test_what_is_left_where_somebody_died_while_ending_a_job_goes_by_the_clock(job, state):
    running = lost(Import.objects.create(name="runs.csv", task=work.name))
    for each in (job, running):
        each.file.save("muse.csv", ContentFile(b"rows"))
    Import.objects.filter(pk=job.pk).update(state=state)  # and no more than that
    for _ in range(2):
        jobs.refresh_jobs()
        assert not job.file.storage.exists(job.file.name)
        assert again(job).file.name == ""
    assert again(running).file
    running.file.delete()


@pytest.mark.parametrize(
    "change", [{"state": JobState.QUEUED}, {"state": JobState.FAILED, "error": jobs.GAVE_UP}, {"attempts": 2}]
)
def test_a_transaction_that_holds_a_job_that_was_moved_meanwhile_writes_nothing(job, change):
    with jobs.running(job) as run:
        assert run
        with transaction.atomic():
            run.hold()
            Import.objects.create(name="first")
        Import.objects.filter(pk=job.pk).update(**change)
        with transaction.atomic():
            Import.objects.create(name="second")
            run.hold()
        pytest.fail("it went on")
    assert set(Import.objects.values_list("name", flat=True)) == {"muse.csv", "first"}
    assert again(job).state == change.get("state", JobState.RUNNING)
