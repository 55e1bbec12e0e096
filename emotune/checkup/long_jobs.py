"""Imports, clusterings, copies: how many wait, run, ended how, and which have lost their worker."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import admin
from django.db.models import Count

from emotune import jobs, store
from emotune.checkup.verdicts import Column, Figure, Part, Table, Verdict, rising
from emotune.jobs import Job, JobState

DAY = timedelta(days=1)
# Of each kind so many open ones are looked at; there are seldom more than a few.
MOST_OPEN = 200
COLUMNS = tuple(
    Column(name) for name in ("kind", "waiting", "running", "without a worker", "done", "failed", "cancelled")
)


@dataclass(frozen=True)
class Kind:
    """One kind of job: its open ones, and how many of the last day ended in each state."""

    model: type[Job]
    open: tuple[Job, ...]
    ended: Counter[str]

    @property
    def name(self) -> str:
        return str(self.model._meta.verbose_name_plural)  # noqa: SLF001 - a documented API

    @property
    def address(self) -> str:
        """The name of its list in the admin; empty where it has none."""
        options = self.model._meta  # noqa: SLF001 - a documented API
        is_there = admin.site.is_registered(self.model)
        return f"admin:{options.app_label}_{options.model_name}_changelist" if is_there else ""

    def count(self, state: JobState) -> int:
        return sum(job.state == state for job in self.open)


def kinds(now: datetime) -> tuple[Kind, ...]:
    """Ask the database, twice for each kind."""
    found = []
    for model in jobs.kinds():
        rows = model._default_manager.order_by()  # noqa: SLF001 - a documented API
        waiting = rows.filter(state__in=jobs.OPEN).only("pk", "state", "created_at", "started_at")[:MOST_OPEN]
        ended = rows.filter(created_at__gte=now - DAY).exclude(state__in=jobs.OPEN)
        counts = Counter(dict(ended.values_list("state").annotate(Count("pk"))))
        found.append(Kind(model, tuple(waiting), counts))
    return tuple(found)


def silent(found: tuple[Kind, ...], now: datetime) -> frozenset[Job]:
    """Return the running jobs whose worker says nothing any more, in one question. Raises redis.RedisError."""
    running = [
        job for kind in found for job in kind.open
        if job.state == JobState.RUNNING and job.started_at and now - job.started_at > timedelta(seconds=jobs.SILENCE_S)
    ]  # fmt: skip
    if not running:
        return frozenset()
    with store.client().pipeline(transaction=False) as pipe:
        for job in running:
            pipe.exists(jobs.beat_of(job))
        return frozenset(job for job, beats in zip(running, pipe.execute(), strict=True) if not beats)


def part(found: tuple[Kind, ...], lost: frozenset[Job] | None, now: datetime) -> Part:
    """Judge the jobs; `lost` are those without a worker, None where Redis did not say."""
    waiting = [job for kind in found for job in kind.open if job.state == JobState.QUEUED]
    oldest = max((now - job.created_at for job in waiting), default=timedelta()).total_seconds()
    failed = sum(kind.ended[JobState.FAILED] for kind in found)
    running = sum(kind.count(JobState.RUNNING) for kind in found)
    stale = None if lost is None else len(lost)
    figures = (
        Figure("Running", running),
        Figure("Waiting", len(waiting)),
        Figure("The oldest waits for", oldest, "s", rising(oldest, look=300, act=1800), "Start a worker for jobs."),
        Figure(
            "Without a worker", stale, "", Verdict.LOOK if stale is None else rising(stale, look=1),
            "Open their pages: whoever looks at a job that lost its worker sends it again.",
        ),
        Figure("Failed, last day", failed, "", rising(failed, look=1), "Their pages say why."),
    )  # fmt: skip
    rows = tuple(_row(kind, lost) for kind in found)
    links = tuple((kind.name.capitalize(), kind.address) for kind in found if kind.address)
    return Part("Long jobs", figures, (Table("Jobs, ended ones of the last day", COLUMNS, rows),), links=links)


def _row(kind: Kind, lost: frozenset[Job] | None) -> tuple[str | int | None, ...]:
    ended = (kind.ended[state] for state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED))
    stale = None if lost is None else sum(job in lost for job in kind.open)
    return (kind.name, kind.count(JobState.QUEUED), kind.count(JobState.RUNNING), stale, *ended)
