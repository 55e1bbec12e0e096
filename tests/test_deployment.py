"""The files for installations: each promise of docs/deployment.md that a file can keep."""

import ast
import re
import shlex
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from packaging.requirements import Requirement

from emotune.celery import app
from tests.servers import ROOT

WHOLE = yaml.safe_load((ROOT / "compose.yaml").read_text())
COMPOSE = WHOLE["services"]
OURS = {"migrate", "web", "worker", "worker-gpu", "jobs", "beat"}
ROLES = ("web", "worker", "jobs", "beat")


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_have_no_rights_and_no_disk_to_write_to(name):
    service = COMPOSE[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["mem_limit"]


@pytest.mark.parametrize("name", sorted(set(COMPOSE) - {"migrate", "beat", "proxy"}))
def test_every_server_is_asked_whether_it_is_well(name):
    assert COMPOSE[name]["healthcheck"]["test"]


def test_redis_writes_nothing_and_throws_nothing_out():
    command = COMPOSE["redis"]["command"]
    assert command[command.index("--save") + 1] == ""
    assert command[command.index("--appendonly") + 1] == "no"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_no_port_is_open_to_other_machines_but_the_proxys():
    open_ports = {name: service["ports"] for name, service in COMPOSE.items() if "ports" in service}
    assert open_ports.pop("proxy") == ["80:80", "443:443"]
    assert all(port.startswith("127.0.0.1:") for ports in open_ports.values() for port in ports)


def test_no_secret_stands_in_a_file():
    for path in [ROOT / "compose.yaml", *(ROOT / "deploy").rglob("*.*")]:
        assert not re.search(r"(PASSWORD|SECRET_KEY|TOKEN)(=|:\s)[^\s$]", path.read_text()), path


@pytest.mark.parametrize("file", [".dockerignore", ".gitignore"])
def test_secrets_that_were_filled_in_and_backups_get_into_no_image_and_no_commit(file):
    patterns = (ROOT / file).read_text().split()
    assert {".env", ".env.*", "*.dump"} <= set(patterns)
    # what they are filled in from is there for everybody
    assert not {"deploy", "deploy/", "env.example", "deploy/env.example", "*.example"} & set(patterns)


def test_what_tools_and_runs_leave_behind_gets_into_no_image():
    left = {".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "var*"}
    assert left <= set((ROOT / ".dockerignore").read_text().split())


def test_the_clock_remembers_when_it_last_sent_what():
    [volume] = COMPOSE["beat"]["volumes"]
    name, place = volume.split(":")
    assert place == "/data"
    assert name in WHOLE["volumes"]
    assert not any(mounted.startswith("/data") for mounted in COMPOSE["beat"]["tmpfs"])
    assert [other for other in COMPOSE if volume in COMPOSE[other].get("volumes", [])] == ["beat"]


def test_the_database_is_asked_by_tcp_for_the_server_that_sets_it_up_has_a_socket_alone():
    assert "-h 127.0.0.1" in COMPOSE["db"]["healthcheck"]["test"][1]


def test_a_worker_on_a_gpu_is_replaced_before_its_container_has_no_memory_left():
    most = int(COMPOSE["worker-gpu"]["environment"]["WORKER_MAX_MEMORY_MB"])
    assert 2000 < most < 1024 * int(COMPOSE["worker-gpu"]["mem_limit"].removesuffix("g"))


def test_a_worker_on_a_gpu_has_an_onnxruntime_that_there_is_for_the_cuda_of_its_image():
    """One for another CUDA reads faces all the same, on the processor."""
    stage = (ROOT / "Dockerfile").read_text().partition("FROM nvidia/cuda:")[2]
    assert stage.startswith("12.")
    assert "-r requirements-gpu.txt" in stage
    [pinned] = [line for line in (ROOT / "requirements-gpu.txt").read_text().splitlines() if not line.startswith("#")]
    assert pinned == "onnxruntime-gpu==1.26.0"  # its metadata ask for CUDA 12
    assert "`onnxruntime-gpu` 1.26.0" in (ROOT / "docs/detection.md").read_text()
    # both bring the same module, and the last to come would be the one that is there
    [left_out] = re.findall(r"sed '(.*?)' requirements-worker\.txt", stage)
    names = re.findall(r"/\^(\w+)==/d", left_out)
    assert set(names) == {"onnxruntime", "openvino"} <= listed_in("requirements-worker.txt")


def test_every_replica_of_a_worker_is_scraped():
    jobs = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["scrape_configs"]
    [found] = next(job["dns_sd_configs"] for job in jobs if job["job_name"] == "workers")
    assert set(found["names"]) == {name for name in COMPOSE if name.startswith("worker") or name == "jobs"}
    assert found["type"] == "A"
    assert str(found["port"]) == COMPOSE["worker"]["environment"]["WORKER_METRICS_PORT"]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_a_unit_that_starts_it(role):
    unit = (ROOT / f"deploy/systemd/emotune-{role}.service").read_text()
    assert unit.splitlines()[-1] == "WantedBy=multi-user.target"
    assert f"-m emotune.serve {role}\n" in unit
    assert "EMOTUNE_ENV=production" in unit
    assert "NoNewPrivileges=true" in unit


def test_commands_by_hand_run_as_the_units_do_and_tell_nobody_a_secret():
    text = (ROOT / "docs/deployment.md").read_text()
    [run] = re.findall(r"systemd-run .*?manage\.py", text, re.DOTALL)
    words = shlex.split(run.replace("\\\n", ""))
    properties = [value for name, value in pairwise(words) if name == "-p"]
    assert {"User=emotune", "EnvironmentFile=/etc/emotune.env"} <= set(properties)
    for role in ROLES:
        unit = (ROOT / f"deploy/systemd/emotune-{role}.service").read_text()
        assert [each for each in (*properties, f"ExecStart={words[-2]} ") if f"\n{each}" not in unit] == []
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        assert "cat /etc/emotune.env" not in block
        assert "DATABASE_URL" not in re.sub("#.*", "", block)


def test_whatever_is_due_by_the_clock_is_known_to_the_workers():
    app.loader.import_default_modules()
    due = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert len(due) >= 5
    assert due - set(app.tasks) == set()


# What others read: Compose itself, and PostgreSQL's image.
READ_BY_OTHERS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "PUBLIC_HOST"}


def test_every_variable_that_the_files_set_is_read():
    set_by_files = set(re.findall(r"^([A-Z_]+)=", (ROOT / "deploy/env.example").read_text(), re.MULTILINE))
    for service in COMPOSE.values():
        set_by_files |= set(service.get("environment", {}))
    for unit in (ROOT / "deploy/systemd").glob("*.service"):
        for line in re.findall(r"^Environment=(.*)$", unit.read_text(), re.MULTILINE):
            set_by_files |= {pair.partition("=")[0] for pair in line.split()}
    assert {"DATABASE_URL", "EMOTUNE_ENV", "TRUSTED_PROXIES"} <= set_by_files
    assert set_by_files - settings_read() - READ_BY_OTHERS == set()


def settings_read():
    text = (ROOT / "emotune/settings.py").read_text()
    return set(re.findall(r'env(?:_bool|_int|_list|_choice)?\(\s*"([A-Z_]+)"', text))


def test_every_setting_that_is_read_is_documented():
    read = settings_read()
    text = (ROOT / "docs/deployment.md").read_text()
    assert {name for name in read if f"`{name}`" not in text} == set()
    by_compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text()))
    assert {"PUBLIC_HOST", "WEB_MEMORY", "WORKER_MEMORY"} <= by_compose
    assert {name for name in by_compose if f"`{name}`" not in text} == set()


LOADED = """
import sys
import django
role = sys.argv[1]
django.setup()
import emotune.serve
if role == "web":
    import emotune.wsgi
    from django.urls import get_resolver
    get_resolver().url_patterns
else:
    import detection.reading, detection.vision.reader, emotune.celery
    emotune.celery.app.loader.import_default_modules()
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None) or "")
"""


def imported_by(file):
    """Yield the first names of what a module of ours imports as it is loaded."""
    body = ast.parse(file.read_text()).body
    tried = (inner for statement in body if isinstance(statement, ast.Try) for inner in statement.body)
    for statement in (*body, *tried):
        if isinstance(statement, ast.Import):
            yield from (alias.name.split(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            yield statement.module.split(".")[0]


def listed_in(*files):
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    return {Requirement(line).name.lower() for line in lines if line and not line.startswith(("#", "-r"))}


@pytest.mark.parametrize("role", ["web", "worker"])
def test_an_image_has_what_its_processes_import(tmp_path, role):
    env = {"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "emotune.settings", "EMOTUNE_DIR": str(tmp_path)}
    loaded = [sys.executable, "-c", LOADED, role]
    ran = subprocess.run(loaded, cwd=ROOT, env=env, check=True, capture_output=True, text=True, timeout=120)
    files = [
        Path(line) for line in ran.stdout.splitlines() if line.startswith(f"{ROOT}/") and "site-packages" not in line
    ]
    by_module = metadata.packages_distributions()
    used = {by_module[name][0].lower() for file in files for name in imported_by(file) if name in by_module}
    listed = listed_in("requirements-web.txt", *(["requirements-worker.txt"] if role == "worker" else []))
    assert {"django", "numpy", "celery"} <= used
    assert role == "web" or {"onnx", "onnxruntime", *(["openvino"] if find_spec("openvino") else [])} <= used
    # parts of Celery and of Django
    assert used - listed - {"kombu", "billiard", "asgiref"} == set()
