"""Rows that many tests need, made the same way everywhere."""

from itertools import count
from typing import Any

from accounts.models import User
from accounts.services import give_consent
from catalogue.models import Track
from detection.models import Capture, Source, Status
from emotune.emotions import BY_NAME

_number = count(1)


def make_user(*, consents: bool = False, **fields: Any) -> User:
    user = User.objects.create_user(**{"email": f"person{next(_number)}@example.org", **fields})
    if consents:
        give_consent(user=user)
    return user


def make_track(emotion: str = "sad", **fields: Any) -> Track:
    n = next(_number)
    valence, arousal, dominance = BY_NAME[emotion].anchor
    values = {
        "key": f"test:{n}",
        "title": f"Title {n}",
        "artist": f"Artist {n}",
        "spotify_id": f"{n:022d}",
        "emotion": emotion,
        "distance": n / 1000,
        "valence": valence,
        "arousal": arousal,
        "dominance": dominance,
    }
    return Track.objects.create(**{**values, **fields})


def make_capture(user: User, **fields: Any) -> Capture:
    return Capture.objects.create(
        **{"user": user, "source": Source.NAMED, "status": Status.DONE, "chosen": "sad", **fields}
    )
