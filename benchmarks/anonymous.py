"""Requests a second for pages that need no login, beside a bare Django view under the same gunicorn, in one run.

python -m benchmarks.anonymous [--seconds 5] [--rounds 3] [--web 2] [--threads 8]

The site and a project of one view, without middleware, are served by the command that `emotune.serve web` runs; a
client in another process (`wrk` where it is installed, else Python) asks for one page after the other in turns. Medians
of the rounds, and all errors: answers other than 200, broken and silent connections. Logs are written as on a server.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from emotune.serve import WEB
from tests.servers import ROOT, Process, environment, free_port, manage, server_folder, status_of, wait_until

BARE = """
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="of a benchmark", MIDDLEWARE=[])
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("ok"))]
application = get_wsgi_application()
"""
PAGES = {
    "home": "/",
    "about": "/about/",
    "privacy": "/privacy/",
    "reader": "/model/",
    "login": "/accounts/login/",
    "static": "/static/css/emotune.css",
}
CONNECTIONS = 16
WANTED = 500


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="of each page in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--web", type=int, default=os.cpu_count() or 1, help="gunicorn's processes")
    parser.add_argument("--threads", type=int, default=8, help="of each of them")
    options = parser.parse_args()
    with server_folder("anonymous") as folder:
        env = environment(folder, WEB_WORKERS=str(options.web))
        manage("migrate", "--verbosity=0", env=env)
        with site(env, f"--threads={options.threads}") as url:
            found = compare(url, env, f"--threads={options.threads}", seconds=options.seconds, rounds=options.rounds)
    print(json.dumps({"web": options.web, "threads": options.threads, **found}, indent=1))
    return 0


@contextlib.contextmanager
def site(env: dict[str, str], *more: str) -> Iterator[str]:
    """Serve the site as `emotune.serve` does, with more options for gunicorn; give its address."""
    port = free_port()
    log = Path(env["EMOTUNE_DIR"]).parent / "web.log"
    web = Process(sys.executable, "-m", "emotune.serve", "web", f"--bind=127.0.0.1:{port}", *more, log=log, env=env)
    try:
        wait_until("the site", lambda: status_of(f"http://127.0.0.1:{port}/") == 200, seconds=120)
        yield f"http://127.0.0.1:{port}"
    except BaseException:
        sys.stderr.write(web.words()[-3000:])
        raise
    finally:
        web.stop()


@contextlib.contextmanager
def bare_view(env: dict[str, str], *more: str) -> Iterator[str]:
    """Serve a project of one view under the same gunicorn; give its address."""
    folder, port = Path(env["EMOTUNE_DIR"]).parent, free_port()
    (folder / "bare.py").write_text(BARE)
    where = (f"--workers={env['WEB_WORKERS']}", f"--bind=127.0.0.1:{port}", f"--pythonpath={folder}")
    gunicorn = (sys.executable, "-m", "gunicorn", "bare", *(option for option in WEB if "--bind" not in option))
    bare = Process(*gunicorn, *where, *more, log=folder / "bare.log", env=env)
    try:
        wait_until("the bare view", lambda: status_of(f"http://127.0.0.1:{port}/") == 200)
        yield f"http://127.0.0.1:{port}"
    finally:
        bare.stop()


def compare(url: str, env: dict[str, str], *more: str, seconds: int, rounds: int) -> dict[str, Any]:
    """Take turns between the bare view and our pages; return requests a second, ratios to the bare view, errors."""
    with bare_view(env, *more) as bare:
        addresses = {"bare": f"{bare}/"} | {name: url + path for name, path in PAGES.items()}
        for address in addresses.values():
            ask(address, 1)
        turns = [{name: ask(address, seconds) for name, address in addresses.items()} for _ in range(rounds)]
    rates = {name: median(turn[name][0] for turn in turns) for name in addresses}
    errors = {name: sum(turn[name][1] for turn in turns) for name in addresses}
    slower = {name: round(rates["bare"] / rates[name], 2) for name in PAGES}
    # a client in Python is slower than a bare view, so that ratios to it say little
    fast = shutil.which("wrk") is not None
    fit = [name for name in PAGES if not errors[name] and (rates[name] >= WANTED or (fast and slower[name] <= 2))]
    return {
        "client": "wrk" if fast else "python",
        "a_second": {name: round(rate) for name, rate in rates.items()},
        "times_slower_than_bare": slower,
        "errors": errors,
        f"{WANTED}_a_second_or_at_most_2_times_slower": fit,
    }


def ask(address: str, seconds: int) -> tuple[float, int]:
    """Let a client in another process ask for one page; return answers a second and errors."""
    if not shutil.which("wrk"):
        command = [sys.executable, "-m", "benchmarks.hammer", address, str(seconds), str(CONNECTIONS)]
        rate, errors = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
        return float(rate), int(errors)
    wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", address]
    said = subprocess.run(wrk, check=True, capture_output=True, text=True, timeout=seconds + 30).stdout
    bad = re.findall(r"Non-2xx or 3xx responses: (\d+)", said) + re.findall(
        r"(?:connect|read|write|timeout) (\d+)", said
    )
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), sum(map(int, bad))  # type: ignore[index]


if __name__ == "__main__":
    sys.exit(main())
