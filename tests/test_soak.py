"""A short soak: pictures of all sizes, broken ones among them, through a real worker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT


@pytest.mark.slow
def test_no_capture_is_lost_and_memory_stays_flat(tmp_path: Path, model, postgres, real_redis):
    """The benchmark starts servers of its own; the fixtures skip the test where their binaries are missing."""
    drawing = tmp_path / "soak.svg"
    command = [sys.executable, "-m", "benchmarks.soak", "--captures", "400", "--svg", str(drawing), "--json"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout)
    assert figures["lost"] == 0
    assert figures["growth_mb"] <= 50
    assert sum(figures["ends"].values()) == 400
    assert figures["ends"]["failed"] > 0, "the broken ones"
    assert drawing.read_text().startswith("<svg")
