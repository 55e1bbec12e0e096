"""Time the whole reading of one frame beside the peers, one after the other in one run.

python -m benchmarks.detection [--image FILE] [--model DIR] [--rounds 30] [--json]

The frame has 640x480 pixels and shows one face. Ours is decode, find, align and classify on one core; peers run as they
come, on as many as they take, and get the decoded frame. Every round times each once; ratios are within rounds.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frames import webcam_frame
from benchmarks.pinning import one_core
from detection.vision.alignment import align
from detection.vision.peers import Peer, PeerBroken, PeerMissing
from detection.vision.pictures import decode
from detection.vision.pyramid import Pyramid
from detection.vision.reader import FRAME_SIDE, Reader

ROOT = Path(__file__).resolve().parent.parent
OURS = "emotune"
PEERS = {
    "mtcnn": "mtcnn, detection alone",
    "fer-mtcnn": "fer with MTCNN",
    "fer-haar": "fer with Haar",
}
# How many times as long as ours a peer must take, and what we aim at.
GOALS = {"mtcnn": (9, 15), "fer-mtcnn": (4, 6)}
Timer = Callable[[], float]


def main() -> None:
    options = parse()
    data = webcam_frame(options.image)
    start = time.perf_counter()
    reader = Reader.load(options.model)
    loaded = time.perf_counter() - start
    if not options.json:
        print(f"reader loaded and warm after {loaded:.2f} s; load {os.getloadavg()[0]:.1f}\n", flush=True)
    with ExitStack() as stack:
        timers, missing = start_all(reader, data, stack)
        times = rounds(timers, options.rounds)
    if not options.json:
        show_times(times)
        print(*missing, "The steps of ours", sep="\n", flush=True)
    steps = {name: rounds({name: of(step)}, options.rounds)[name] for name, step in steps_of(reader, data).items()}
    for name, values in steps.items() if not options.json else ():
        show(f"  {name}", values)
    network, missing_network = networks(reader, data, options.rounds)
    if options.json:
        found = {name: summary(values) for name, values in {**times, **steps, **network}.items()}
        ratios = {name: summary(values / times[OURS]) for name, values in times.items() if name != OURS}
        print(json.dumps({"milliseconds": found, "ratios": ratios, "missing": [*missing, *missing_network]}))
        return
    batches = {count: rounds({"n": of(classify(reader, count))}, 10)["n"] / count for count in (1, 4, 16)}
    show_networks(network, batches)
    print(*missing_network, sep="\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, help="a photograph with one face (default: scikit-image's astronaut)")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "emotune")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    return parser.parse_args()


def start_all(reader: Reader, data: bytes, stack: ExitStack) -> tuple[dict[str, Timer], list[str]]:
    """Return what times one call of each, and a line for each peer that is missing."""
    frame = decode(data, FRAME_SIDE)
    timers: dict[str, Timer] = {OURS: of(lambda: reader.read([decode(data, FRAME_SIDE)]))}
    missing = []
    for name in PEERS:
        try:
            peer = stack.enter_context(Peer(name))
            timers[name] = lambda peer=peer: peer.read(frame).milliseconds  # type: ignore[misc]
            timers[name]()
        except (PeerMissing, PeerBroken) as error:
            timers.pop(name, None)
            missing.append(f"missing: {error}")
    return timers, missing


def networks(reader: Reader, data: bytes, count: int) -> tuple[dict[str, np.ndarray], list[str]]:
    """Time our network and fer's on one face that was cut out already, both on the same one core where that can be."""
    pyramid = Pyramid(decode(data, FRAME_SIDE))
    face = reader.finder.search(pyramid)[0]
    crop = align(pyramid, face.landmarks["left_eye"], face.landmarks["right_eye"])
    timers: dict[str, Timer] = {"our network": of(lambda: reader.classifier.classify(crop[None]))}
    try:
        with one_core(), Peer("fer-haar", crops=True) as peer:
            coloured = crop[..., None].repeat(3, axis=2)
            timers["fer's network"] = lambda: peer.read(coloured).milliseconds
            return rounds(timers, count), []
    except (PeerMissing, PeerBroken) as error:
        return {}, [f"missing: {error}"]


def rounds(timers: dict[str, Timer], count: int) -> dict[str, np.ndarray]:
    """Return the milliseconds of each in every round; three rounds before them warm everything up."""
    names = list(timers)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-3, count):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            taken = timers[name]()
            if number >= 0:
                times[name].append(taken)
    return {name: np.array(values) for name, values in times.items()}


def of(act: Callable[[], Any]) -> Timer:
    def timed() -> float:
        start = time.perf_counter()
        act()
        return 1000 * (time.perf_counter() - start)

    return timed


def classify(reader: Reader, count: int) -> Callable[[], Any]:
    crops = np.random.default_rng(0).integers(0, 256, (count, 48, 48), dtype=np.uint8)
    return lambda: reader.classifier.classify(crops)


def steps_of(reader: Reader, data: bytes) -> dict[str, Callable[[], Any]]:
    frame = decode(data, FRAME_SIDE)
    pyramid = Pyramid(frame)
    face = reader.finder.search(pyramid)[0]
    eyes = face.landmarks["left_eye"], face.landmarks["right_eye"]
    crops = align(pyramid, *eyes)[None]
    return {
        "decode": lambda: decode(data, FRAME_SIDE),
        "find": lambda: reader.finder.search(Pyramid(frame)),
        "align": lambda: align(pyramid, *eyes),
        "classify": lambda: reader.classifier.classify(crops),
    }


def summary(values: np.ndarray) -> dict[str, float]:
    low, middle, high = np.percentile(values, (5, 50, 95))
    return {"median": round(middle, 2), "p5": round(low, 2), "p95": round(high, 2)}


def show(name: str, values: np.ndarray) -> None:
    low, middle, high = np.percentile(values, (5, 50, 95))
    print(f"{name:40}{middle:9.2f}{low:9.2f}{high:9.2f}", flush=True)


def show_times(times: dict[str, np.ndarray]) -> None:
    print(f"{'milliseconds':40}{'median':>9}{'p5':>9}{'p95':>9}")
    show("emotune: decode, find, align, classify", times[OURS])
    for name in (peer for peer in PEERS if peer in times):
        show(PEERS[name], times[name])
    print("\ntimes as long as ours")
    for name in (peer for peer in PEERS if peer in times):
        show(PEERS[name], times[name] / times[OURS])
        if name in GOALS:
            least, aim = GOALS[name]
            print(f"  at least {least}, aim {aim}")
    ours = times[OURS]
    print(f"\np95 / median of ours: {np.percentile(ours, 95) / np.median(ours):.2f} (at most 2)")


def show_networks(network: dict[str, np.ndarray], batches: dict[int, np.ndarray]) -> None:
    print("\nOne aligned face on one core")
    for name, values in network.items():
        show(f"  {name}", values)
    if network:
        ratio = np.median(network["our network"] / network["fer's network"])
        print(f"  ours / fer's: {ratio:.2f} (at most 3)")
    for count, values in batches.items():
        show(f"  a face in batches of {count}", values)
    print(f"  faces a second, batch of 16 / batch of 1: {np.median(batches[1]) / np.median(batches[16]):.2f}")


if __name__ == "__main__":
    main()
