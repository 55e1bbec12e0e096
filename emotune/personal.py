"""What each app holds of a person, as it declares it in its AppConfig: exports and deletions reach every app by it.

An AppConfig names its declarations in `personal_data`, as "playlists.personal.PERSONAL_DATA". They are deleted in that
order, and the apps in the opposite of the order in which they are installed: an app knows those before it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from accounts.models import User

# Sent with `user` once their consent to being read is withdrawn for good.
consent_withdrawn = Signal()
# Rows are read in pieces of this size, so that memory does not grow with their number.
PIECE = 2000


@dataclass(frozen=True)
class PersonalData:
    """One kind of rows that belong to a person.

    `columns` says what an export calls each column and where it is found ("track__title"). Rows without columns tell
    the person nothing and are deleted only. `outside` removes what lies outside the database: it is called before the
    rows go, and must not fail where nothing is left to remove.
    """

    name: str
    of: "Callable[[User], QuerySet[Any]]"
    columns: Mapping[str, str]
    order: tuple[str, ...] = ("pk",)
    outside: "Callable[[User], None] | None" = None

    def count(self, user: "User") -> int:
        return self.of(user).count()

    def rows(self, user: "User") -> Iterator[dict[str, Any]]:
        """Give the rows as an export shows them, oldest first, through a cursor of the server's."""
        found = self.of(user).order_by(*self.order).values_list(*self.columns.values())
        for row in found.iterator(chunk_size=PIECE):
            yield dict(zip(self.columns, row, strict=True))

    def delete(self, user: "User") -> int:
        """Delete the rows and what lies outside; return how many rows there were, those that hung on them included."""
        if self.outside:
            self.outside(user)
        return self.of(user).order_by().delete()[0]


def declared() -> list[PersonalData]:
    """Return what all apps declare, in the order in which it can be deleted."""
    paths = [getattr(config, "personal_data", "") for config in reversed(list(apps.get_app_configs()))]
    return [item for path in paths if path for item in import_string(path)]
