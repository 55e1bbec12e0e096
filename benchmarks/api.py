"""Measure GET /api/v1/tracks?emotion=sad on a PostgreSQL of its own, page by page to the last one, at the server.

    .venv/bin/python -m benchmarks.api FILE

FILE is a MuSe CSV. The web process is gunicorn as `make run` starts it; times are from sending a request to having its
whole answer, over loopback, one request at a time, by a token. The number of queries is counted in this process.
"""

import contextlib
import http.client
import json
import os
import signal
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers import ROOT, Postgres, Redis, server_folder

TIMES = 400
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


def measure(port: int, token: str, address: str) -> tuple[float, dict]:
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


def main(file: Path) -> None:
    from tests.api_server import api_server
    from tests.servers import manage

    with server_folder("postgres") as here, server_folder("redis") as there:
        postgres, redis = Postgres(here), Redis(there)
        try:
            audio = Path(os.environ.get("EMOTUNE_AUDIO", here / "audio"))
            with api_server(postgres, redis, audio, "bench") as server:
                manage("import_muse", str(file), env=server.env)
                manage("cluster_catalogue", "--activate", env=server.env)
                port = urlsplit(server.url).port
                first = "/api/v1/tracks?emotion=sad"
                for _ in range(50):
                    measure(port, server.ada, first)
                addresses, walk = pages(port, server.ada, first)
                last = addresses[-1]
                total = json.loads(manage("shell", "--verbosity=0", "--command", TOTAL, env=server.env))
                print(f"{total['tracks']:,} tracks, {total['sad']:,} of them sad: {len(addresses)} pages of 25")
                print(f"  walk over all pages: median {statistics.median(walk):.1f} ms, p95 {p95(walk):.1f} ms")
                rounds = [
                    (measure(port, server.ada, first)[0] * 1000, measure(port, server.ada, last)[0] * 1000)
                    for _ in range(TIMES)
                ]
                for name, times in zip(("first page", "last page"), zip(*rounds, strict=True), strict=True):
                    print(f"  {name}: median {statistics.median(times):.1f} ms, p95 {p95(list(times)):.1f} ms")
                some = [addresses[0], addresses[len(addresses) // 2], last, first + "&limit=100"]
                code = COUNT.format(addresses=json.dumps(some), token=server.ada)
                counts = manage("shell", "--verbosity=0", "--command", code, env=server.env | {"DEBUG": "true"})
                print(f"  queries on the first, middle and last page, and with 100 rows: {counts.strip()}")
        finally:
            redis.stop()
            postgres.stop(by=signal.SIGQUIT)


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
