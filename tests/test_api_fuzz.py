"""Schemathesis over the whole contract on PostgreSQL: no 5xx, and no answer that the contract does not say."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_server import ApiServer, api_server

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
ENOUGH = 2000
# With a token, the first case of this would make all later ones strangers'.
ENDS_THE_TOKEN = "revoke_current_token"


@pytest.fixture(scope="module")
def server(postgres, real_redis, demo_audio) -> Iterator[ApiServer]:
    with api_server(postgres, real_redis, demo_audio, "fuzz") as running:
        yield running


def run(server: ApiServer, folder: Path, *options: str, token: str = "") -> tuple[int, str]:
    """Run Schemathesis; return the number of cases and what it said. Fails with its words when it found something."""
    with_token = (f"--exclude-operation-id={ENDS_THE_TOKEN}", "--header", f"Authorization: Bearer {token}")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{server.url}/api/v1/schema",
            f"--checks={','.join(CHECKS)}",
            "--no-color",
            "--generation-database=none",
            "--suppress-health-check=all",
            "--request-timeout=30",
            *(with_token if token else ()),
            *options,
        ],
        cwd=folder,
        env=os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(folder)},
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-12000:]}{done.stderr[-3000:]}\n{server.words()[-3000:]}"
    cases = re.search(r"([\d,]+) generated", done.stdout)
    assert cases, done.stdout[-3000:]
    return int(cases[1].replace(",", "")), done.stdout


@pytest.mark.short
def test_nothing_that_the_contract_allows_or_forbids_surprises_the_api(server, tmp_path):
    known, _ = run(server, tmp_path, "--phases=examples,coverage,fuzzing", "--max-examples=20", token=server.ada)
    admin, _ = run(server, tmp_path, "--phases=examples,coverage,fuzzing", "--max-examples=20", token=server.root)
    unknown, _ = run(server, tmp_path, "--phases=examples,fuzzing", "--max-examples=10")
    assert known + admin + unknown >= ENOUGH, (known, admin, unknown)
    assert "Traceback" not in server.words()
