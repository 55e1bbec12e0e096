"""Which captures a person may touch: their own."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.shortcuts import get_object_or_404

from detection.models import Capture

if TYPE_CHECKING:
    from accounts.models import User


def capture_of(user: "User", capture_id: UUID) -> Capture:
    """Return the person's capture; another person's does not exist for them (Http404)."""
    capture = get_object_or_404(Capture, id=capture_id, user=user)
    capture.user = user  # with what is known of them already
    return capture
