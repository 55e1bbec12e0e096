"""The worker for jobs killed in the middle of an import and of a copy: each ends well, and the next one may begin."""

import json
import time

import psycopg
import pytest

from tests.faults.jobs import ROWS, ended, is_running, path_in, upload
from tests.servers import wait_until

pytestmark = pytest.mark.slow


def test_an_import_whose_worker_was_killed_is_done_by_the_next_and_blocks_nobody(installation):
    with psycopg.connect(installation.database) as held:
        held.execute("LOCK TABLE catalogue_track IN EXCLUSIVE MODE")  # it may read the file, and not write
        status, body = upload(installation, "Killed")
        assert status == 202, body
        path = path_in(body)
        wait_until("the import", lambda: is_running(installation, path, installation.admin_token))
        time.sleep(2)
        installation.kill("jobs")
    installation.start("jobs")
    second = path_in(upload(installation, "Killed")[1])
    first, again = (
        wait_until("the imports", lambda: ended(installation, one, installation.admin_token), 180, pause=0.5)  # noqa: B023
        for one in (path, second)
    )
    assert (first["state"], first["attempts"], first["rows"], first["rejected"]) == ("done", 2, ROWS, 0)
    assert (again["state"], again["attempts"], again["rows"]) == ("done", 1, ROWS)
    assert {first["created"], again["created"]} == {0, ROWS}, "whichever came first made them all, once"
    (count,) = installation.rows("SELECT count(*) FROM catalogue_track WHERE artist = 'Killed'")
    assert count == (ROWS,)


@pytest.mark.short
def test_a_copy_whose_worker_was_killed_is_made_by_the_next_and_can_be_asked_for_again(installation):
    with psycopg.connect(installation.database) as held:
        held.execute("LOCK TABLE detection_capture IN ACCESS EXCLUSIVE MODE")
        status, body, _ = installation.ask("/api/v1/me/exports", installation.tokens[0], method="POST")
        assert status == 202, body
        path = f"me/exports/{json.loads(body)['id']}"
        wait_until("the copy", lambda: is_running(installation, path, installation.tokens[0]))
        time.sleep(1)
        installation.kill("jobs")
    asked_again = json.loads(installation.ask("/api/v1/me/exports", installation.tokens[0], method="POST")[1])
    assert f"me/exports/{asked_again['id']}" == path, "it is the same one, under way"
    installation.start("jobs")
    done = wait_until("the copy", lambda: ended(installation, path, installation.tokens[0]), seconds=90, pause=0.5)
    assert (done["state"], done["attempts"]) == ("done", 2)
    third = json.loads(installation.ask("/api/v1/me/exports", installation.tokens[0], method="POST")[1])
    assert third["id"] != done["id"]
