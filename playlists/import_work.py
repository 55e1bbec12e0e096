"""What a worker does for a HistoryImport: read the file, find the tracks, note the listens, batch by batch."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from django.db import transaction
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
    from collections.abc import Sequence

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
        job.missing = [[artist, title, times] for (artist, title), times in self.missing.most_common(MOST_MISSING)]
        self.run.check()
        job.save(update_fields=COUNTS)

    def _note(self, records: "Sequence[Record]") -> None:
        job = self.job
        heard: list[Heard] = []
        judged: dict[int, int] = {}
        for record in records:
            job.rows += 1
            if isinstance(record, Broken):
                job.rejected += 1
                if len(job.rejects) < MOST_REJECTS:
                    job.rejects.append([record.where, record.reason])
            elif (track_id := self.index.find(record.music)) is None:
                self._miss(record)
            elif isinstance(record, Judged):
                judged[track_id] = record.value
            else:
                source = job.kind or record.source
                heard.append(Heard(track_id, record.at, source, imported_id=job.pk))
        with transaction.atomic():
            self._store(heard, judged)

    def _miss(self, record: Listened | Judged) -> None:
        self.job.unmatched += 1
        if record.music.artist:
            self.missing[record.music.artist, record.music.title] += 1
            if len(self.missing) > MOST_NAMES:
                self.missing = Counter({name: times for name, times in self.missing.items() if times > 1})
                if len(self.missing) > MOST_NAMES // 2:
                    self.missing = Counter(dict(self.missing.most_common(MOST_NAMES // 2)))

    def _store(self, heard: list[Heard], judged: dict[int, int]) -> None:
        """Note what is new; an attempt after a worker's death counts what the one before it noted as new, too."""
        job = self.job
        new = add_listens(user=job.user, listens=heard)
        mine = self._mine_before(heard) if job.attempts > 1 else new
        job.matched += mine
        job.repeated += len(heard) - mine
        if judged:
            words = [
                Rating(user=job.user, track_id=track_id, value=value, imported=job)
                for track_id, value in sorted(judged.items())
            ]
            # what the person said here counts more than what they once said elsewhere
            Rating.objects.bulk_create(words, ignore_conflicts=True)
            job.rated += Rating.objects.filter(user=job.user, track__in=judged, imported=job).count()

    def _mine_before(self, heard: list[Heard]) -> int:
        """Count the listens of a batch that this import has brought, in this attempt or in an earlier one."""
        keys = {(listen.track_id, listen.listened_at) for listen in heard}
        moments = {moment for _, moment in keys}
        rows = Listen.objects.filter(user=self.job.user, imported=self.job, listened_at__in=moments).order_by()
        return len(keys & set(rows.values_list("track_id", "listened_at")))
