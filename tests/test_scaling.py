"""The plan of docs/scaling.md goes on from what was measured: by the clock where waiting counts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scaling import Assumptions, Measured, measured, one_machine, plan, waits_at_peak, workers_needed

ROOT = Path(__file__).resolve().parent.parent
# So many people a day send ten captures a second at the peak.
MANY = 115_200


@pytest.fixture(scope="module")
def found() -> Measured:
    return measured(json.loads((ROOT / "docs" / "load.json").read_text()))


def test_a_plan_counts_processes_by_the_clock_and_tells_the_other_count(found):
    assumed, slow = Assumptions(), replace(found, reader_limit=1.0, reader_s=0.5)
    answer = plan(MANY, slow, assumed)
    assert answer["captures_a_second"] == 10
    assert answer["reader_processes"] == workers_needed(MANY, 1.0, assumed) > 10
    assert answer["readers_by_processor"] == workers_needed(MANY, 0.5, assumed) < answer["reader_processes"]
    assert answer["wait_p95_ms"] <= 1000 * assumed.bound_s


def test_a_plan_has_no_process_too_many():
    assumed = Assumptions()
    needed = workers_needed(MANY, 0.2, assumed)
    assert np.percentile(waits_at_peak(MANY, needed - 1, 0.2, assumed), 95) > assumed.bound_s


def test_a_reading_process_is_full_at_its_share_of_what_it_reads_by_the_clock(found):
    assumed = Assumptions()
    people = one_machine(found, assumed, cores=2)["one_reading_process"]
    at_peak = people * assumed.captures_a_person * assumed.peak / 86_400
    assert at_peak == pytest.approx(assumed.busy * found.reader_limit, rel=1e-4)


def test_the_document_shows_at_how_many_people_a_part_is_full(found):
    people, text = one_machine(found, Assumptions(), cores=2), (ROOT / "docs" / "scaling.md").read_text()
    thousands = {name: f"{count / 1000:.0f},000" for name, count in people.items()}
    assert f"at {thousands['one_core_of_web']} people for each core" in text
    assert f"full at {thousands['all_cores']} people" in text
    assert f"One core of PostgreSQL, at {thousands['one_core_of_database']}." in text
    by_clock, alone = thousands["one_reading_process"], thousands["one_reading_process_by_processor"]
    assert f"A reading process, at {by_clock}** by the clock, {alone} by processor time alone" in text


def test_the_document_shows_what_the_plan_prints(found):
    assumed, text = Assumptions(), (ROOT / "docs" / "scaling.md").read_text()
    answers = [plan(users, found, assumed) for users in (1_000, 10_000, 100_000, 1_000_000)]
    rows = {
        "processes that read, by the clock": "reader_processes",
        "processes that read, if each had a core and never waited": "readers_by_processor",
        "cores of the web": "web_cores",
        "cores of PostgreSQL": "database_cores",
        "transactions a second": "transactions_a_second",
        "cost a month, assumed prices": "cost_a_month",
    }
    for words, name in rows.items():
        assert f"| {words} | " + " | ".join(f"{answer[name]:,}" for answer in answers) + " |" in text
