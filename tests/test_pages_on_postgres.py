"""Every page and every address of the API that needs no number, on a real PostgreSQL: SQLite forgives much in SQL."""

import json

import pytest

from tests.prepared import MIGRATED
from tests.servers import environment, manage

EVERY_PAGE = """
import json
from django.test import Client
from django.urls import URLPattern, get_resolver
from accounts.services import give_consent
from accounts.tokens import create_token
from playlists.listening import bulk_rate, never_again, record_listen
from playlists.services import build_playlist
from tests.factories import make_capture, make_track, make_user

user = make_user(is_staff=True, is_superuser=True)
give_consent(user=user)
tracks = [make_track(emotion, genre="rock") for emotion in ("sad", "happy") for _ in range(4)]
playlist = build_playlist(capture=make_capture(user, chosen="sad"))
build_playlist(capture=make_capture(user))
bulk_rate(user=user, track_ids=[track.id for track in tracks[:3]], value=1)
never_again(user=user, track=tracks[-1])
record_listen(user=user, track=tracks[0], source="audio", playlist=playlist)
_, secret = create_token(user=user, name="all", scopes=["read", "listen", "capture", "admin"])
program, person = Client(), Client(raise_request_exception=False)
person.force_login(user)
program.raise_request_exception = False
more = {"history/": "?q=a&emotion=sad&from=2020-01-01", "tracks/": "?emotion=sad&artist=a&genre=rock&area=0-10-10",
        "journal/": "?period=all&mood=sad", "api/v1/me/journal": "?time_zone=Europe/Berlin",
        "api/v1/tracks": "?emotion=sad&search=a&genre=rock", "api/v1/listens": "?emotion=sad"}

def walk(patterns, before=""):
    for each in patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLPattern):
            yield path
        else:
            yield from walk(each.url_patterns, path)

found = {}
for path in walk(get_resolver().url_patterns):
    path = path.replace("^", "").replace("$", "").replace("\\\\Z", "")
    if any(sign in path for sign in "<(?[\\\\") or "logout" in path:
        continue
    for query in {"", more.get(path, "")}:
        client = program if path.startswith("api/") else person
        headers = {"Authorization": f"Bearer {secret}"} if client is program else {}
        found[path + query] = client.get("/" + path + query, headers={"Host": "localhost", **headers}).status_code
print(json.dumps(found))
"""


@pytest.fixture
def env(postgres, tmp_path):
    return environment(tmp_path, DATABASE_URL=postgres.url("pages", like=MIGRATED), LOG_LEVEL="CRITICAL")


def test_every_page_is_answered(env):
    found = json.loads(manage("shell", "--verbosity=0", "--command", EVERY_PAGE, env=env))
    assert {"journal/", "history/", "tracks/", "admin/health/", "api/v1/me/journal", "api/v1/tracks"} <= found.keys()
    assert {path: status for path, status in found.items() if status >= 500} == {}
    assert sum(status == 200 for status in found.values()) > 80
