"""Captures in the admin: what was read, and how often people disagreed. There are no pictures to show."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from detection.models import Capture
from detection.queries import weekly_agreement
from detection.services import delete_capture
from detection.vision.plots import shares_over_time
from emotune.deletions import CountedDeletion
from emotune.emotions import EMOTIONS

WEEKS = 26


class WordsOrNone(admin.AllValuesFieldListFilter):
    """The words of a field that occur; that there is no word has a name too, for a link without one cannot be seen."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "none"}


@admin.register(Capture)
class CaptureAdmin(CountedDeletion):
    """Captures come from people and are read by workers; they can be looked at and deleted."""

    list_display = ("at", "source", "status", "emotion", "sure", "chosen", "read_in")
    list_filter = (
        "status",
        "source",
        ("emotion", WordsOrNone),
        ("chosen", WordsOrNone),
        ("model_version", WordsOrNone),
    )
    date_hierarchy = "created_at"
    list_per_page = 50
    show_full_result_count = False
    change_list_template = "admin/detection/captures.html"

    @admin.display(description="at (UTC)", ordering="created_at")
    def at(self, capture: Capture) -> str:
        return f"{capture.created_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="sure", ordering="confidence")
    def sure(self, capture: Capture) -> str:
        return "" if capture.confidence is None else f"{capture.confidence:.0%}"

    @admin.display(description="read in", ordering="milliseconds")
    def read_in(self, capture: Capture) -> str:
        return "" if capture.milliseconds is None else f"{capture.milliseconds:.0f} ms"

    def get_urls(self) -> list[URLPattern]:
        own = path("agreement/", self.admin_site.admin_view(self.agreement_view), name="detection_capture_agreement")
        return [own, *super().get_urls()]

    def agreement_view(self, request: HttpRequest) -> HttpResponse:
        """Show how often people let a reading stand, by emotion and week."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            **agreement(),
            "title": "Agreement by emotion",
            "opts": self.opts,
        }
        return render(request, "admin/detection/agreement.html", context)

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def has_change_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Capture) -> None:  # noqa: ARG002
        delete_capture(capture=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Capture]) -> None:  # noqa: ARG002
        for capture in queryset:
            delete_capture(capture=capture)


def agreement() -> dict[str, Any]:
    """Return the share of readings that stood: by week and emotion, in all by emotion, and as a drawing."""
    by_week: dict[date, dict[str, tuple[int, int]]] = defaultdict(dict)
    totals = dict.fromkeys(EMOTIONS, (0, 0))
    for week, emotion, readings, wrong in weekly_agreement(WEEKS):
        by_week[week][emotion] = readings, wrong
        totals[emotion] = totals[emotion][0] + readings, totals[emotion][1] + wrong
    return {
        "emotions": EMOTIONS,
        "weeks": [
            (week, [(*row.get(name, (0, 0)), _stood(*row.get(name, (0, 0)))) for name in EMOTIONS])
            for week, row in by_week.items()
        ],
        "totals": [(*counts, _stood(*counts)) for counts in totals.values()],
        "drawing": _drawing(by_week) if by_week else "",
    }


def _drawing(by_week: dict[date, dict[str, tuple[int, int]]]) -> str:
    """Draw how many readings stood, a panel for each emotion and one for all, weeks without readings included."""
    first, last = min(by_week), max(by_week)
    weeks = [first + timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]
    series: dict[str, list[tuple[int, int]]] = {name: [] for name in EMOTIONS}
    for week in weeks:
        for name in EMOTIONS:
            readings, wrong = by_week.get(week, {}).get(name, (0, 0))
            series[name].append((readings - wrong, readings))
    every = [
        (sum(stood for stood, _ in of), sum(whole for _, whole in of)) for of in zip(*series.values(), strict=True)
    ]
    labels = [f"{week:%d %b}" for week in weeks]
    return shares_over_time("Readings that people let stand", labels, {**series, "all": every})


def _stood(readings: int, wrong: int) -> float | None:
    return 1 - wrong / readings if readings else None
