"""A photograph by curl to its playlist in three calls, and the examples of docs/api.md, on real servers."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_server import ApiServer, api_server
from tests.browser import jpeg, smiling_photograph
from tests.servers import PROCESSES, ROOT, Process, missing, wait_until

DOCS = (ROOT / "docs" / "api.md").read_text()


@pytest.fixture(scope="module")
def server(postgres, real_redis, demo_audio, model) -> Iterator[ApiServer]:
    with api_server(postgres, real_redis, demo_audio, "curl") as running:
        worker = Process(*PROCESSES, "worker", log=running.web.log.with_name("worker.log"), env=running.env)
        try:
            wait_until("a warm reader", lambda: "the reader is warm" in worker.words(), seconds=120)
            yield running
        finally:
            worker.stop()


@pytest.fixture
def photograph(tmp_path) -> Path:
    file: Path = tmp_path / "face.jpg"
    file.write_bytes(jpeg(smiling_photograph()))
    return file


def curl(*arguments: str) -> str:
    binary = shutil.which("curl") or missing("curl")
    done = subprocess.run(
        [binary, "--silent", "--show-error", "--max-time", "30", *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_photograph_becomes_a_playlist_in_three_calls(server, photograph):
    login = ("--header", f"Authorization: Bearer {server.ada}")
    made = json.loads(curl(*login, "--form", f"frames=@{photograph}", f"{server.url}/api/v1/captures"))
    assert made["status"] in ("queued", "reading", "done")
    read = json.loads(curl(*login, f"{server.url}/api/v1/captures/{made['id']}?wait=10"))
    assert (read["status"], read["mood"]) == ("done", "happy")
    playlist = json.loads(curl(*login, f"{server.url}/api/v1/captures/{made['id']}/playlist"))
    assert playlist["emotion"] == "happy"
    assert [row["rank"] for row in playlist["tracks"]] == list(range(1, 16))
    assert all(row["track"]["title"] for row in playlist["tracks"])


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    assert found, f"docs/api.md has no example in {language}"
    return found[1]


def fitted(code: str, server: ApiServer, photograph: Path) -> str:
    assert "https://emotune.example" in code
    return code.replace("https://emotune.example", server.url).replace("face.jpg", str(photograph))


def test_the_example_in_python_has_ten_lines_and_runs(server, photograph):
    code = example("python")
    assert len(code.strip().splitlines()) <= 10
    done = subprocess.run(
        [sys.executable, "-c", fitted(code, server, photograph)],
        env={**server.env, "EMOTUNE_TOKEN": server.ada},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().splitlines()) == 16
    assert done.stdout.startswith("happy")


def test_the_example_in_curl_runs(server, photograph):
    if not shutil.which("jq"):
        missing("jq")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", fitted(example("bash"), server, photograph)],
        env={**server.env, "EMOTUNE_TOKEN": server.ada},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().splitlines()) == 15
