"""Benchmarks measure what they say: which rounds they count, which file was kept, which cores they hold to."""

import contextlib
import json
import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import catalogue, on_postgres, pinning, waiting


@pytest.fixture
def no_pages(monkeypatch):
    monkeypatch.setattr(catalogue, "asked", lambda server, cookie, page: float(len(page)))


def running(*looks: int | None) -> Any:
    """A process that says so at each look."""
    left = list(looks)
    return SimpleNamespace(poll=lambda: left.pop(0))


def test_pages_are_asked_for_in_so_many_rounds(no_pages):
    rounds = catalogue.ask(1, "cookie")
    assert rounds == [{page: float(len(page)) for page in catalogue.PAGES}] * catalogue.ROUNDS


def test_a_round_that_ended_after_the_process_is_not_counted(no_pages):
    assert len(catalogue.ask(1, "cookie", running(None, None, None, None, None, 0, 0))) == 2
    assert catalogue.ask(1, "cookie", running(None, 0, 0)) == []


def test_no_percentile_of_few_rounds_is_above_the_longest():
    rounds = [{"/a/": float(n), "/b/": 10.0 * n} for n in range(1, 4)]
    assert 2 < catalogue.p95(rounds, "/a/") <= 3
    assert 20 < catalogue.p95(rounds, catalogue.ALL) <= 30


def test_what_was_kept_is_used_for_its_own_file_alone(tmp_path):
    file, other, kept = tmp_path / "muse.csv", tmp_path / "other.csv", tmp_path / "kept"
    kept.mkdir()
    file.write_bytes(b"a,b\n" * 400_000)
    other.write_bytes(b"a,c\n" * 400_000)
    with pytest.raises(SystemExit, match="was filled from another file"):
        on_postgres.check(kept, file)
    (kept / on_postgres.FILLED_FROM).write_text(on_postgres.mark(file))
    on_postgres.check(kept, file.rename(tmp_path / "renamed.csv"))
    with pytest.raises(SystemExit, match=r"filled from another file than .*other\.csv: "):
        on_postgres.check(kept, other)


def test_where_processes_cannot_be_held_to_cores_they_run_on_all(monkeypatch):
    monkeypatch.setattr(pinning, "CAN", False)
    assert pinning.cores() == list(range(os.cpu_count() or 1))
    assert pinning.held_to(0) == ()
    with pinning.one_core() as is_held:
        assert not is_held


@pytest.mark.skipif(not pinning.CAN, reason="this system holds no process to a core")
def test_a_process_is_held_to_a_core_for_a_while():
    before = pinning.cores()
    with pinning.one_core() as is_held:
        assert is_held
        assert pinning.cores() == before[:1]
    assert pinning.cores() == before


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_without_servers_the_built_in_figures_stand_alone(monkeypatch, capsys, options):
    figures = {"first": 500.0, "tenth": 300.0, "p50": 300.0, "p95": 400.0}
    monkeypatch.setattr(waiting, "chromium", lambda folder: contextlib.nullcontext())
    monkeypatch.setattr(waiting, "measured", lambda browser, times, **variables: figures)
    monkeypatch.setattr(waiting, "Postgres", lambda folder: pytest.skip("postgresql is missing on this machine"))
    monkeypatch.setattr(sys, "argv", ["waiting", *options])
    waiting.main()
    said = capsys.readouterr()
    assert "postgresql is missing" in said.err
    if options:
        assert json.loads(said.out) == {waiting.BUILT_IN: figures}
    else:
        assert "built-in: first 500.0, tenth 300.0, p50 300.0, p95 400.0 (p95 at most 1000)" in said.out
