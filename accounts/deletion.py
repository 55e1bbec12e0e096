"""Deleting an account with everything that every app keeps of the person, at once and for good."""

import logging
from collections.abc import Mapping, Sequence

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model

from accounts.models import User
from emotune.errors import NotAllowed
from emotune.personal import declared

logger = logging.getLogger(__name__)

NOBODY = "a deleted account"
NAMED: tuple[type[Model], ...] = (EmailAddress, Authenticator)


@transaction.atomic
def delete_account(*, user: User) -> int:
    """Delete an account and everything of it in every app; return the number of rows. There is no way back.

    What lies outside the database goes first: should the rest fail, a picture or a copy is gone too early, and none
    stays for ever. Raises NotAllowed for people who run the site: another one of them must take that right away first,
    so that it is never left without anybody, nor the admin's log without the deeds of whoever is still in office.
    """
    if user.is_staff or user.is_superuser:
        raise NotAllowed("You run this site. Ask another admin to take that right from your account, then delete it.")
    User.objects.select_for_update().filter(pk=user.pk).first()  # what is under way in another tab waits, and fails
    named = _named_after(user)
    rows = sum(kind.delete(user) for kind in declared())
    _blot_out_of_the_log(named)
    logger.info("deleted account %d with %d rows", user.pk, rows)
    return rows


def _named_after(user: User) -> dict[type[Model], list[str]]:
    """Return the ids, by model, of rows that the admin's log calls by the person's address or words."""
    named: dict[type[Model], list[str]] = {User: [str(user.pk)]}
    for model in NAMED:
        rows = model._default_manager.filter(user=user)  # noqa: SLF001 - a documented API
        named[model] = [str(pk) for pk in rows.values_list("pk", flat=True)]
    return named


def _blot_out_of_the_log(named: Mapping[type[Model], Sequence[str]]) -> None:
    """Let the admin's log say that something was done to an account, and no more whose it was."""
    for model, ids in named.items():
        kind = ContentType.objects.get_for_model(model)
        entries = LogEntry.objects.filter(content_type=kind, object_id__in=ids)
        entries.update(object_repr=NOBODY, change_message="")
