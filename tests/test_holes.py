"""The question for known holes: a hole fails the run, a service that cannot be asked is named and does not."""

import json
import runpy

import pytest

from tests.servers import ROOT

VERDICT = runpy.run_path(str(ROOT / ".ci" / "holes.py"))["verdict"]
FINE = {"name": "django", "version": "5.2", "vulns": []}
HOLE = {"name": "pillow", "version": "9.0", "vulns": [{"id": "CVE-1", "fix_versions": ["9.1"]}]}
UNKNOWN = {"name": "celery", "skip_reason": "Dependency not found"}


def said(*packages):
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_hole_fails_and_is_named_with_the_version_that_mends_it():
    assert VERDICT(said(FINE, HOLE, UNKNOWN), "Found 1 known vulnerability") == (
        1,
        "Known holes:\npillow 9.0: CVE-1, mended in 9.1",
    )


def test_what_is_fine_is_counted_and_what_nobody_knows_is_named():
    assert VERDICT(said(FINE), "") == (0, "No known hole in 1 of 1 packages")
    assert VERDICT(said(FINE, UNKNOWN), "")[1].endswith("in 1 of 2 packages; unknown to the service: celery")


@pytest.mark.parametrize(
    ("output", "complaints"),
    [
        (said(UNKNOWN), "No known vulnerabilities found"),
        ("", "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed"),
        ("", "requests.exceptions.ConnectionError: HTTPSConnectionPool"),
    ],
)
def test_a_service_that_cannot_be_asked_is_said_aloud_and_fails_nothing(output, complaints):
    status, words = VERDICT(output, complaints)
    assert status == 0
    assert words.startswith("NOT AUDITED: the service")


def test_an_auditor_that_breaks_fails():
    assert VERDICT("", "error: no such file: requirements.txt")[0] == 1
