"""Requests a second for a page that needs no login, beside a bare Django view under the same gunicorn, in one run."""

import http.client
import sys
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from tests.servers import Process, free_port, status_of, wait_until

BARE = """
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="of a benchmark", MIDDLEWARE=[])
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("ok"))]
application = get_wsgi_application()
"""
CLIENTS = 8
ROUNDS = 3


def compare(url: str, env: dict[str, str], seconds: float) -> dict[str, Any]:
    """Take turns between the home page, a static file and the bare view; return requests a second and their ratio."""
    folder = Path(env["EMOTUNE_DIR"])
    (folder / "bare.py").write_text(BARE)
    port = free_port()
    gunicorn = (
        sys.executable,
        "-m",
        "gunicorn",
        "bare",
        "--worker-class=gthread",
        "--threads=8",
        "--log-level=warning",
    )
    where = (f"--workers={env['WEB_WORKERS']}", f"--bind=127.0.0.1:{port}", f"--pythonpath={folder}")
    bare = Process(*gunicorn, *where, "--no-control-socket", "--log-level=warning", log=folder / "bare.log", env=env)
    try:
        wait_until("the bare view", lambda: status_of(f"http://127.0.0.1:{port}/") == 200)
        pages = {"bare": f"http://127.0.0.1:{port}/", "home": f"{url}/", "static": f"{url}/static/css/emotune.css"}
        rounds = [{name: hammer(page, seconds / ROUNDS) for name, page in pages.items()} for _ in range(ROUNDS)]
    finally:
        bare.stop()
    rates = {name: round(median(turn[name][0] for turn in rounds)) for name in pages}
    errors = sum(turn[name][1] for turn in rounds for name in pages)
    return {"a_second": rates, "errors": errors, "home_slower_than_bare": round(rates["bare"] / rates["home"], 2)}


def hammer(page: str, seconds: float) -> tuple[float, int]:
    """Ask for one page from CLIENTS connections that stay open; return requests a second and errors."""
    parts, counts, errors = urlsplit(page), [0] * CLIENTS, [0] * CLIENTS
    until = time.monotonic() + seconds

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        while time.monotonic() < until:
            connection.request("GET", parts.path)
            response = connection.getresponse()
            response.read()
            counts[client] += 1
            errors[client] += response.status != 200
        connection.close()

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - start), sum(errors)
