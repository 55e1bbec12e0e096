"""Is it well? Each figure has a verdict, whatever part is away; the page asks as often for many rows as for few."""

import os
import time
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection
from django.urls import reverse
from django.utils import timezone
from fakeredis import FakeRedis

from accounts.models import Export
from catalogue.models import Import
from detection import checkup as of_captures
from detection.models import Source, Status
from detection.queries import times
from emotune import jobs, store, workers
from emotune.checkup import broker, machine, service
from emotune.checkup.bounds import in_time
from emotune.checkup.verdicts import Verdict
from emotune.jobs import JobState
from tests.api_site import bearing, check_problem, fresh_limits, token_of
from tests.factories import make_capture, make_user
from tests.servers import redis_that_is_away

__all__ = ["fresh_limits"]
pytestmark = pytest.mark.django_db
PAGE = "/admin/health/"


@pytest.fixture
def boss():
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def boss_client(client, boss):
    client.force_login(boss)
    return client


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    found = FakeRedis()
    monkeypatch.setattr(store, "client", lambda: found)
    return found


def part(title, report=None):
    (found,) = [each for each in (report or service.check()).parts if each.title == title]
    return found


def figure(title, name, report=None):
    (found,) = [each for each in part(title, report).figures if each.name == name]
    return found


def read(user, *, ago=timedelta(minutes=1), status=Status.DONE, waited=0.2, **fields):
    at = timezone.now() - ago
    claimed = None if status == Status.QUEUED else at + timedelta(seconds=waited)
    more = {"source": Source.CAMERA, "chosen": "", "claimed_at": claimed, "milliseconds": 60.0, "created_at": at}
    return make_capture(user, status=status, **more | fields)


def warm_reader():
    for role in (workers.FACES, workers.JOBS):
        voice = workers.Voice(role)
        voice.name = f"{role}:1"
        voice.is_warm = role == workers.FACES
        voice.say()


def test_all_is_well_with_warm_workers_and_nothing_to_do(boss):
    warm_reader()
    report = service.check()
    assert report.to_do == []
    assert (report.verdict, report.headline) == (Verdict.GOOD, "All is well.")


def test_without_a_warm_reader_something_has_to_be_done_now():
    report = service.check()
    assert report.verdict == Verdict.ACT
    assert "workers" in report.headline
    assert report.to_do[0][1].verdict == Verdict.ACT
    assert all(each.advice for _, each in report.to_do)


def test_captures_are_counted_by_outcome_within_the_hour_and_the_day(boss):
    for status in (Status.DONE, Status.DONE, Status.NO_FACE, Status.UNSURE, Status.FAILED):
        read(boss, status=status)
    read(boss, ago=timedelta(hours=5), status=Status.FAILED)
    read(boss, ago=timedelta(hours=3), status=Status.QUEUED)  # nobody looked at it again
    read(boss, ago=timedelta(hours=30))
    make_capture(boss)  # a mood that was named
    found = part("Captures")
    counted = {row[0]: row[1:] for row in found.tables[0].rows}
    assert counted["read"] == (2, 2)
    assert counted["could not be read"] == (1, 2)
    assert counted["waited too long"] == (0, 1)
    assert counted["waiting for the reader"] == (0, 0)
    everything, bad = found.series
    assert (sum(everything.values), sum(bad.values)) == (7, 3)
    assert len(everything.labels) == 25


def test_times_are_quantiles_of_waiting_and_reading(boss):
    for n in range(1, 21):
        read(boss, waited=n / 10, milliseconds=10.0 * n)
    read(boss, status=Status.QUEUED)
    waiting, reading = part("Captures").tables[1].rows
    assert waiting[1:3] == (pytest.approx(1.0), pytest.approx(1.9))
    assert reading[1:3] == (pytest.approx(0.1), pytest.approx(0.19))
    assert waiting[3:] == waiting[1:3]


def test_of_many_captures_an_even_share_is_taken(boss, monkeypatch):
    monkeypatch.setattr(of_captures, "SAMPLE", 20)
    captures = [read(boss, waited=1) for _ in range(200)]
    taken = times(timezone.now() - timedelta(hours=1), of_captures._share(Counter(done=200)))
    assert 2 < len(taken) < 60
    assert len(times(timezone.now() - timedelta(hours=1), 1.0)) == len(captures)


def test_a_capture_that_waits_long_is_a_reason_to_look_and_then_to_act(boss):
    capture = read(boss, status=Status.QUEUED, ago=timedelta(seconds=5))
    assert figure("Captures", "The oldest waits for").verdict == Verdict.LOOK
    capture.created_at = timezone.now() - timedelta(seconds=30)
    capture.save()
    found = figure("Captures", "The oldest waits for")
    assert found.verdict == Verdict.ACT
    assert found.value == pytest.approx(30, abs=2)
    assert figure("Captures", "Waiting").value == 1


def test_one_failure_is_nothing_some_are_looked_at_and_many_are_acted_on(boss):
    read(boss, status=Status.FAILED)
    assert figure("Captures", "Failed or expired, last hour").verdict == Verdict.GOOD
    for _ in range(4):
        read(boss, status=Status.FAILED)
    assert figure("Captures", "Failed or expired, last hour").verdict == Verdict.LOOK
    for _ in range(10):
        read(boss)
    assert figure("Captures", "Failed or expired, last hour").verdict == Verdict.ACT


def test_what_people_put_right_is_summed_up(boss):
    for n in range(40):
        read(boss, emotion="happy", chosen="sad" if n % 2 else "")
    found = part("Reader")
    assert figure("Reader", "People let stand").value == pytest.approx(0.5)
    assert found.verdict == Verdict.LOOK
    assert found.tables[0].rows == (("happy", 40, 20, 0.5),)


def test_queues_and_workers_are_told(memory):
    memory.rpush("celery", *range(30))
    warm_reader()
    memory.pexpire("emotune:worker:faces:1", 1000 * (workers.FORGET_AFTER_S - 60))
    report = service.check()
    assert (figure("Queues", "Captures in the queue", report).value) == 30
    assert figure("Queues", "Captures in the queue", report).verdict == Verdict.LOOK
    assert figure("Workers", "Warm readers", report).verdict == Verdict.ACT
    assert figure("Workers", "Fell silent", report).value == 1
    assert {row[0]: row[2] for row in part("Workers", report).tables[0].rows} == {
        "faces:1": "silent",
        "jobs:1": "waiting",
    }


def test_what_the_clock_sends_during_a_long_job_is_no_alarm(memory):
    memory.rpush(jobs.QUEUE, *range(200))
    warm_reader()
    report = service.check()
    assert figure("Queues", "Jobs in the queue", report).value == 200
    assert report.verdict == Verdict.GOOD


def test_a_full_redis_is_told(memory, monkeypatch):
    monkeypatch.setattr(memory, "info", lambda _section: {"used_memory": 95, "maxmemory": 100}, raising=False)
    assert figure("Queues", "Memory of Redis").verdict == Verdict.ACT


def test_jobs_that_lost_their_worker_are_found_without_touching_them(memory, boss):
    long_ago = timezone.now() - timedelta(hours=1)
    lost, held = (
        Import.objects.create(name=name, state=JobState.RUNNING, started_at=long_ago, created_at=long_ago)
        for name in ("lost.csv", "held.csv")
    )
    memory.set(jobs.beat_of(held), "1")
    Export.objects.create(user=boss, state=JobState.FAILED)
    report = service.check()
    assert figure("Long jobs", "Without a worker", report).value == 1
    assert figure("Long jobs", "Failed, last day", report).value == 1
    assert figure("Long jobs", "Running", report).value == 2
    lost.refresh_from_db()
    assert lost.state == JobState.RUNNING
    assert "lost.csv" not in str(report)


def test_disk_and_backup_are_judged(monkeypatch, settings):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(total=10**12, free=10**9))
    assert figure("Machine", "Free in EMOTUNE_DIR").verdict == Verdict.ACT
    assert figure("Machine", "Last backup").verdict == Verdict.GOOD
    settings.PRODUCTION = True
    assert figure("Machine", "Last backup").verdict == Verdict.LOOK
    mark = settings.DATA_DIR / machine.BACKUP_MARK
    mark.touch()
    try:
        assert figure("Machine", "Last backup, ago").verdict == Verdict.GOOD
        three_days = time.time() - 3 * 86_400
        os.utime(mark, (three_days, three_days))
        assert figure("Machine", "Last backup, ago").verdict == Verdict.LOOK
    finally:
        mark.unlink()


def test_a_machine_that_cannot_be_asked_hides_no_other_part(monkeypatch):
    def gone(_):
        raise FileNotFoundError

    monkeypatch.setattr("shutil.disk_usage", gone)
    report = service.check()
    assert figure("Machine", "State", report).verdict == Verdict.LOOK
    assert figure("Captures", "Waiting", report).value == 0


def test_migrations_that_wait_are_told():
    connection.cursor().execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    found = figure("Database", "Migrations that wait")
    assert (found.value, found.verdict) == (1, Verdict.ACT)


def test_the_page_asks_as_often_for_many_rows_as_for_few(boss_client, boss, django_assert_num_queries):
    def fill(rows):
        for n in range(rows):
            read(boss, status=list(Status)[n % 7], emotion="happy", ago=timedelta(minutes=7 * n))
            Import.objects.create(name=f"{n}.csv", state=list(JobState)[n % 5], started_at=timezone.now())

    fill(10)
    boss_client.get(PAGE)
    with django_assert_num_queries(18) as few:
        boss_client.get(PAGE)
    fill(10)
    with django_assert_num_queries(len(few.captured_queries)):
        boss_client.get(PAGE)


def test_the_page_shows_every_figure_with_its_verdict_and_no_picture(boss_client, boss):
    read(boss, status=Status.FAILED)
    page = boss_client.get(PAGE)
    words = page.content.decode()
    report = page.context["report"]
    for each in (figure for part in report.parts for figure in part.figures):
        assert f'<th scope="row">{each.name}</th>' in words
    assert words.count('class="sparkline"') == 2
    assert "<img" not in words
    assert boss.email not in words.split('id="content-main"')[1]
    assert "style=" not in words.split('id="content-main"')[1]


def test_htmx_gets_the_fragment_alone_and_the_first_page_a_line(boss_client):
    fragment = boss_client.get(PAGE, headers={"hx-request": "true"}).content.decode()
    assert fragment.startswith('<p class="headline')
    assert "<html" not in fragment
    line = boss_client.get(reverse("admin-health-summary")).content.decode()
    assert "Act now" in line
    assert PAGE in boss_client.get(reverse("admin:index")).content.decode()


@pytest.mark.parametrize("address", [PAGE, "/admin/health/summary/"])
def test_nobody_but_staff_sees_it(client, address):
    assert client.get(address).status_code == 302
    client.force_login(make_user())
    assert client.get(address).status_code in (302, 403)
    client.force_login(make_user(is_staff=True))
    assert client.get(address).status_code == 200


def test_programs_get_the_same_with_the_scope_for_it(client, boss):
    warm_reader()
    answer = client.get(reverse("api-status"), headers=bearing(token_of(boss, "admin")))
    assert answer.status_code == 200
    found = answer.json()
    assert found["verdict"] == "good"
    assert [each["title"] for each in found["parts"]] == [each.title for each in service.check().parts]
    (wait,) = [each for each in found["parts"][0]["figures"] if each["name"] == "The oldest waits for"]
    assert (wait["value"], wait["unit"], wait["verdict"]) == (0.0, "s", "good")
    check_problem(client.get(reverse("api-status"), headers=bearing(token_of(boss, "read"))), 403)
    check_problem(client.get(reverse("api-status"), headers=bearing(token_of(make_user(), "read"))), 403)
    check_problem(client.get(reverse("api-status")), 401)


def test_redis_that_is_away_is_one_thing_to_do_and_the_rest_is_known(boss_client, boss, monkeypatch):
    read(boss)
    monkeypatch.setattr(store, "client", redis_that_is_away)
    page = boss_client.get(PAGE)
    report = page.context["report"]
    assert page.status_code == 200
    assert report.headline == "Act now: queues."
    assert figure("Workers", "Workers", report).value is None
    assert figure("Captures", "Last hour", report).value == 1


def test_a_question_that_breaks_hides_no_other(boss_client, monkeypatch):
    def broken(_now):
        raise ZeroDivisionError

    monkeypatch.setitem(of_captures.PARTS, "Captures", broken)
    page = boss_client.get(PAGE)
    assert page.status_code == 200
    assert figure("Captures", "State", page.context["report"]).verdict == Verdict.LOOK
    assert figure("Reader", "Model", page.context["report"]).value


def test_what_takes_too_long_in_sqlite_is_cut_short():
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    start = time.monotonic()
    with pytest.raises(OperationalError), in_time(start + 0.2, 5), connection.cursor() as cursor:
        cursor.execute(endless)
    assert time.monotonic() - start < 30
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_what_would_begin_too_late_does_not_begin():
    with (
        pytest.raises(OperationalError, match="no time left"),
        in_time(time.monotonic() - 1, 5),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1")


def test_a_staff_member_needs_no_further_right(client):
    clerk = make_user(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_track"))
    client.force_login(clerk)
    assert client.get(PAGE).status_code == 200
    assert broker.part_of_queues(None).verdict == Verdict.ACT
