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
    """Make a person who may do everything, months of captures, workers, jobs and two clusterings; all is well."""
    from allauth.account.models import EmailAddress
    from django.utils import timezone

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
    Import.objects.filter(pk=failed.pk).update(created_at=timezone.now() - timedelta(days=9))
    run = ClusteringRun.objects.create(
        method="kmeans", state=JobState.DONE, clustering=preview, created_by=boss, attempts=1
    )
    _captures(chance)
    _readings(chance)
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
    from detection.models import Capture, Source, Status
    from emotune.emotions import EMOTIONS
    from tests.factories import make_capture
    from tests.showcase import EMAIL

    user, now = User.objects.get(email=EMAIL), timezone.now()
    Capture.objects.filter(status__in=(Status.QUEUED, Status.EXPIRED)).delete()  # nobody would read them
    for hour in range(24):
        for _ in range(chance.choice((0, 1, 2, 3, 5)) + (4 if hour < 4 else 0)):
            at = now - timedelta(hours=hour, minutes=chance.uniform(1, 59))
            often = {Status.DONE: 16, Status.NO_FACE: 2, Status.UNSURE: 3, Status.FAILED: 1 if hour else 0}
            status = chance.choices(list(often), list(often.values()))[0]
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


def _readings(chance: random.Random) -> None:
    """Half a year of readings of several people, some of which they put right, more seldom as time goes by."""
    from django.utils import timezone

    from detection.models import Capture, Source, Status
    from emotune.emotions import EMOTIONS
    from tests.factories import make_user

    now, names = timezone.now(), ("ada", "grace", "hedy", "joan", "radia")
    users = [make_user(email=f"{name}@example.org", consents=True) for name in names]
    wrong = dict(zip(EMOTIONS, (0.18, 0.30, 0.34, 0.04, 0.22, 0.12, 0.10), strict=True))
    rows = []
    for day in range(2, 26 * 7):
        for emotion in chance.choices(EMOTIONS, (4, 2, 3, 6, 5, 4, 6), k=12):
            others = [name for name in EMOTIONS if name != emotion]
            is_wrong = chance.random() < wrong[emotion] * (0.7 + day / 300)
            at = now - timedelta(days=day, hours=chance.uniform(0, 12))
            rows.append(
                Capture(
                    user=chance.choice(users),
                    source=Source.CAMERA,
                    status=Status.DONE,
                    emotion=emotion,
                    chosen=chance.choice(others) if is_wrong else "",
                    confidence=chance.uniform(0.5, 0.99),
                    created_at=at,
                    claimed_at=at,
                    finished_at=at + timedelta(seconds=0.3),
                    milliseconds=chance.uniform(45, 90),
                )
            )
    Capture.objects.bulk_create(rows)


def _workers(chance: random.Random) -> None:
    """Two readers and a worker for jobs, where there are no real ones; twenty seconds later they are silent."""
    from emotune import workers

    if workers.present():
        return
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
