"""What each kind of request costs a web process: python -m benchmarks.costs FILE [--profile NAME]

FILE is a MuSe CSV. On PostgreSQL and Redis of its own; the requests are made within one process, one after the other,
and its processor time is taken, which a busy machine changes less than it changes waiting; how long the answer took,
the database included, stands beside it. Queries and Redis' commands are counted. With --profile one kind is run under
cProfile, and where its time goes is printed.
"""

import argparse
import cProfile
import itertools
import os
import pstats
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import redis
    from django.test import Client

TIMES, WARM_UPS, PROFILED = 60, 5, 50
ROOT = Path(__file__).resolve().parent.parent
Spent = tuple[float, float]
Request = Callable[[], Spent]
FREE = {"API_TOKEN_LIMIT": "10000000", "API_ADDRESS_LIMIT": "10000000", "CAPTURES_PER_MINUTE": "1000000"}
BY_SCRIPT = {"HX-Request": "true"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--profile", default="", metavar="NAME")
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.within:
        within(options.profile)
    else:
        with_servers(options)


def with_servers(options: argparse.Namespace) -> None:
    """Start the servers, fill them, and measure in another process: settings are read once in each."""
    from tests.servers import Postgres, Redis, environment, manage, server_folder

    with server_folder("postgres") as here, server_folder("redis") as there, server_folder("emotune") as folder:
        postgres, redis = Postgres(here), Redis(there)
        try:
            urls = {"DATABASE_URL": postgres.url("requests"), "REDIS_URL": redis.url, "LOG_LEVEL": "ERROR"}
            env = environment(folder, **urls, **FREE)
            manage("migrate", "--verbosity=0", env=env)
            manage("import_muse", str(options.file.resolve()), env=env)
            manage("cluster_catalogue", "--activate", env=env)
            again = [sys.executable, "-m", "benchmarks.costs", str(options.file), "--within"]
            subprocess.run([*again, "--profile", options.profile], env=env, cwd=ROOT, check=True)
        finally:
            redis.stop()
            postgres.stop(by=signal.SIGQUIT)


def within(profiled: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emotune.settings")
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from emotune import store

    print(f"{'request':26}{'median':>9}{'p95':>8}{'answered':>11}{'queries':>9}{'Redis':>7}")
    for name, ask in requests().items():
        spent, answered = zip(*[ask() for _ in range(TIMES + WARM_UPS)][WARM_UPS:], strict=True)
        before = commands(store.client())
        ask()
        asked = commands(store.client()) - before - 1
        with CaptureQueriesContext(connection) as seen:
            ask()
        p95 = statistics.quantiles(spent, n=20)[-1]
        waited = f"{statistics.median(answered):8.1f} ms"
        print(f"{name:26}{statistics.median(spent):6.1f} ms{p95:5.1f} ms{waited}{len(seen):9}{asked:7}", flush=True)
        if name == profiled:
            profile(ask)


def commands(client: "redis.Redis") -> int:
    info: Any = client.info("stats")
    return int(info["total_commands_processed"])


def profile(ask: Request) -> None:
    seen = cProfile.Profile()
    seen.runcall(lambda: [ask() for _ in range(PROFILED)])
    pstats.Stats(seen).sort_stats("cumulative").print_stats(60)


def requests() -> dict[str, Request]:
    """Return by name what makes a request once, and returns the milliseconds of processor time that it took, and all
    that it took."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test import Client

    from accounts.services import give_consent
    from accounts.tokens import create_token
    from benchmarks.frames import webcam_frame
    from catalogue.models import Track
    from tests.factories import make_capture, make_user

    user, frame = make_user(), webcam_frame()
    give_consent(user=user)
    _, secret = create_token(user=user, name="benchmark", scopes=["read", "listen"])
    authorized = {"Authorization": f"Bearer {secret}"}
    person, program = Client(headers={"Host": "localhost"}), Client(headers={"Host": "localhost"})
    person.force_login(user)
    read, open_one = make_capture(user), make_capture(user, status="queued", emotion="", scores={})
    tracks = list(Track.objects.filter(emotion="sad").values_list("id", flat=True)[:50])
    heard = Track.objects.exclude(mbid="").first()
    assert heard
    # made before, so that no query of theirs is counted: one for each time that a new playlist is asked for
    fresh = [make_capture(user).id for _ in range(TIMES + WARM_UPS + 2 + PROFILED)]

    def show_a_face() -> Spent:
        picture = SimpleUploadedFile("frame.jpg", frame, "image/jpeg")
        return post("/captures/", frames=picture, source="camera")

    def rate() -> Spent:
        tracks.append(tracks.pop(0))
        return post(f"/tracks/{tracks[0]}/rating/", value="1")

    def make_playlist() -> Spent:
        return get(f"/captures/{fresh.pop()}/playlist/", **BY_SCRIPT)()

    def scrobble(artist: str, title: str, mbid: str = "") -> Request:
        clock = itertools.count(int(time.time()) - 10**6, 60)
        named = {"artist_name": artist, "track_name": title, "additional_info": {"recording_mbid": mbid}}

        def once() -> Spent:
            payload = [{"listened_at": next(clock), "track_metadata": named}]
            body = {"listen_type": "single", "payload": payload}
            path = "/api/v1/listenbrainz/1/submit-listens"
            return taken(lambda: program.post(path, body, "application/json", headers=authorized))

        return once

    def post(path: str, **fields: Any) -> Spent:
        return taken(lambda: person.post(path, fields, headers=BY_SCRIPT))

    def get(path: str, client: "Client" = person, /, **headers: str) -> Request:
        return lambda: taken(lambda: client.get(path, headers=headers))

    return {
        "a face": show_a_face,
        "a look, nothing new": get(f"/captures/{open_one.id}/outcome/?seen=" + seen_of(person, open_one), **BY_SCRIPT),
        "a look, read": get(f"/captures/{read.id}/outcome/", **BY_SCRIPT),
        "a new playlist": make_playlist,
        "a playlist again": get(f"/captures/{read.id}/playlist/", **BY_SCRIPT),
        "a rating": rate,
        "a list of tracks": get("/tracks/?emotion=sad"),
        "the history": get("/history/"),
        "the first page": get("/"),
        "tracks by API": get("/api/v1/tracks?emotion=sad", program, **authorized),
        "a scrobble by name": scrobble(heard.artist, heard.title),
        "a scrobble by mbid": scrobble("Somebody Else", "Something", heard.mbid),
        "a scrobble, unknown": scrobble("Nobody Knows Them", "Nothing"),
        "emotions by API": get("/api/v1/emotions", program),
    }


def seen_of(person: "Client", capture: Any) -> str:
    """Return what the page of an open capture says it has seen."""
    page = person.get(f"/captures/{capture.id}/outcome/", headers=BY_SCRIPT).content.decode()
    found = re.search(r"\?seen=([^\"]+)", page)
    return found[1] if found else ""


def taken(ask: Callable[[], Any]) -> Spent:
    begin, began = time.process_time(), time.perf_counter()
    answer = ask()
    spent = 1000 * (time.process_time() - begin), 1000 * (time.perf_counter() - began)
    assert answer.status_code < 400, (answer.status_code, answer.content[:500])
    return spent


if __name__ == "__main__":
    main()
