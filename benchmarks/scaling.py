"""From what one machine was measured to do to what many people a day need, for docs/scaling.md.

python -m benchmarks.scaling [--measured docs/load.json] [--users 1000 ... 1000000] [--svg docs/scaling.svg] [--json]

`docs/load.json` is the answer of `python -m benchmarks.load`: processor time of each role, transactions and bytes, for
so many requests and captures. What people do in a day and what things cost is assumed (`Assumptions`), and printed.
Workers are counted by simulation of the peak hour (benchmarks.queueing), with a rate that changes each minute. A
capture keeps a worker for as long as one took by the clock, waiting for PostgreSQL and Redis included; how many workers
its processor time alone would need is printed beside.
"""

import argparse
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.queueing import SECONDS_OF_DAY, Times, hour_with_bursts, waits_in_batches

HOUR = 3600
BATCH = 4  # captures that a process takes at a time: CAPTURE_BATCH, when nobody sets it
DAYS = 30.4


@dataclass(frozen=True)
class Assumptions:
    """What nobody measured."""

    captures_a_person: float = 3.0  # a day
    requests_a_person: float = 40.0  # a day, that reach Django: pages, fragments, looks at a capture
    anonymous_share: float = 0.2  # of them, answered from memory or by a cache in front
    peak: float = 2.5  # the peak hour's rate to the day's mean
    minute_spread: float = 0.25  # of the rate from minute to minute, standard deviation to mean
    busy: float = 0.6  # of a core of web and database at the peak; the rest is for deployments and a lost machine
    bound_s: float = 0.5  # 95 of 100 captures wait no longer
    picture_kb: float = 160.0  # of a capture on its way in: four frames of a camera
    answer_kb: float = 6.0  # of a request on its way out, compressed in front
    kept_days: float = 365.0
    core_hour: float = 0.04  # in a currency of your choice
    gb_month: float = 0.10  # of a disk
    gb_out: float = 0.05  # to the internet


@dataclass(frozen=True)
class Measured:
    """Core seconds of each role, and rows and bytes, for one request or one capture."""

    web_s: float
    reader_s: float
    database_s: float
    redis_s: float
    transactions: float  # a request
    wal_bytes: float  # a capture, with all that people do between two
    stored_bytes: float
    redis_bytes: float
    reader_limit: float  # captures a second of one process, by the clock, with whatever else ran on the same cores
    fixed_memory_mb: dict[str, float]


def measured(load: dict[str, Any]) -> Measured:
    """Take one load apart: the web's time is laid on requests, the reader's and Redis's on captures."""
    used, requests, captures = load["used"], load["pages"]["requests"], load["submitted"]
    return Measured(
        web_s=used["web_cpu_s"] / requests,
        reader_s=used["worker_cpu_s"] / captures,
        database_s=used["postgres_cpu_s"] / requests,
        redis_s=used["redis_cpu_s"] / captures,
        transactions=used["transactions"] / requests,
        wal_bytes=used["wal_bytes"] / captures,
        stored_bytes=max(0.0, used["database_bytes"]) / captures,
        redis_bytes=(used["redis_bytes_in"] + used["redis_bytes_out"]) / captures,
        reader_limit=load["reader_limit_a_second"] / load["workers"],
        fixed_memory_mb=load["memory_mb"],
    )


def waits_at_peak(users: int, workers: int, reading_s: float, assumed: Assumptions, seed: int = 1) -> Times:
    """Return the seconds that captures of the peak hour wait for one of `workers` processes.

    Each capture keeps a process for `reading_s` seconds.
    """
    rate = users * assumed.captures_a_person * assumed.peak / SECONDS_OF_DAY
    arrivals = hour_with_bursts(rate, HOUR, assumed.minute_spread, seed)
    return waits_in_batches(arrivals, workers, BATCH, reading_s, reading_s)


def workers_needed(users: int, reading_s: float, assumed: Assumptions) -> int:
    """Return about the fewest processes, to 2 %, that keep the 95th percentile of waiting within the bound."""
    rate = users * assumed.captures_a_person * assumed.peak / SECONDS_OF_DAY
    workers = max(1, math.ceil(rate * reading_s))
    while np.percentile(waits_at_peak(users, workers, reading_s, assumed), 95) > assumed.bound_s:
        workers += max(1, workers // 50)
    return workers


def plan(users: int, found: Measured, assumed: Assumptions) -> dict[str, float]:
    """Return what so many people a day need."""
    captures = users * assumed.captures_a_person
    requests = users * assumed.requests_a_person * (1 - assumed.anonymous_share)
    peak = assumed.peak / SECONDS_OF_DAY
    reading_s = 1 / found.reader_limit
    workers = workers_needed(users, reading_s, assumed)
    waited = waits_at_peak(users, workers, reading_s, assumed)
    cores = {
        "web": requests * peak * found.web_s / assumed.busy,
        "reader": float(workers),
        "database": requests * peak * found.database_s / assumed.busy,
        "redis": captures * peak * found.redis_s / assumed.busy,
    }
    whole = {name: math.ceil(value) for name, value in cores.items()}
    stored_gb = captures * assumed.kept_days * found.stored_bytes / 1e9
    out_gb = users * assumed.requests_a_person * DAYS * assumed.answer_kb / 1e6
    cost = sum(whole.values()) * 24 * DAYS * assumed.core_hour + stored_gb * assumed.gb_month + out_gb * assumed.gb_out
    return {
        "users": users,
        "captures_a_second": round(captures * peak, 2),
        "requests_a_second": round(requests * peak, 1),
        "reader_processes": workers,
        "readers_by_processor": workers_needed(users, found.reader_s, assumed),
        "wait_p50_ms": round(1000 * float(np.percentile(waited, 50))),
        "wait_p95_ms": round(1000 * float(np.percentile(waited, 95))),
        "wait_p99_ms": round(1000 * float(np.percentile(waited, 99))),
        "web_cores": whole["web"],
        "database_cores": whole["database"],
        "transactions_a_second": round(requests * peak * found.transactions),
        "wal_mb_a_second": round(captures * peak * found.wal_bytes / 1e6, 2),
        "database_gb_a_year": round(stored_gb, 1),
        "redis_mb_a_second": round(captures * peak * found.redis_bytes / 1e6, 1),
        "pictures_mbit_a_second": round(captures * peak * assumed.picture_kb * 8 / 1000, 1),
        "out_gb_a_month": round(out_gb),
        "cost_a_month": round(cost),
        "cost_a_person_a_month": round(cost / users, 5),
    }


def one_machine(found: Measured, assumed: Assumptions, cores: int) -> dict[str, float]:
    """Return how many people a day fill each part of one machine at the peak: what comes first, breaks first."""
    captures, requests = assumed.captures_a_person, assumed.requests_a_person * (1 - assumed.anonymous_share)
    peak = assumed.peak / SECONDS_OF_DAY
    a_person = captures * (found.reader_s + found.redis_s) + requests * (found.web_s + found.database_s)
    return {
        "all_cores": round(assumed.busy * cores / (a_person * peak)),
        "one_reading_process": round(assumed.busy * found.reader_limit / (captures * peak)),
        "one_reading_process_by_processor": round(assumed.busy / (captures * found.reader_s * peak)),
        "one_core_of_web": round(assumed.busy / (requests * found.web_s * peak)),
        "one_core_of_database": round(assumed.busy / (requests * found.database_s * peak)),
        "one_core_of_redis": round(assumed.busy / (captures * found.redis_s * peak)),
    }


def chart(users: int, needed: int, found: Measured, assumed: Assumptions) -> str:
    """Return an SVG: percentiles of waiting in the peak hour against the number of reading processes."""
    reach = max(3, needed // 3)
    counts = sorted({round(n) for n in np.linspace(max(1, needed - reach), needed + reach, 25)})
    waited = [np.percentile(waits_at_peak(users, n, 1 / found.reader_limit, assumed), (50, 95, 99)) for n in counts]
    low, high = 0.001, 300.0

    def place(n: int, seconds: float) -> str:
        x = 70 + 560 * (n - counts[0]) / max(1, counts[-1] - counts[0])
        y = 310 - 280 * (math.log(min(max(seconds, low), high) / low) / math.log(high / low))
        return f"{x:.1f},{y:.1f}"

    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 370" font-family="sans-serif" font-size="13">']
    parts += ['<rect width="680" height="370" fill="#fff"/>']
    for seconds in (0.001, 0.01, 0.1, 0.5, 1, 10, 100):
        x, y = place(counts[0], seconds).split(",")
        dash = ' stroke-dasharray="5 4"' if seconds == assumed.bound_s else ""
        parts += [f'<path d="M70 {y}H630" stroke="#bbb"{dash}/>']
        parts += [f'<text x="62" y="{float(y) + 4}" text-anchor="end">{seconds:g} s</text>']
    for row, (name, colour) in enumerate((("median", "#1b6ca8"), ("95 of 100", "#b35900"), ("99 of 100", "#7a1f5c"))):
        line = " ".join(place(n, found_at[row]) for n, found_at in zip(counts, waited, strict=True))
        parts += [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>']
        parts += [f'<text x="{420 + 75 * row}" y="22" fill="{colour}">{name}</text>']
    for n in counts[:: max(1, len(counts) // 7)]:
        x = place(n, 1).split(",")[0]
        parts += [f'<text x="{x}" y="332" text-anchor="middle">{n}</text>']
    words = f"reading processes; {users:,} people a day, peak hour; dashed: the bound"
    return "".join([*parts, f'<text x="350" y="356" text-anchor="middle">{words}</text>', "</svg>\n"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", type=Path, default=Path("docs/load.json"))
    parser.add_argument("--users", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--cores", type=int, default=2, help="of the machine that was measured")
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found, assumed = measured(json.loads(options.measured.read_text())), Assumptions()
    plans = [plan(users, found, assumed) for users in options.users]
    limits = one_machine(found, assumed, options.cores)
    if options.svg:
        options.svg.write_text(chart(int(plans[-1]["users"]), int(plans[-1]["reader_processes"]), found, assumed))
    if options.json:
        answer = {"assumed": asdict(assumed), "measured": asdict(found), "people_a_day": limits, "plans": plans}
        print(json.dumps(answer, indent=1))
        return
    print("assumed: " + ", ".join(f"{name} {value:g}" for name, value in asdict(assumed).items()))
    print("measured: " + ", ".join(f"{n} {v:.4g}" for n, v in asdict(found).items() if isinstance(v, float)))
    print("people a day at which a part is full: " + ", ".join(f"{n} {v:,}" for n, v in limits.items()))
    for name in plans[0]:
        print(f"{name:24}" + "".join(f"{each[name]:>14,g}" for each in plans))


if __name__ == "__main__":
    main()
