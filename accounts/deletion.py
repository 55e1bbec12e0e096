"""Deleting an account with everything that every app keeps of the person, at once and for good."""

import logging

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts.models import User
from emotune.errors import NotAllowed
from emotune.personal import declared

logger = logging.getLogger(__name__)

NOBODY = "a deleted account"


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
    rows = sum(kind.delete(user) for kind in declared())
    _blot_out_of_the_log(user)
    logger.info("deleted account %d with %d rows", user.pk, rows)
    return rows


def _blot_out_of_the_log(user: User) -> None:
    """Let the admin's log say that something was done to an account, and no more whose it was."""
    people = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=people, object_id=str(user.pk)).update(object_repr=NOBODY, change_message="")
