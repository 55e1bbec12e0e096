"""What a worker does for a HistoryImport: read the file, find the tracks, note the listens, batch by batch."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone

from catalogue.models import Track
from emotune.errors import InvalidInput
from emotune.jobs import Run, running
from playlists.export_records import Broken, Judged, Listened, Record
from playlists.exports import read
from playlists.listening import Heard, add_listens
from playlists.matching import Known, TrackIndex
from playlists.models import HistoryImport, Listen, Rating

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GONE = "The uploaded file is not there any more. Please upload it again."
BATCH = 1000
MOST_REJECTS = 100
MOST_MISSING = 100
# Names that are counted at the same time: when there are more, those heard once are forgotten.
MOST_NAMES = 20_000
COUNTS = ("rows", "matched", "repeated", "unmatched", "rated", "rejected", "rejects", "missing")


def import_history(job_id: str) -> None:
    job = HistoryImport.objects.select_related("user").filter(pk=job_id).first()
    with running(job) as run:
        if job and run:
            _Import(job, run).carry_out()


def known_tracks() -> Iterator[Known]:
    """Give all tracks as an index of them takes them, without holding them all."""
    columns = ("id", "artist", "title", "spotify_id", "mbid")
    yield from Track.objects.order_by("id").values_list(*columns).iterator(chunk_size=5000)


class _Import:
    def __init__(self, job: HistoryImport, run: Run) -> None:
        self.job, self.run = job, run
        self.missing: Counter[tuple[str, str]] = Counter()
        self.heard = 0
        for name in COUNTS:
            setattr(job, name, [] if name in ("rejects", "missing") else 0)

    def carry_out(self) -> None:
        job = self.job
        if not job.file or not job.file.storage.exists(job.file.name or ""):
            raise InvalidInput(GONE)
        self.run.step(0, None, "reading the catalogue")
        self.index = TrackIndex(known_tracks())
        with job.file.open("rb") as file:
            found = read(file.file, now=timezone.now())
            while records := list(islice(found, BATCH)):
                self._note(records)
                share = min(1.0, file.file.tell() / job.file.size)
                self.run.step(job.rows, round(job.rows / share) if share else None, "noting listens")
        if not job.rows:
            raise InvalidInput("The file holds no listens.")
        self._count()
        self.run.check()
        job.save(update_fields=COUNTS)

    def _note(self, records: "Sequence[Record]") -> None:
        job = self.job
        found: list[tuple[int, Listened | Judged]] = []
        for record in records:
            job.rows += 1
            if isinstance(record, Broken):
                job.rejected += 1
                if len(job.rejects) < MOST_REJECTS:
                    job.rejects.append([record.where, record.reason])
            elif (track_id := self.index.find(record.music)) is None:
                self._miss(record)
            else:
                found.append((track_id, record))
        try:
            there = self._store(found)
        except IntegrityError:  # a track was deleted while the batch was written
            there = self._store(found)
        for track_id, record in found:
            if track_id not in there:
                self._miss(record)
            elif isinstance(record, Listened):
                self.heard += 1

    def _miss(self, record: Listened | Judged) -> None:
        self.job.unmatched += 1
        if record.music.artist:
            self.missing[record.music.artist, record.music.title] += 1
            if len(self.missing) > MOST_NAMES:
                self.missing = Counter({name: times for name, times in self.missing.items() if times > 1})
                if len(self.missing) > MOST_NAMES // 2:
                    self.missing = Counter(dict(self.missing.most_common(MOST_NAMES // 2)))

    def _store(self, found: "Sequence[tuple[int, Listened | Judged]]") -> set[int]:
        """Note what is new of a batch, all or nothing. Returns which of its tracks there still are: the catalogue was
        read when the import began."""
        with transaction.atomic():
            self.run.hold()
            there = set(Track.objects.filter(id__in={track_id for track_id, _ in found}).values_list("id", flat=True))
            kept = [(track_id, record) for track_id, record in found if track_id in there]
            heard = [self._heard(track_id, record) for track_id, record in kept if isinstance(record, Listened)]
            add_listens(user=self.job.user, listens=heard, by_minute=True)
            judged: dict[int, Judged] = {}
            for track_id, record in kept:
                if isinstance(record, Judged) and (track_id not in judged or record.at >= judged[track_id].at):
                    judged[track_id] = record
            if judged:
                self._rate(judged)
        return there

    def _heard(self, track_id: int, record: Listened) -> Heard:
        source = self.job.kind or record.source
        return Heard(track_id, record.at, source, imported_id=self.job.pk, to_the_minute=record.to_the_minute)

    def _rate(self, judged: "Mapping[int, Judged]") -> None:
        """Take likes and dislikes over; where the file has several words on a track, the latest stands."""
        job = self.job
        # one change of a person's ratings at a time, as in playlists/listening.py
        get_user_model().objects.select_for_update(no_key=True).values_list("id").get(id=job.user_id)
        mine = Rating.objects.filter(user=job.user, track__in=judged, imported=job)
        earlier = [row.pk for row in mine if row.rated_at <= judged[row.track_id].at]
        mine.filter(pk__in=earlier).delete()
        words = [
            Rating(user=job.user, track_id=track_id, value=record.value, rated_at=record.at, imported=job)
            for track_id, record in sorted(judged.items())
        ]
        # what the person said here counts more than what they once said elsewhere
        Rating.objects.bulk_create(words, ignore_conflicts=True)

    def _count(self) -> None:
        """Count what the import brought by what there is of it: another attempt, before a worker's death, may have
        brought some."""
        job = self.job
        job.matched = Listen.objects.filter(imported=job).count()
        job.repeated = max(0, self.heard - job.matched)
        job.rated = Rating.objects.filter(imported=job).count()
        job.missing = [[artist, title, times] for (artist, title), times in self.missing.most_common(MOST_MISSING)]
