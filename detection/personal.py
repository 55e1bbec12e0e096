"""What detection keeps of a person: captures, and for minutes the sealed pictures of those that are open."""

from typing import TYPE_CHECKING

from detection import images
from detection.models import OPEN, Capture
from emotune.errors import Unavailable
from emotune.personal import PersonalData

if TYPE_CHECKING:
    from accounts.models import User

COLUMNS = (
    "id",
    "created_at",
    "source",
    "status",
    "emotion",
    "confidence",
    "scores",
    "chosen",
    "faces",
    "box",
    "landmarks",
    "model_version",
    "milliseconds",
    "problem",
    "finished_at",
)


def drop_pictures(user: "User", **_signal: object) -> None:
    """Drop the pictures that wait to be read, as an account ends or a consent is withdrawn."""
    for capture_id in Capture.objects.filter(user=user, status__in=OPEN).values_list("id", flat=True):
        try:
            images.drop(capture_id)
        except Unavailable:
            return  # the store lets them go by itself after CAPTURE_TTL


PERSONAL_DATA = (
    PersonalData(
        "captures",
        lambda user: Capture.objects.filter(user=user),
        {name: name for name in COLUMNS},
        order=("created_at", "pk"),
        outside=drop_pictures,
    ),
)
