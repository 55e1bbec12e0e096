"""The admin's pages in a browser: what lies in them, where they are, and the way in."""

import json
import subprocess
import sys
from collections.abc import Iterator

from playwright.sync_api import Page

from tests.admin_showcase import BOSS
from tests.servers import ROOT
from tests.showcase import PASSWORD

# What each right on clusterings and their runs opens, on the admin's pages and by API alike.
CLUSTERING_RIGHTS: list[tuple[str, set[str]]] = [
    ("view_clustering", {"look"}),
    ("add_clustering", {"make", "cancel making"}),
    ("change_clustering", {"activate", "cancel activation"}),
    ("view_clusteringrun", set()),
    ("add_clusteringrun", set()),
    ("change_clusteringrun", set()),
]


def fill(env: dict[str, str]) -> dict[str, str]:
    """Make it in the database of a running site, in a process of its own."""
    command = [sys.executable, "-m", "tests.admin_showcase"]
    ran = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert ran.returncode == 0, ran.stderr[-2000:]
    found: dict[str, str] = json.loads(ran.stdout)
    return found


def pages(ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield name and path of each page of the admin that is ours, or that lists what is ours."""
    catalogue = "/admin/catalogue"
    yield from {
        "admin": "/admin/",
        "admin-health": "/admin/health/",
        "admin-captures": "/admin/detection/capture/",
        "admin-agreement": "/admin/detection/capture/agreement/",
        "admin-people": "/admin/accounts/user/",
        "admin-person": f"/admin/accounts/user/{ids['boss']}/change/",
        "admin-log": "/admin/admin/logentry/",
        "admin-tracks": f"{catalogue}/track/",
        "admin-imports": f"{catalogue}/import/",
        "admin-import": f"{catalogue}/import/{ids['done']}/change/",
        "admin-import-failed": f"{catalogue}/import/{ids['failed']}/change/",
        "admin-import-add": f"{catalogue}/import/add/",
        "admin-clusterings": f"{catalogue}/clustering/",
        "admin-clustering": f"{catalogue}/clustering/{ids['preview']}/change/",
        "admin-clustering-add": f"{catalogue}/clustering/add/",
        "admin-runs": f"{catalogue}/clusteringrun/",
        "admin-run": f"{catalogue}/clusteringrun/{ids['run']}/change/",
    }.items()


def log_in_as_boss(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(BOSS)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/captures/new/")
