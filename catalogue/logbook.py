"""Who did what to the catalogue, as the admin's history tells it."""

from typing import TYPE_CHECKING

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db.models import Model

if TYPE_CHECKING:
    from accounts.models import User


def note_addition(user: "User | None", thing: Model, words: str) -> None:
    _note(user, thing, ADDITION, words)


def note_change(user: "User | None", thing: Model, words: str) -> None:
    _note(user, thing, CHANGE, words)


def _note(user: "User | None", thing: Model, action: int, words: str) -> None:
    # what a command does is nobody's
    if user:
        LogEntry.objects.log_actions(user.pk, [thing], action, words, single_object=True)
