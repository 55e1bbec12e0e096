"""The settings, as read from the environment."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from emotune import settings
from emotune.serve import WEB
from tests.servers import ROOT, environment
from tests.test_production import FIT


def read(folder, expression: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Evaluate an expression over the settings in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", f"from emotune import settings; print({expression})"],
        env=environment(folder, **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_database_url_names_postgresql_with_its_password_decoded():
    found = settings.database("postgres://ada:p%40ss%2Fword@db.example:5433/emo%20tune")
    assert found["ENGINE"] == "emotune.postgres"
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", "5433", "emo tune")
    assert (found["USER"], found["PASSWORD"]) == ("ada", "p@ss/word")


def test_a_database_url_may_leave_port_and_user_to_postgresql():
    found = settings.database("postgresql://localhost/emotune")
    assert (found["HOST"], found["PORT"], found["USER"]) == ("localhost", "", "")


def test_a_database_url_asks_postgresql_for_more_behind_its_question_mark():
    found = settings.database("postgres://localhost/emotune?sslmode=verify-full&connect_timeout=2")
    assert (found["OPTIONS"]["sslmode"], found["OPTIONS"]["connect_timeout"]) == ("verify-full", "2")
    assert found["OPTIONS"]["server_side_binding"] is True
    for wrong in ("ssl=yes", "sslmode", "server_side_binding=false"):
        with pytest.raises(ImproperlyConfigured, match="what PostgreSQL does not know"):
            settings.database(f"postgres://localhost/emotune?{wrong}")


def test_a_sqlite_url_takes_an_absolute_path():
    assert settings.database("sqlite:////tmp/x/emotune.sqlite3")["NAME"] == "/tmp/x/emotune.sqlite3"


@pytest.mark.parametrize(
    "url", ["mysql://localhost/emotune", "postgres://localhost", "emotune.sqlite3", "sqlite://", "sqlite:///"]
)
def test_it_rejects_a_database_url_that_it_cannot_use(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL must look like"):
        settings.database(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ada:secret/phrase@db/emotune",
        "postgres://ada:12/secret?phrase@db/emotune",
        "postgres://ada:12/x?secret=phrase@db/emotune",
        "postgres://ada:secret#phrase@db/emotune",
        "postgres://ada:secret\u2100phrase@db/emotune",
    ],
)
def test_nothing_of_a_url_that_it_cannot_read_is_said_for_it_may_be_the_password(url):
    with pytest.raises(ImproperlyConfigured, match=r"in a password as %2F %3F %23 %40$") as error:
        settings.database(url)
    assert "secret" not in str(error.value)
    assert "phrase" not in str(error.value)


@pytest.mark.parametrize(("value", "meant"), [("true", True), ("1", True), ("YES", True), ("0", False), ("no", False)])
def test_a_switch_is_read_in_the_usual_spellings(monkeypatch, value, meant):
    monkeypatch.setenv("EMOTUNE_SWITCH", value)
    assert settings.env_bool("EMOTUNE_SWITCH", not meant) is meant


def test_it_rejects_a_switch_that_is_neither_on_nor_off(monkeypatch):
    monkeypatch.setenv("EMOTUNE_SWITCH", "maybe")
    with pytest.raises(ImproperlyConfigured, match="EMOTUNE_SWITCH is 'maybe'; set it to true or false"):
        settings.env_bool("EMOTUNE_SWITCH", False)


def test_it_rejects_a_number_that_is_none(monkeypatch):
    monkeypatch.setenv("EMOTUNE_NUMBER", "many")
    with pytest.raises(ImproperlyConfigured, match="EMOTUNE_NUMBER is 'many'; set it to a whole number"):
        settings.env_int("EMOTUNE_NUMBER", 3)


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("EMOTUNE_NUMBER", " ")
    assert settings.env_int("EMOTUNE_NUMBER", 3) == 3


def test_a_list_is_cut_at_commas(monkeypatch):
    monkeypatch.setenv("EMOTUNE_LIST", " a.example, ,b.example ")
    assert settings.env_list("EMOTUNE_LIST", "") == ["a.example", "b.example"]


def test_the_secret_is_made_once_and_kept_from_other_users(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first = settings.secret_key()
    assert len(first) > 50
    assert settings.secret_key() == first
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_a_secret_that_cannot_be_kept_is_one_line_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setattr(Path, "write_text", fill)
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY is not set, and none can be kept in .*: No space left"):
        settings.secret_key()
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_it_makes_is_closed_to_other_users_and_one_that_is_there_keeps_its_rights(tmp_path):
    """As in a container, whose folder the image makes. What lies in it need not be closed one by one."""
    (given := tmp_path / "given").mkdir()
    given.chmod(0o755)
    for folder, rights in ((tmp_path / "own", 0o700), (given, 0o755)):
        assert read(tmp_path, "settings.DATA_DIR", EMOTUNE_DIR=str(folder)).stdout.strip() == str(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == rights


def test_the_folder_of_earlier_versions_is_closed(tmp_path):
    for rights in (0o755, 0o700, 0o710):
        tmp_path.chmod(rights)
        settings.close_to_others(tmp_path)
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_within_the_data_folder_is_one_line(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("files", "static", "metrics"):
        (data / name).touch()
        done = read(tmp_path, "settings.DEBUG")
        (data / name).unlink()
        assert f"{data / name}" in done.stderr.splitlines()[-1]
        assert done.stderr.splitlines()[-1].endswith("cannot be made: File exists")


def test_a_secret_from_the_environment_is_written_nowhere(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    monkeypatch.setenv("SECRET_KEY", "given")
    assert settings.secret_key() == "given"
    assert list(tmp_path.iterdir()) == []


def test_with_no_variables_everything_lies_in_the_data_folder(tmp_path):
    done = read(tmp_path, "settings.DATABASES['default']['NAME'], settings.REDIS_URL, settings.DEBUG")
    assert done.stdout.strip() == f"{tmp_path}/data/emotune.sqlite3 redis://127.0.0.1:6399/0 False"


def test_a_folder_may_have_signs_of_addresses_in_its_name(tmp_path):
    folder = tmp_path / "c# 100%?"
    done = read(tmp_path, "settings.DATABASES['default']['NAME']", EMOTUNE_DIR=str(folder))
    assert done.stdout.strip() == f"{folder}/emotune.sqlite3"


def test_a_domain_asks_for_the_lists_of_browsers_only_where_it_says_so(tmp_path):
    asked = "settings.SECURE_HSTS_INCLUDE_SUBDOMAINS, settings.SECURE_HSTS_PRELOAD"
    assert read(tmp_path, asked, HSTS_SUBDOMAINS="true").stdout.strip() == "True False"
    assert read(tmp_path, asked, HSTS_SUBDOMAINS="true", HSTS_PRELOAD="true").stdout.strip() == "True True"


def test_the_web_has_more_processes_than_cores_and_no_more_than_postgresql_lets_in():
    assert [settings.web_workers(cores) for cores in (1, 2, 4, 6, 7, 8, 64)] == [2, 4, 8, 10, 11, 11, 11]
    threads = next(int(option.partition("=")[2]) for option in WEB if option.startswith("--threads="))
    # PostgreSQL's 100 less what it keeps for its own administrators
    assert threads * settings.web_workers(64) < 97


def test_mail_is_printed_on_ones_own_machine_and_nowhere_else(tmp_path):
    for variables, way in (({}, "console"), (FIT, "dummy"), (FIT | {"EMAIL_HOST": "mail.example.org"}, "smtp")):
        done = read(tmp_path, "settings.EMAIL_BACKEND", **variables)
        assert done.stdout.strip() == f"django.core.mail.backends.{way}.EmailBackend", done.stderr


def test_it_refuses_to_start_with_a_redis_url_that_it_cannot_use(tmp_path):
    done = read(tmp_path, "settings.REDIS_URL", REDIS_URL="localhost:6379")
    assert done.returncode == 1
    assert "REDIS_URL must look like redis://host:6379/0" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "postgres://ada@db:port/emotune", "DATABASE_URL must look like postgres://user:password@host"),
        ("DATABASE_URL", "postgres://[::1/emotune", "DATABASE_URL must look like postgres://user:password@host"),
        ("REDIS_URL", "redis://redis:99999999/0", "REDIS_URL must look like redis://host:6379/0"),
        ("REDIS_URL", "redis://redis/first", "REDIS_URL must look like redis://host:6379/0"),
        ("REDIS_URL", "unix:///run/redis.sock", "REDIS_URL must look like redis://host:6379/0"),
        ("EMOTUNE_ENV", "prod", "EMOTUNE_ENV is 'prod'; set it to one of local, production"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL is 'LOUD'; set it to one of DEBUG, INFO"),
        ("WEB_WORKERS", "0", "WEB_WORKERS is 0; set it to 1 or more"),
        ("HSTS_PRELOAD", "true", "HSTS_PRELOAD is true, but browsers list no domain without HSTS_SUBDOMAINS"),
        ("METRICS_START_EMPTY", "maybe", "METRICS_START_EMPTY is 'maybe'; set it to true or false"),
        ("EMOTUNE_DIR", "/proc/emotune", "EMOTUNE_DIR is /proc/emotune, which cannot be made"),
        ("PROMETHEUS_MULTIPROC_DIR", "/proc/no", "PROMETHEUS_MULTIPROC_DIR is /proc/no, which cannot be made"),
        ("REDIS_URL", "redis://:secret/word@redis:6379/0", "REDIS_URL must look like redis://host:6379/0; write / ? #"),
        ("REDIS_URL", "redis://redis/\u00b2", "REDIS_URL must look like redis://host:6379/0"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_what_to_set(tmp_path, name, value, said):
    """EMOTUNE_ENV above all: a word that it does not know must not pass for a local installation."""
    done = read(tmp_path, "settings.DEBUG", **{name: value})
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {said}" in done.stderr.splitlines()[-1]


def test_pictures_never_leave_memory_on_their_way_in():
    """Django would spool uploads over 2.5 MB to a temporary file."""
    assert settings.FILE_UPLOAD_HANDLERS == ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
    assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE >= settings.CAPTURE_MAX_BYTES
