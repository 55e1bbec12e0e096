"""A hundred thousand listens copied and deleted on a real PostgreSQL, and what two tabs do at once."""

import json

import pytest

from tests.prepared import MIGRATED
from tests.servers import environment, manage

MANY = """
import json, resource, time
from django.db import connection
from django.test.utils import CaptureQueriesContext
from accounts.archive import make_export
from accounts.deletion import delete_account
from accounts.exports import request_export
from accounts.models import User
from playlists.models import Listen
from tests.factories import make_track, make_user

user, other, track = make_user(), make_user(), make_track()
Listen.objects.create(user=other, track=track, source="api")
with connection.cursor() as cursor:
    cursor.execute(
        "INSERT INTO playlists_listen (user_id, track_id, source, listened_at)"
        " SELECT %s, %s, 'api', now() - n * interval '1 second' FROM generate_series(1, 100000) AS n",
        [user.pk, track.pk],
    )
megabytes = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, start = megabytes(), time.monotonic()
export = request_export(user=user)
make_export(str(export.pk))
export.refresh_from_db()
copied, grown = time.monotonic() - start, megabytes() - before
start = time.monotonic()
with CaptureQueriesContext(connection) as statements:
    delete_account(user=user)
print(json.dumps({
    "state": export.state, "rows": export.rows, "bytes": export.size, "seconds_to_copy": copied, "megabytes": grown,
    "seconds_to_delete": time.monotonic() - start, "statements_to_delete": len(statements),
    "left": [list(User.objects.values_list("email", flat=True)) == [other.email], Listen.objects.count()],
}))
"""

TABS = """
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from django.db import connection, DatabaseError
from django.utils import timezone
from accounts.deletion import delete_account
from accounts.exports import request_export
from accounts.models import Export, User
from accounts.tokens import create_token
from playlists.models import Listen
from tests.factories import make_track, make_user

user, track = make_user(), make_track()

def ask(_):
    try:
        return str(request_export(user=user).pk)
    finally:
        connection.close()

def go_on(number):
    done = 0
    try:
        for n in range(200):
            Listen.objects.create(
                user=user, track=track, source="api", listened_at=timezone.now() - timedelta(days=number, seconds=n)
            )
            done += 1
    except DatabaseError:
        pass
    finally:
        connection.close()
    return done

def leave(_):
    try:
        delete_account(user=User.objects.get(pk=user.pk))
    finally:
        connection.close()

with ThreadPoolExecutor(4) as pool:
    asked = set(pool.map(ask, range(4)))
    exports = Export.objects.count()
    writing = [pool.submit(go_on, number) for number in range(3)]
    pool.submit(leave, 0).result()
    written = [future.result() for future in writing]
print(json.dumps({
    "exports": [len(asked), exports], "written": written,
    "left": [User.objects.count(), Listen.objects.count(), Export.objects.count()],
}))
"""


@pytest.fixture
def env(postgres, tmp_path, redis_url):
    return environment(tmp_path, DATABASE_URL=postgres.url("accounts", like=MIGRATED), REDIS_URL=redis_url)


@pytest.mark.short
def test_a_hundred_thousand_listens_are_copied_in_bounded_memory_and_deleted_by_few_statements(env):
    seen = json.loads(manage("shell", "--verbosity=0", "-c", MANY, env=env))
    assert seen["state"] == "done"
    assert seen["rows"] > 100_000
    assert seen["megabytes"] < 40, seen
    assert seen["statements_to_delete"] < 100, seen
    assert seen["left"] == [True, 1]


def test_of_four_clicks_one_is_an_export_and_a_deletion_leaves_nothing_that_another_tab_writes(env):
    seen = json.loads(manage("shell", "--verbosity=0", "-c", TABS, env=env))
    assert seen["exports"] == [1, 1]
    assert seen["left"] == [0, 0, 0]
