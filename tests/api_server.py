"""emotune's web process on a PostgreSQL and a Redis of its own, with people and tokens, for tests of the API from
outside."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.prepared import DEMO
from tests.servers import (
    PROCESSES,
    Postgres,
    Process,
    Redis,
    environment,
    free_port,
    manage,
    server_folder,
    status_of,
    wait_until,
)

# A limit is tested by itself; here it would be in the way.
NO_LIMITS = {"API_TOKEN_LIMIT": "1000000", "API_ADDRESS_LIMIT": "1000000", "CAPTURES_PER_MINUTE": "1000000"}
PEOPLE = """
import json
from django.utils import timezone
from accounts.tokens import create_token
from catalogue.models import Track
from playlists.listening import never_again, rate, record_listen
from playlists.services import build_journey_from, build_playlist
from tests.factories import make_capture, make_user

tokens = {}
for name, more in (("ada", {}), ("root", {"is_staff": True, "is_superuser": True})):
    user = make_user(email=f"{name}@example.org", consents=True, **more)
    for n in range(3):
        capture = make_capture(user)
        build_playlist(capture=capture)
    build_journey_from(user=user, emotion="sad", wanted="happy", k=5)
    for track in Track.objects.order_by("id")[:5]:
        record_listen(user=user, track=track, source="api")
        rate(user=user, track=track, value=1)
        never_again(user=user, track=track)
    scopes = ["read", "listen", "capture"] + ["admin"] * bool(more)
    tokens[name] = create_token(user=user, name="a test", scopes=scopes)[1]
print(json.dumps(tokens))
"""


@dataclass(frozen=True)
class ApiServer:
    """A web process, what it runs in, and the tokens of an ordinary person and of one who runs the site."""

    url: str
    env: dict[str, str]
    web: Process
    ada: str
    root: str

    def words(self) -> str:
        return self.web.words()


@contextmanager
def api_server(postgres: Postgres, redis: Redis, audio: Path, name: str, **more: str) -> Iterator[ApiServer]:
    with server_folder(name) as folder:
        port = free_port()
        database = postgres.url(name, like=DEMO)
        where = {"DATABASE_URL": database, "REDIS_URL": redis.url, "EMOTUNE_AUDIO": str(audio)}
        env = environment(folder, **where, **{**NO_LIMITS, **more})
        tokens = json.loads(manage("shell", "--verbosity=0", "--command", PEOPLE, env=env))
        web = Process(*PROCESSES, "web", f"127.0.0.1:{port}", log=folder / "web.log", env=env)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until("the web process", lambda: status_of(f"{url}/api/v1/emotions") == 200)
            yield ApiServer(url, env, web, **tokens)
        finally:
            web.stop(by=signal.SIGTERM)
