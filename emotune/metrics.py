"""Figures for Prometheus: what every process of this machine counts, and how long the queues are.

The processes of one machine write their figures into one folder (`EMOTUNE_DIR`/metrics), and whoever is asked adds them
up, so that `/metrics` of the web tells of the workers beside it too. A worker on another machine serves its own
(`WORKER_METRICS_PORT`).
"""

import os
import secrets
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import redis
from celery import current_app
from celery.signals import task_failure, task_postrun, task_prerun, task_retry, worker_init
from django.conf import settings
from django.http import HttpRequest, HttpResponse

FOLDER = settings.METRICS_DIR
# The folder has to be known before the package is imported: it decides then how values are kept. A command of manage.py
# counts in memory: nobody asks it, and its files would stay for ever.
if Path(sys.argv[0]).name == "manage.py" and "runserver" not in sys.argv:
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
else:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(FOLDER)

from prometheus_client import (  # noqa: E402
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402
from prometheus_client.registry import Collector  # noqa: E402

from emotune import figures, jobs, store  # noqa: E402
from emotune.http import GetResponse  # noqa: E402
from emotune.workers import warm_readers  # noqa: E402

figures.guard()

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Counter("emotune_requests", "Requests answered.", ["method", "view", "status"])
REQUEST_SECONDS = Histogram("emotune_request_seconds", "Time to an answer.", ["view"], buckets=SECONDS)
TASKS = Counter("emotune_tasks", "Tasks ended, by state.", ["task", "state"])
TASK_SECONDS = Histogram("emotune_task_seconds", "Time in a task.", ["task"], buckets=SECONDS)
CAPTURES = Counter("emotune_captures", "Captures ended, by outcome.", ["status"])
CAPTURE_RETRIES = Counter("emotune_capture_retries", "Captures that were taken up a second or third time.")
CAPTURE_WAIT = Histogram("emotune_capture_wait_seconds", "From the submission to a worker.", buckets=SECONDS)
READING_SECONDS = Histogram("emotune_reading_seconds", "Decoding, finding and reading faces.", buckets=SECONDS)

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class MetricsMiddleware:
    """Count requests by the name of their view, never by their path, which may hold anything; answer /metrics.

    A scraper reaches a process by an address of its own, which is no host that people open, and without https.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/metrics":
            return metrics(request)
        start = time.perf_counter()
        response = self.get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else "none"
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(method, view, response.status_code).inc()
        REQUEST_SECONDS.labels(view).observe(time.perf_counter() - start)
        return response


class Queues(Collector):
    """How much waits, asked when somebody wants to know."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        depth = GaugeMetricFamily("emotune_queue_depth", "Messages that wait in a queue.", labels=["queue"])
        warm = GaugeMetricFamily("emotune_warm_readers", "Worker processes whose reader is loaded.")
        try:
            for queue in (current_app.conf.task_default_queue, jobs.QUEUE):
                depth.add_metric([queue], store.client().llen(queue))
            warm.add_metric([], warm_readers())
        except redis.RedisError:
            return
        yield depth
        yield warm


def metrics(request: HttpRequest) -> HttpResponse:
    """Serve the figures to whoever has METRICS_TOKEN; without one set, to this machine alone."""
    if not _may_read(request):
        return HttpResponse("Send `Authorization: Bearer` with the METRICS_TOKEN of this installation.\n", status=403)
    registry = counted()
    registry.register(Queues())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def counted() -> CollectorRegistry:
    """Return what the processes of this machine have counted together."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(FOLDER))  # type: ignore[no-untyped-call]
    return registry


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(sent.encode(), settings.METRICS_TOKEN.encode())
    # what a proxy passes on comes from this machine too, but says for whom
    is_forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback and not is_forwarded
    except ValueError:
        return not is_forwarded and not request.META.get("REMOTE_ADDR")


def forget_former_processes() -> None:
    """Remove what ended processes counted. For whoever starts the processes of a machine, before they start."""
    for file in FOLDER.glob("*.db"):
        file.unlink(missing_ok=True)


def forget_ended_processes() -> None:
    """Remove what processes counted that are no more, and leave it to those that run beside us in the same folder."""
    for file in FOLDER.glob("*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _lives(int(pid)):
            file.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True


@worker_init.connect
def serve_worker_metrics(**_: Any) -> None:
    if settings.WORKER_METRICS_PORT:
        start_http_server(settings.WORKER_METRICS_PORT, addr=settings.WORKER_METRICS_HOST, registry=counted())


@task_prerun.connect
def start_clock(task: Any = None, **_: Any) -> None:
    task.request.emotune_started = time.perf_counter()


@task_postrun.connect
def count_task(task: Any = None, state: str | None = None, **_: Any) -> None:
    TASKS.labels(task.name, (state or "unknown").lower()).inc()
    if started := getattr(task.request, "emotune_started", None):
        TASK_SECONDS.labels(task.name).observe(time.perf_counter() - started)


@task_failure.connect
def count_lost_process(sender: Any = None, exception: Any = None, **_: Any) -> None:
    # a task that broke by itself is counted above; one whose process died is told of by the parent
    if type(exception).__name__ in {"WorkerLostError", "TimeLimitExceeded"}:
        TASKS.labels(sender.name, "lost").inc()


@task_retry.connect
def count_retry(sender: Any = None, **_: Any) -> None:
    TASKS.labels(sender.name, "retried").inc()
