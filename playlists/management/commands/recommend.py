"""Print the tracks that emotune would play for an emotion or for a photograph of a face."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from emotune.emotions import EMOTIONS
from emotune.errors import EmotuneError
from playlists.services import LENGTH, Recommendation, has_tracks, recommend

if TYPE_CHECKING:
    from detection.vision.reader import Reading


class Command(BaseCommand):
    help = "Recommend tracks for an emotion, or for the emotion that a photograph shows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        mood = parser.add_mutually_exclusive_group(required=True)
        mood.add_argument("--emotion", help=f"one of {', '.join(EMOTIONS)}")
        mood.add_argument("--image", type=Path, help="a photograph of a face")
        parser.add_argument("-k", type=int, help=f"how many tracks (default: what the person set, or {LENGTH})")
        parser.add_argument("--user", help="e-mail address of the person whose ratings count")
        parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same tracks")
        parser.add_argument("--json", action="store_true", help="print JSON alone")

    def handle(self, *_args: Any, **options: Any) -> None:
        emotion, weights = options["emotion"], None
        if options["image"]:
            reading = read_face(options["image"])
            emotion, weights = reading.emotion, reading.scores
            if reading.status == "unsure":
                self.stderr.write(f"The reader is not sure of {emotion} ({reading.confidence:.0%}).")
        try:
            found = recommend(
                emotion=emotion,
                user=find_user(options["user"]),
                k=options["k"],
                seed=abs(options["seed"]),
                weights=weights,
            )
        except EmotuneError as error:
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps({"emotion": emotion, "tracks": [as_row(item) for item in found]}, indent=1))
            return
        if not found and has_tracks(emotion):
            self.stderr.write(f"{options['user']} keeps every track for {emotion} out.")
        elif not found:
            self.stderr.write(f"The catalogue has no track for {emotion}. Import one: manage.py import_muse FILE")
        for item in found:
            self.stdout.write(f"{item.rank:3}  {item.track}  ({item.reason})")


def find_user(email: str | None) -> Any:
    if email is None:
        return None
    user = get_user_model().objects.filter(email=email.lower()).first()
    if user is None:
        raise CommandError(f"There is no account with the address {email}.")
    return user


def read_face(image: Path) -> "Reading":
    """Read the largest face in a photograph, which has an emotion; the reader is loaded here alone."""
    from detection.reading import read_photograph

    try:
        reading = read_photograph(image)
    except (OSError, ValueError, EmotuneError) as error:
        raise CommandError(f"{image}: {error}") from error
    if not reading.emotion:
        raise CommandError(f"{image}: no face was found. Try a picture with a whole face in good light.")
    return reading


def as_row(item: Recommendation) -> dict[str, Any]:
    return {
        "rank": item.rank,
        "track": item.track.title,
        "artist": item.track.artist,
        "spotify_id": item.track.spotify_id,
        "distance": round(item.distance, 4),
        "score": round(item.score, 4),
        "reason": item.reason,
    }
