"""An installation for other people starts with fit settings, or not at all and says why."""

import os
import subprocess
import sys

import pytest

from emotune.production import problems
from emotune.serve import command
from tests.servers import ROOT

FIT = {
    "EMOTUNE_ENV": "production",
    "SECRET_KEY": "kT3-yq8Zp0vLr7NwXc2JbGmHsAe5Du9FiOt6KxQl1RnVjWzBhYgEaMdPoUfCsIt4",  # pragma: allowlist secret
    "ALLOWED_HOSTS": "music.example.org",
    "HTTPS": "true",
    "TRUSTED_PROXIES": "1",
    "DATABASE_URL": "postgres://emotune:secret@db:5432/emotune",
    "REDIS_URL": "redis://redis:6379/0",
}


def test_fit_settings_have_no_problem():
    assert problems(FIT) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("SECRET_KEY", "change-me", "SECRET_KEY is too easy to guess"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY is too easy to guess"),
        ("DEBUG", "true", "DEBUG is on"),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS"),
        ("ALLOWED_HOSTS", "localhost, 127.0.0.1", "ALLOWED_HOSTS"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS"),
        ("HTTPS", "false", "HTTPS is not true"),
        ("TRUSTED_PROXIES", "", "TRUSTED_PROXIES is not 1 or more"),
        ("TRUSTED_PROXIES", "0", "TRUSTED_PROXIES is not 1 or more"),
        ("TRUSTED_PROXIES", "yes", "TRUSTED_PROXIES is not 1 or more"),
        ("DATABASE_URL", "sqlite:///x", "DATABASE_URL must name a PostgreSQL"),
        ("DATABASE_URL", "", "DATABASE_URL must name a PostgreSQL"),
        ("REDIS_URL", "", "REDIS_URL must name a Redis"),
    ],
)
def test_each_problem_is_one_line(name, value, said):
    (problem,) = problems(FIT | {name: value})
    assert said in problem
    assert "\n" not in problem


def started(*command, tmp_path, **changed):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *command],
        env=kept | {"EMOTUNE_DIR": str(tmp_path)} | FIT | changed,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("command", [("manage.py", "check"), ("-m", "emotune.serve", "web")], ids=["manage", "serve"])
def test_an_unfit_installation_stops_with_one_line(command, tmp_path):
    ended = started(*command, tmp_path=tmp_path, SECRET_KEY="", DEBUG="1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("emotune cannot start: SECRET_KEY is not set")
    assert "DEBUG is on" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(("name", "value"), [("DATABASE_URL", "mysql://x"), ("REDIS_URL", "http://x")])
def test_a_bad_address_stops_with_one_line(name, value, tmp_path):
    ended = started("-m", "emotune.serve", "worker", tmp_path=tmp_path, EMOTUNE_ENV="", **{name: value})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"emotune cannot start: {name} must look like")
    assert ended.stderr.count("\n") == 1


def test_a_worker_without_a_model_stops_with_one_line(tmp_path):
    ended = started("-m", "emotune.serve", "worker", tmp_path=tmp_path, EMOTUNE_MODEL=str(tmp_path / "none"))
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"emotune cannot start: EMOTUNE_MODEL is {tmp_path / 'none'}, where no model is")
    assert ended.stderr.count("\n") == 1


def test_the_web_listens_where_it_is_told_and_nowhere_else():
    assert "--bind=127.0.0.1:8000" in command("web")
    told = command("web", ["--bind=0.0.0.0:8000"])
    assert [option for option in told if "bind" in option] == ["--bind=0.0.0.0:8000"]
    assert command("worker", ["--concurrency=1"])[-1] == "--concurrency=1"


@pytest.mark.parametrize(("said", "is_emptied"), [("1", True), ("true", True), ("false", False), ("0", False)])
def test_figures_of_an_earlier_start_are_thrown_away_only_where_that_is_wished_for(tmp_path, said, is_emptied):
    former = tmp_path / "metrics" / "counter_1.db"
    former.parent.mkdir()
    former.touch()
    ended = started("-m", "emotune.serve", "beat", "--help", tmp_path=tmp_path, METRICS_START_EMPTY=said)
    assert ended.returncode == 0, ended.stderr
    assert former.exists() == (not is_emptied)


def test_a_role_that_there_is_not_is_named(tmp_path):
    ended = started("-m", "emotune.serve", "wbe", tmp_path=tmp_path)
    assert ended.returncode == 1
    assert "choose web, worker, jobs or beat" in ended.stderr


def test_the_deployment_check_of_django_finds_nothing(tmp_path):
    ended = started("manage.py", "check", "--deploy", "--fail-level=WARNING", tmp_path=tmp_path)
    assert ended.returncode == 0, ended.stderr
