"""What must hold after every fault, whatever it was."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.faults.installation import Installation
from tests.faults.stream import ENDS, READ, Seen, Stream

# Answers may still be those of the fault for so long after it: connections are made anew, a cache is asked again.
AFTERWARDS_S = 8.0
# So long the stream goes on once all is mended, to be seen well served.
GO_ON_S = AFTERWARDS_S + 4
ROWS = "SELECT id::text, status, attempts FROM detection_capture"


@dataclass
class Fault:
    """From when to when something was broken."""

    began: float
    ended: float = float("inf")

    def covers(self, seen: Seen) -> bool:
        return seen.at >= self.began and seen.at - seen.seconds <= self.ended + AFTERWARDS_S


@contextmanager
def fault() -> Iterator[Fault]:
    span = Fault(time.monotonic())
    yield span
    span.ended = time.monotonic()


def check(
    stream: Stream,
    span: Fault,
    *,
    within: float,
    attempts: int = 1,
    may_be_cut_off: bool = False,
    left_in_store: int = 0,
) -> Counter[str]:
    """Wait for the end of every capture and check them all; return how many ended how.

    `within` bounds the seconds to the last end, `attempts` those of one capture. Connections may break only where
    `may_be_cut_off`, and pictures may be left (to go by their time to live) only where Redis had taken them in without
    being able to say so, or where the web process died before it wrote the row of a capture.
    """
    installation = stream.installation
    took = stream.wait_until_all_ended(within)
    rows = {row[0]: row for row in installation.rows(ROWS) if row[0] not in stream.before}
    ends = Counter(str(status) for _, status, _ in rows.values())
    _tell(stream, span, ends, took)
    _everybody_was_answered(stream, span, may_be_cut_off)
    _every_capture_ended_as_told(stream, rows)
    _nothing_was_read_twice(installation, rows, attempts)
    _after_the_fault_all_is_well(stream, span, rows)
    _pictures_are_gone(stream, rows, may_be_cut_off, left_in_store)
    assert installation.strays() == [], "no process is left over"
    return ends


def _tell(stream: Stream, span: Fault, ends: Counter[str], took: float) -> None:
    slowest = max((seen.seconds for seen in stream.ledger.answers), default=0)
    told = [s.told_at - s.at for s in stream.ledger.taken().values() if s.told]
    words = {
        "fault_s": round(span.ended - span.began, 1),
        "captures": len(stream.ledger.sent),
        "ends": dict(ends),
        "answers": dict(stream.ledger.statuses()),
        "slowest_answer_s": round(slowest, 1),
        "longest_to_be_told_s": round(max(told, default=0), 1),
        "all_over_after_s": round(took, 1),
    }
    print("\n", words, file=sys.stderr, flush=True)  # noqa: T201 - what a run showed


def _everybody_was_answered(stream: Stream, span: Fault, may_be_cut_off: bool) -> None:
    answers = stream.ledger.answers
    broken = [seen for seen in answers if seen.status == 500]
    if broken:
        print(stream.installation.tracebacks(), file=sys.stderr)  # noqa: T201 - pytest shows it with the failure
    assert broken == [], "a fault is told in words, never by a 500"
    odd = [seen for seen in answers if seen.status not in {0, 200, 202, 204, 503}]
    assert odd == []
    assert [seen for seen in answers if seen.status in {0, 503} and not span.covers(seen)] == []
    if not may_be_cut_off:
        assert [seen for seen in answers if seen.status == 0] == []
    for seen in answers:
        if seen.status == 503:
            assert "try again" in seen.words, "it says what to do"


def _every_capture_ended_as_told(stream: Stream, rows: dict[str, tuple[Any, ...]]) -> None:
    for id_, sent in stream.ledger.taken().items():
        assert id_ in rows, f"capture {id_} is lost"
        status = rows[id_][1]
        assert status in ENDS
        assert not sent.is_followed or sent.told == status
    untold = [sent for sent in stream.ledger.sent if not sent.capture]
    assert len(rows) - len(stream.ledger.taken()) <= len(untold), "each row is of somebody who was told something"


def _nothing_was_read_twice(installation: Installation, rows: dict[str, tuple[Any, ...]], attempts: int) -> None:
    assert {id_: row for id_, row in rows.items() if row[2] > attempts} == {}
    told = Counter(
        found[1]
        for log in installation.folder.glob("worker*.log")
        for found in READ.finditer(log.read_text(errors="replace"))
    )
    assert {id_: times for id_, times in told.items() if times > 1} == {}, "one outcome for each"


def _after_the_fault_all_is_well(stream: Stream, span: Fault, rows: dict[str, tuple[Any, ...]]) -> None:
    late = [s for s in stream.ledger.sent if s.at > span.ended + AFTERWARDS_S]
    assert len(late) >= 4, "the stream went on for long enough"
    assert [s for s in late if not s.capture] == []
    assert {rows[s.capture][1] for s in late} == {"done"}


def _pictures_are_gone(stream: Stream, rows: dict[str, tuple[Any, ...]], may_be_cut_off: bool, most: int) -> None:
    left = {key: ttl for key, ttl in stream.installation.pictures().items() if key not in stream.kept_before}
    of_nobody = [key for key in left if key.decode().rpartition(":")[2] not in rows]
    cut_off = [sent for sent in stream.ledger.sent if may_be_cut_off and not sent.answer.status]
    assert len(left) - min(len(of_nobody), len(cut_off)) <= most, left
    assert all(0 < ttl <= 300 for ttl in left.values())
