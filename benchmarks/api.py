"""Measure GET /api/v1/tracks?emotion=sad on a PostgreSQL of its own, page by page to the last one, at the server.

    .venv/bin/python -m benchmarks.api FILE

FILE is a MuSe CSV. The web process is gunicorn as `make run` starts it; requests come over loopback, one at a time,
each with a connection of its own and a token. Times are those that the server logs, from having a request to having its
answer, and those of the program that asks, which shares the machine. The number of queries is counted in this process.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.servers import (
    PROCESSES,
    ROOT,
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

TIMES = 400
WARM_UPS = 50
COUNT = """
import json
from django.db import connection, reset_queries
from django.conf import settings
from django.test import Client
settings.DEBUG = True
client, counts = Client(), []
for address in json.loads({addresses!r}):
    reset_queries()
    answer = client.get(address, headers={{"Authorization": "Bearer {token}", "Host": "localhost"}})
    assert answer.status_code == 200
    counts.append(len(connection.queries))
print(json.dumps(counts))
"""


def measure(port: int, token: str, address: str) -> tuple[float, dict[str, Any]]:
    """Return the seconds that one answer took, and what it says."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.connect()
        begin = time.perf_counter()
        connection.request("GET", address, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - begin
    assert response.status == 200, body
    return seconds, json.loads(body)


def local(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def pages(port: int, token: str, first: str) -> tuple[list[str], list[float]]:
    """Walk all pages of a list; return their addresses and the milliseconds that each took."""
    addresses, times, address = [], [], first
    while True:
        seconds, page = measure(port, token, address)
        addresses.append(address)
        times.append(1000 * seconds)
        if not page["next"]:
            return addresses, times
        address = local(page["next"])


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def logged(folder: Path) -> list[float]:
    """Return the milliseconds of each list of tracks that the server has answered, as it logged them."""
    log = (folder / "web.log").read_text()
    return [float(found) for found in re.findall(r"GET /api/v1/tracks 200 ([\d.]+) ms", log)]


def show(name: str, served: list[float], asked: list[float]) -> None:
    both = [f"median {statistics.median(times):.1f} ms, p95 {p95(times):.1f} ms" for times in (served, asked)]
    print(f"  {name}: at the server {both[0]}; asked over loopback {both[1]}")


@contextlib.contextmanager
def serving(folder: Path, file: Path) -> Iterator[tuple[dict[str, str], int, str]]:
    """Give the environment, the port and a token of a web process whose catalogue is a file's."""
    with server_folder("postgres") as here, server_folder("redis") as there:
        postgres, redis = Postgres(here), Redis(there)
        limits = {"API_TOKEN_LIMIT": "10000000", "API_ADDRESS_LIMIT": "10000000"}
        env = environment(folder, DATABASE_URL=postgres.url("bench"), REDIS_URL=redis.url, **limits)
        web, port = None, free_port()
        try:
            manage("migrate", "--verbosity=0", env=env)
            manage("import_muse", str(file), env=env)
            manage("cluster_catalogue", "--activate", env=env)
            token = json.loads(manage("shell", "--verbosity=0", "--command", TOKEN, env=env))
            web = Process(*PROCESSES, "web", f"127.0.0.1:{port}", log=folder / "web.log", env=env)
            wait_until("the web process", lambda: status_of(f"http://127.0.0.1:{port}/api/v1/emotions") == 200)
            yield env, port, token
        finally:
            if web:
                web.stop()
            redis.stop()
            postgres.stop(by=signal.SIGQUIT)


def main(file: Path) -> None:
    first = "/api/v1/tracks?emotion=sad"
    with server_folder("bench") as folder, serving(folder, file) as (env, port, token):
        for _ in range(WARM_UPS):
            measure(port, token, first)
        addresses, walk = pages(port, token, first)
        last = addresses[-1]
        served = logged(folder)[-len(walk) :]  # without those that warmed it up
        total = json.loads(manage("shell", "--verbosity=0", "--command", TOTAL, env=env))
        print(f"{total['tracks']:,} tracks, {total['sad']:,} of them sad: {len(addresses)} pages of 25")
        show("walk over all pages", served, walk)
        rounds = [[1000 * measure(port, token, address)[0] for address in (first, last)] for _ in range(TIMES)]
        for place, (name, times) in enumerate(zip(("first page", "last page"), zip(*rounds, strict=True), strict=True)):
            show(name, logged(folder)[-2 * TIMES :][place::2], list(times))
        some = [first, addresses[len(addresses) // 2], last, first + "&limit=100"]
        code = COUNT.format(addresses=json.dumps(some), token=token)
        counts = manage("shell", "--verbosity=0", "--command", code, env=env)
        print(f"  queries on the first, middle and last page, and with 100 rows: {counts.strip()}")


TOKEN = """
import json
from accounts.tokens import create_token
from tests.factories import make_user
print(json.dumps(create_token(user=make_user(), name="benchmark", scopes=["read"])[1]))
"""
TOTAL = """
import json
from catalogue.models import Track
print(json.dumps({"tracks": Track.objects.count(), "sad": Track.objects.filter(emotion="sad").count()}))
"""

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.chdir(ROOT)
    main(Path(sys.argv[1]))
