"""An import of a history on PostgreSQL, where a track can be deleted while a batch is written."""

import json

from tests.prepared import MIGRATED
from tests.servers import environment, manage

IMPORTED = """
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, UTC
from django.core.files.base import ContentFile
from django.db import connection
from catalogue.models import Track
from playlists import import_work
from playlists.models import HistoryImport, Listen, Rating
from tests.factories import make_track, make_user

MBID, AT = "9a80555a-050d-4532-a684-6831d7d0ed5a", 1_700_000_000
user, gone = make_user(), make_track(artist="Nina", title="Gone")
kept = make_track(artist="Nina", title="Feeling", mbid=MBID)

def delete():
    try:
        Track.objects.filter(pk=gone.pk).delete()
    finally:
        connection.close()

add = import_work.add_listens

def then_delete(**given):
    new = add(**given)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(delete).result(timeout=60)
    return new

def bring(*values):
    job = HistoryImport(user=user, name="listens.jsonl", task="import")
    job.file.save("listens", ContentFile(chr(10).join(map(json.dumps, values)).encode()))
    import_work.import_history(str(job.pk))
    job.refresh_from_db()
    return [job.state, job.rows, job.matched, job.repeated, job.unmatched, job.rated]

def heard(title, at):
    return {"listened_at": at, "track_metadata": {"artist_name": "Nina", "track_name": title}}

def liked(score, at):
    return {"recording_mbid": MBID, "score": score, "created": at}

import_work.add_listens = then_delete
import_work.BATCH = 3
cut = {"artist": "Nina", "track": "Feeling", "date": f"{datetime.fromtimestamp(AT, UTC):%d %b %Y %H:%M}"}
first = bring(heard("Gone", AT), heard("Feeling", AT), liked(1, AT), liked(-1, AT + 1), liked(1, AT - 1), cut)
print(json.dumps({
    "first": first,
    "again": bring(cut, heard("Feeling", AT + 60), heard("Feeling", AT)),
    "listens": list(Listen.objects.values_list("track", flat=True)) == [kept.pk] * 2,
    "rating": [int(Rating.objects.get().rated_at.timestamp()) - AT, Rating.objects.get().value],
}))
"""


def test_a_track_that_is_deleted_during_a_batch_costs_its_records_alone(postgres, tmp_path):
    env = environment(tmp_path, DATABASE_URL=postgres.url("imports", like=MIGRATED))
    found = json.loads(manage("shell", "--verbosity=0", "--command", IMPORTED, env=env))
    assert found == {
        "first": ["done", 6, 1, 1, 1, 1],
        "again": ["done", 3, 1, 2, 0, 0],
        "listens": True,
        "rating": [1, -1],
    }
