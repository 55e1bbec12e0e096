"""Measure captures a second through PostgreSQL, Redis and real workers.

python -m benchmarks.throughput [--captures 240] [--frames 1]

Captures of one frame, 640x480 pixels with a face, wait in the queue before the workers go on; the time runs until the
last outcome is written. Each worker is held to a core of its own as far as there are cores, and where processes can be
held to cores (Linux).
"""

import argparse
import json
import os
import signal
import time
from typing import Any

from benchmarks.frames import webcam_frame
from benchmarks.installation import installation, somebody, waiting, workers
from benchmarks.pinning import cores
from tests.servers import Process, wait_until


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captures", type=int, default=240)
    parser.add_argument("--frames", type=int, default=1, help="in each capture")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    every = cores()
    rates: dict[tuple[int, int], float] = {}
    frames = [webcam_frame()] * options.frames

    def say(words: str) -> None:
        if not options.json:
            print(words, end="", flush=True)

    say(f"captures a second, {options.frames} frame(s) each; {len(every)} cores, load {os.getloadavg()[0]:.1f}\n")
    say("batch " + "".join(f"{f'{count} worker(s)':>14}" for count in options.workers) + "   two to one\n")
    with installation() as env:
        user = somebody()
        for batch in options.batches:
            say(f"{batch:5} ")
            for count in options.workers:
                with workers(count, env, every, CAPTURE_BATCH=str(batch), LOG_LEVEL="INFO") as running:
                    rates[batch, count] = measured(user, frames, options.captures, running)
                say(f"{rates[batch, count]:14.1f}")
            say(f"{rates[batch, 2] / rates[batch, 1]:13.2f}\n" if {1, 2} <= set(options.workers) else "\n")
    if options.json:
        print(json.dumps([{"batch": b, "workers": w, "captures_a_second": r} for (b, w), r in rates.items()]))


def measured(user: Any, frames: list[bytes], captures: int, running: list[Process]) -> float:
    from detection.services import submit_capture

    def submit(count: int) -> None:
        for _ in range(count):
            submit_capture(user=user, images=frames, source="camera")

    submit(4 * len(running))
    wait_until("the first captures", lambda: not waiting(), pause=0.05)
    for worker in running:
        os.killpg(worker.pid, signal.SIGSTOP)
    submit(captures)
    start = time.perf_counter()
    for worker in running:
        os.killpg(worker.pid, signal.SIGCONT)
    wait_until("all captures", lambda: not waiting(), seconds=120, pause=0.02)
    return captures / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
