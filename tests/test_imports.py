"""Who imports whom, read from the source; and what the web process has loaded once it can answer every address."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.servers import ROOT

APPS = ("accounts", "detection", "catalogue", "playlists")
SHARED = {
    "emotune.background",
    "emotune.deletions",
    "emotune.health",
    "emotune.metrics",
    "emotune.emotions",
    "emotune.errors",
    "emotune.heartbeat",
    "emotune.http",
    "emotune.jobs",
    "emotune.limits",
    "emotune.personal",
    "emotune.retention",
    "emotune.store",
    "emotune.strangers",
    "emotune.workers",
    "emotune.checkup.verdicts",
}
# What an app's API is built on, and what alone may build on it.
FRAME = {f"emotune.api.{name}" for name in ("etags", "fields", "idempotency", "jobs", "paging")}
FRAME |= {f"emotune.api.{name}" for name in ("parsers", "permissions", "problems", "schema", "views")}
API = {"api", "api_urls", "serializers"}
ALLOWED = {"playlists": {"detection", "catalogue"}}
HEAVY = {"tensorflow", "keras", "mtcnn", "onnx", "onnxruntime", "openvino"}
# What stands between people and services. Nothing further in knows it.
OUTER = {"views", "api", "admin", "forms", "urls", "management", "templatetags", "adapter", "access"} | API
# The worker's side: the web process reaches it through a task alone.
WORKER = {"reading"}
PURE = (
    "emotune/emotions.py",
    "emotune/errors.py",
    "emotune/checkup/sparkline.py",
    "emotune/checkup/verdicts.py",
    "detection/vision/*.py",
    "catalogue/anchored.py",
    "catalogue/anchored.py",
    "catalogue/clustering.py",
    "catalogue/composition.py",
    "catalogue/demo.py",
    "catalogue/download.py",
    "catalogue/evaluation.py",
    "catalogue/idioms.py",
    "catalogue/keys.py",
    "catalogue/measures.py",
    "catalogue/methods.py",
    "catalogue/moods.py",
    "catalogue/muse.py",
    "catalogue/plots.py",
    "catalogue/records.py",
    "catalogue/rejects.py",
    "catalogue/synthesis.py",
    "playlists/charts.py",
    "playlists/columns.py",
    "playlists/company.py",
    "playlists/export_records.py",
    "playlists/exports.py",
    "playlists/journeys.py",
    "playlists/listeners.py",
    "playlists/matching.py",
    "playlists/metrics.py",
    "playlists/moments.py",
    "playlists/moods.py",
    "playlists/plane.py",
    "playlists/plot.py",
    "playlists/pool.py",
    "playlists/ranking.py",
    "playlists/replay.py",
    "playlists/simulation.py",
    "playlists/taste.py",
    "playlists/unpacking.py",
)
FRAMEWORKS = {"django", "celery", "redis", "kombu", "rest_framework", "allauth"}


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    files = [file for app in (*APPS, "emotune") for file in sorted((ROOT / app).rglob("*.py"))]
    return {name_of(file): file for file in files if "migrations" not in file.parts}


@cache
def imports(module: str) -> frozenset[str]:
    """Return the modules that a module imports anywhere, but for annotations alone."""
    return frozenset(_imported(ast.parse(modules()[module].read_text())))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            yield whole if whole in modules() else str(node.module)
    for child in ast.iter_child_nodes(node):
        yield from _imported(child)


def ours(module: str) -> set[str]:
    return {name for name in imports(module) if name in modules() and name != module}


def app_of(module: str) -> str:
    return module.partition(".")[0]


def part_of(module: str) -> str:
    """Return the part that a module plays in its app: `views` for playlists.views."""
    return module.partition(".")[2].partition(".")[0]


def broken(rule: dict[str, set[str]]) -> dict[str, set[str]]:
    return {module: names for module, names in rule.items() if names}


def in_apps() -> list[str]:
    return [module for module in modules() if app_of(module) in APPS]


def test_an_app_imports_no_other_app_than_it_may():
    def strangers(module: str) -> set[str]:
        app = app_of(module)
        may = {app} | ALLOWED.get(app, set())
        shared = SHARED | (FRAME if part_of(module) in API else set())
        return {name for name in ours(module) if app_of(name) not in may and name not in shared}

    assert broken({module: strangers(module) for module in in_apps()}) == {}


def test_the_project_imports_no_app():
    project = [module for module in modules() if app_of(module) == "emotune"]
    apps = {module: {name for name in ours(module) if app_of(name) in APPS} for module in project}
    assert broken(apps) == {}


def test_nothing_imports_in_a_circle():
    try:
        order = list(TopologicalSorter({module: ours(module) for module in modules()}).static_order())
    except CycleError as circle:
        pytest.fail(" -> ".join(reversed(circle.args[1])))
    assert order.index("playlists.services") > order.index("detection.models")


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("models", {"services", "queries", "tasks"} | OUTER | WORKER),
        ("queries", {"services", "tasks"} | OUTER | WORKER),
        ("tasks", {"services"} | OUTER),
        ("services", OUTER | WORKER),
        ("views", {"tasks"} | WORKER),
        ("admin", {"tasks", "views"} | WORKER),
    ],
)
def test_inside_an_app_nothing_reaches_outwards(inner, outer):
    members = [module for module in in_apps() if part_of(module) == inner]
    assert members
    wrong = {module: {name for name in ours(module) if part_of(name) in outer} for module in members}
    assert broken(wrong) == {}


def test_networks_are_imported_under_vision_alone():
    heavy = {module: {name for name in imports(module) if app_of(name) in HEAVY} for module in modules()}
    users = set(broken(heavy))
    assert users, "the rule looks for nothing"
    assert {module for module in users if not module.startswith("detection.vision.")} == set()


def pure_modules() -> set[str]:
    found = {pattern: [name_of(file) for file in ROOT.glob(pattern)] for pattern in PURE}
    assert all(found.values()), f"nothing is called {[pattern for pattern, files in found.items() if not files]}"
    return {name for names in found.values() for name in names}


def test_a_pure_module_knows_no_framework_and_no_module_that_does():
    pure = pure_modules()

    def impure(module: str) -> set[str]:
        return {name for name in imports(module) if app_of(name) in FRAMEWORKS} | (ours(module) - pure)

    assert broken({module: impure(module) for module in pure}) == {}


LOAD_THE_WEB_PROCESS = """
import json, sys
from django.urls import URLResolver, get_resolver
import emotune.wsgi

def count(patterns):
    return sum(count(item.url_patterns) if isinstance(item, URLResolver) else 1 for item in patterns)

addresses = count(get_resolver().url_patterns)
print(json.dumps({"addresses": addresses, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def test_the_web_process_loads_no_networks():
    done = subprocess.run(
        [sys.executable, "-c", LOAD_THE_WEB_PROCESS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["addresses"] > 20
    assert set(seen["loaded"]) & (HEAVY | {"sklearn", "torch"}) == set()
