"""Long jobs as the API sends them: how far they are, how they ended, and how to end them."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from emotune import jobs
from emotune.api.fields import Output
from emotune.jobs import Job, JobState

LOOK_AGAIN = {"Retry-After": "1"}


class ProgressOutput(Output):
    done = serializers.IntegerField(help_text="Rows that are done.")
    total = serializers.IntegerField(allow_null=True, help_text="Of so many; null while that is not known.")
    note = serializers.CharField(help_text="What it does now.")

    example: ClassVar[dict[str, Any]] = {"done": 12000, "total": 90001, "note": "reading rows"}


class JobOutput(Output):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(JobState.choices, help_text="queued and running will change.")
    error = serializers.CharField(help_text="Why it failed, in a sentence for people; else empty.")
    progress = serializers.SerializerMethodField(help_text="How far it is; null once it is over.")
    attempts = serializers.IntegerField(help_text="How often a worker has begun it.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar[dict[str, Any]] = {
        "id": "0b7f4c0e-2a59-4f5e-9b33-7f0b8d1c2e64",
        "state": "running",
        "error": "",
        "progress": ProgressOutput.example,
        "attempts": 1,
        "created_at": "2026-11-22T18:04:05.123456Z",
        "started_at": "2026-11-22T18:04:06.001234Z",
        "finished_at": None,
    }

    @extend_schema_field(ProgressOutput(allow_null=True))
    def get_progress(self, job: Job) -> dict[str, Any] | None:
        return None if job.is_over else dict(ProgressOutput(jobs.progress_of(job)).data)


def refreshed(found: list[Any]) -> list[Any]:
    """Bring the open ones among some jobs up to date, as whoever looks does."""
    return [job if job.is_over else jobs.refresh(job) for job in found]


def answer(job: Job, shape: type[JobOutput], *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    soon = {} if job.is_over else LOOK_AGAIN
    return Response(shape(job).data, status=status, headers={**(headers or {}), **soon})


def cancelled(job: Job, shape: type[JobOutput]) -> Response:
    """Ask for the end of a job and say how far it is."""
    jobs.request_cancel(job)
    return answer(jobs.refresh(job), shape, status=202)
