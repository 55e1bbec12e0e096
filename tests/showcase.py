"""A person with a history, for pages to be looked at: `python -m tests.showcase` makes them and prints what they have.

It runs in a process of its own, with emotune's own settings: a test that drives a browser cannot use models.
"""

import json
import os
import random
import sys
from datetime import timedelta
from typing import Any

EMAIL = "listener@example.org"
PASSWORD = "a long enough phrase"
WEEKS = 50
# When somebody who works by day listens: hours of the day, and how often.
HOURS = {7: 2, 8: 3, 12: 2, 17: 3, 18: 5, 19: 6, 20: 7, 21: 6, 22: 4, 23: 2}


def make() -> dict[str, str]:
    """Fill a database in which only the demonstration lies; return, by parameter, what addresses can be made of."""
    from allauth.account.models import EmailAddress

    from accounts.tokens import create_token
    from playlists.services import build_journey, build_playlist
    from playlists.sharing import share
    from tests.factories import make_user

    chance = random.Random(7)
    user = make_user(email=EMAIL, password=PASSWORD, consents=True)
    EmailAddress.objects.create(user=user, email=EMAIL, primary=True, verified=True)
    token, _ = create_token(user=user, name="Living room", scopes=["read", "listen"])
    captures = _captures(user, chance)
    playlists = [build_playlist(capture=capture) for capture in captures["read"][-12:]]
    for playlist in playlists:
        _listen(user, playlist, chance)
    journey = build_journey(capture=captures["sad"][-1], wanted="happy")
    return {
        "capture_id": str(captures["happy"][-1].id),
        "unsure": str(captures["unsure"][0].id),
        "no_face": str(captures["no_face"][0].id),
        "queued": str(captures["queued"][0].id),
        "playlist_id": str(journey.id),
        "track_id": str(playlists[-1].entries.values_list("track_id", flat=True)[0]),
        "token_id": str(token.id),
        "token": share(playlist=playlists[-1]).token,
    }


def _captures(user: Any, chance: random.Random) -> dict[str, list[Any]]:
    """Make captures over some weeks, a few of each outcome; return them by mood and outcome, the oldest first."""
    from django.utils import timezone

    from detection.models import Source, Status
    from emotune.emotions import EMOTIONS
    from tests.factories import make_capture

    now = timezone.now()
    made: dict[str, list[Any]] = {"read": [], "unsure": [], "no_face": [], "queued": [], "sad": [], "happy": []}
    for day in range(7 * WEEKS, -1, -1):
        for _ in range(chance.choice((0, 1, 1, 2))):
            hour = chance.choices(list(HOURS), list(HOURS.values()))[0]
            begins = (now - timedelta(days=day)).replace(hour=hour, minute=0, second=0)
            at = min(now, begins + timedelta(minutes=chance.uniform(0, 59)))
            emotion = chance.choices(EMOTIONS, (1, 1, 1, 6, 4, 2, 5))[0]
            rest = [chance.random() for _ in EMOTIONS]
            scores = {name: 0.35 * share / sum(rest) for name, share in zip(EMOTIONS, rest, strict=True)}
            scores[emotion] += 0.65
            reading = {
                "source": Source.CAMERA,
                "emotion": emotion,
                "confidence": scores[emotion],
                "scores": scores,
                "faces": 1,
                "created_at": at,
                "finished_at": at + timedelta(seconds=chance.uniform(0.2, 0.9)),
                "chosen": chance.choice(EMOTIONS) if chance.random() < 0.15 else "",
            }
            capture = make_capture(user, **reading)
            made["read"].append(capture)
            made.setdefault(capture.mood, []).append(capture)
    reading |= {"created_at": now, "finished_at": now + timedelta(seconds=0.4), "chosen": ""}
    two = dict.fromkeys(EMOTIONS, 0.04) | {"surprise": 0.42, "happy": 0.38}
    unsure = reading | {"status": Status.UNSURE, "emotion": "surprise", "confidence": 0.42, "scores": two}
    nothing = reading | {"emotion": "", "confidence": None, "scores": None}
    made["unsure"].append(make_capture(user, **unsure))
    made["no_face"].append(make_capture(user, **nothing | {"status": Status.NO_FACE, "faces": 0}))
    made["queued"].append(make_capture(user, **nothing | {"status": Status.QUEUED, "finished_at": None}))
    return made


def _listen(user: Any, playlist: Any, chance: random.Random) -> None:
    """Hear some of a playlist when it was made, rate a few tracks, skip one and never want another again."""
    from playlists.listening import never_again, rate
    from playlists.models import Listen, Skip

    tracks = [entry.track for entry in playlist.entries.select_related("track")]
    for minutes, track in enumerate(tracks[:6]):
        at = playlist.capture.created_at + timedelta(minutes=3 * minutes)
        Listen.objects.create(user=user, track=track, playlist=playlist, source="audio", listened_at=at)
    for track in tracks[:3]:
        rate(user=user, track=track, value=chance.choice((1, 1, -1)))
    Skip.objects.create(user=user, track=tracks[6], playlist=playlist, seconds=4)
    if chance.random() < 0.3:
        never_again(user=user, track=tracks[7])


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
    django.setup()
    sys.stdout.write(json.dumps(make()))


if __name__ == "__main__":
    main()
