"""What somebody who runs a site finds in its admin: `python -m tests.admin_showcase` makes it beside tests.showcase.

It runs in a process of its own, like tests.showcase, and prints what addresses can be made of.
"""

import json
import os
import random
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.showcase import PASSWORD

BOSS = "boss@example.org"


def make() -> dict[str, str]:
    """Make a person who may do everything, a day of captures, workers, jobs and two clusterings."""
    from allauth.account.models import EmailAddress

    from catalogue.models import ClusteringRun, Import
    from catalogue.services import active_clustering, cluster_catalogue, import_tracks
    from emotune.jobs import JobState
    from tests.catalogue_files import muse_row, write_muse
    from tests.factories import make_user

    chance = random.Random(11)
    boss = make_user(email=BOSS, password=PASSWORD, is_staff=True, is_superuser=True, consents=True)
    EmailAddress.objects.create(user=boss, email=BOSS, primary=True, verified=True)
    with tempfile.TemporaryDirectory() as folder:
        import_tracks(path=write_muse(Path(folder) / "muse.csv", *[muse_row(n) for n in range(1, 301)]))
    active, preview = active_clustering(), cluster_catalogue(method="kmeans")
    counts = {"rows": 300, "created": 288, "rejected": 12}
    done = Import.objects.create(name="muse_v3.csv", state=JobState.DONE, created_by=boss, **counts)
    done.rejects.save("rejects.csv", _rejects(), save=True)
    failed = Import.objects.create(
        name="holiday.csv", state=JobState.FAILED, created_by=boss, error="This is no release of MuSe: it has no track."
    )
    run = ClusteringRun.objects.create(
        method="kmeans", state=JobState.DONE, clustering=preview, created_by=boss, attempts=1
    )
    _captures(chance)
    _workers(chance)
    assert active
    return {
        "active": str(active.pk), "preview": str(preview.pk), "done": str(done.pk), "failed": str(failed.pk),
        "run": str(run.pk), "boss": str(boss.pk),
    }  # fmt: skip


def _rejects() -> Any:
    from django.core.files.base import ContentFile

    rows = "".join(f"{line},valence is 'high' and no number,Track {line}\n" for line in range(7, 19))
    return ContentFile(f"line,reason,title\n{rows}".encode())


def _captures(chance: random.Random) -> None:
    """A day of captures of one listener, most of them in the evening, a few of which went wrong."""
    from django.utils import timezone

    from accounts.models import User
    from detection.models import Source, Status
    from emotune.emotions import EMOTIONS
    from tests.factories import make_capture
    from tests.showcase import EMAIL

    user, now = User.objects.get(email=EMAIL), timezone.now()
    for hour in range(24):
        for _ in range(chance.choice((0, 1, 2, 3, 5)) + (4 if hour < 4 else 0)):
            at = now - timedelta(hours=hour, minutes=chance.uniform(1, 59))
            status = chance.choices((Status.DONE, Status.NO_FACE, Status.UNSURE, Status.FAILED), (16, 2, 3, 1))[0]
            waited, spent = chance.uniform(0.02, 0.4), chance.uniform(45, 90)
            make_capture(
                user,
                source=Source.CAMERA,
                status=status,
                chosen="",
                emotion=chance.choice(EMOTIONS) if status in (Status.DONE, Status.UNSURE) else "",
                created_at=at,
                claimed_at=at + timedelta(seconds=waited),
                finished_at=at + timedelta(seconds=waited + spent / 1000),
                milliseconds=spent,
                attempts=1,
                model_version="emotune-2026-11-22",
                problem="Reading this picture went wrong several times, so we stopped."
                if status == Status.FAILED
                else "",
            )


def _workers(chance: random.Random) -> None:
    """Two readers and a worker for jobs, as they describe themselves; twenty seconds later they are silent."""
    from emotune import workers

    for number, role in enumerate((workers.FACES, workers.FACES, workers.JOBS)):
        voice = workers.Voice(role)
        voice.name, voice.is_warm, voice.tasks = f"machine:{4100 + number}", role == workers.FACES, chance.randrange(90)
        voice.say()


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
    django.setup()
    sys.stdout.write(json.dumps(make()))


if __name__ == "__main__":
    main()
