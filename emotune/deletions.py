"""What the admin shows before rows are deleted: how much goes with them, and nothing of whom that belongs to."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import CASCADE, QuerySet
from django.http import HttpRequest

# So many of the rows themselves are named.
NAMED = 100


class CountedDeletion(admin.ModelAdmin):  # type: ignore[type-arg]
    """Counts what goes along instead of listing it: a track may have a hundred thousand listens, each with a person."""

    def get_deleted_objects(
        self, objs: "Sequence[Any] | QuerySet[Any]", request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        rows = objs if isinstance(objs, QuerySet) else self.get_queryset(request).filter(pk__in=[o.pk for o in objs])
        counts = count_with(rows)
        names = [str(row) for row in rows[:NAMED]]
        if (more := rows.count() - NAMED) > 0:
            names.append(f"and {more:,} more")
        needed = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return names, dict(counts), needed, []


def count_with(rows: QuerySet[Any]) -> Counter[str]:
    """Count rows and all that is deleted with them, by kind and with a query for each; what two ways lead to, twice."""
    counts = Counter({str(rows.model._meta.verbose_name_plural): rows.count()})  # noqa: SLF001 - a documented API
    for way in rows.model._meta.get_fields(include_hidden=True):  # noqa: SLF001 - a documented API
        if getattr(way, "on_delete", None) is CASCADE:
            hanging = way.related_model._default_manager.filter(**{f"{way.field.name}__in": rows})  # noqa: SLF001
            counts += count_with(hanging)
    return counts
