"""Words of ours in statements of SQL."""

from typing import Any

from django.db.models import Value


class Literal(Value):
    """A word of ours that stands in the statement itself.

    As a parameter it has another number each time, and PostgreSQL takes what is grouped by and what a window is
    partitioned by for two different expressions.
    """

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:  # noqa: ARG002
        return f"'{self.value}'", ()
