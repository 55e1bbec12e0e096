"""Time the emotion network on faces that were cut out, beside the network of the package `fer`, on one core.

python -m benchmarks.classifier [--model DIR] [--rounds 200] [--json]

Both networks have one thread each and, on Linux, the same core, and take turns: `fer` as its package runs it
(TensorFlow Lite on one face, resized to 64 x 64), ours as a worker runs it, probabilities included. Ours is also timed
in batches, with float32 where the processor lets it compute with eight bits, and without OpenVINO where that is
installed. Ratios are of medians.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

from benchmarks.detection import Timer, of, rounds, show, summary
from benchmarks.pinning import one_core
from detection.vision import graphs
from detection.vision.classifier import Classifier
from detection.vision.data import SIZE
from detection.vision.peers import Peer, PeerBroken, PeerMissing

ROOT = Path(__file__).resolve().parent.parent
BATCHES = (1, 4, 16)
OURS, FLOAT, FER = "one face", "one face, float32", "fer's network"
# At most this many times as long as fer's network; at least this many times the faces a second in batches of 16.
SLOWER, TOGETHER = 3, 1.5
Times = npt.NDArray[np.float64]
Tell = Callable[[str, Times], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "emotune")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    options = parser.parse_args()
    if not options.json:
        print(f"{'milliseconds a face':40}{'median':>9}{'p5':>9}{'p95':>9}", flush=True)
    with one_core():  # the peer inherits it
        times, missing = measured(options.model, options.rounds, (lambda *_: None) if options.json else show)
    ratios = compared(times)
    if options.json:
        print(json.dumps({"milliseconds": {k: summary(v) for k, v in times.items()}, **ratios, "missing": missing}))
        return
    if missing:
        print(missing)
    else:
        print(f"one face, ours / fer's: {ratios['ours_to_fer']:.2f} (at most {SLOWER})")
    print(f"faces a second, batches of 16 / of 1: {ratios['batch_16_to_1']:.2f} (at least {TOGETHER})")


def measured(model: Path, count: int, tell: Tell) -> tuple[dict[str, Times], str]:
    """Return the milliseconds of one face in every round by what was timed, and what is missing.

    `tell` is told of each as soon as it is measured.
    """
    faces = np.random.default_rng(0).integers(0, 256, (max(BATCHES), SIZE, SIZE), dtype=np.uint8)
    served, exact = Classifier.load(model), Classifier.load(model, exact=True)
    timers: dict[str, Timer] = {OURS: classify(served, faces[:1]), FLOAT: classify(exact, faces[:1])}
    times: dict[str, Times] = {}
    missing = ""

    def take(timers: dict[str, Timer], count: int) -> None:
        found = rounds(timers, count)
        times.update(found)
        for name, values in found.items():
            tell(name, values)

    try:
        with Peer("fer-haar", crops=True) as peer:
            picture = faces[0][..., None].repeat(3, axis=2)
            take({**timers, FER: lambda: peer.read(picture).milliseconds}, count)
    except (PeerMissing, PeerBroken) as error:
        missing = f"missing: {error}"
        take(timers, count)
    batches = {f"in batches of {size}": classify(served, faces[:size]) for size in BATCHES}
    if graphs.openvino and graphs.multiplies_bytes():
        with mock.patch.object(graphs, "openvino", None):
            other = Classifier.load(model)
        batches |= {f"in batches of {size}, ONNX Runtime": classify(other, faces[:size]) for size in BATCHES}
    # One after the other: in turns each would find the caches full of what another left.
    for name, timer in batches.items():
        take({name: timer}, max(20, count // 4))
    return times, missing


def classify(classifier: Classifier, faces: np.ndarray) -> Timer:
    """Return what times the classification of faces, and gives the milliseconds of one of them."""
    timer = of(lambda: classifier.classify(faces))
    return lambda: timer() / len(faces)


def compared(times: dict[str, Times]) -> dict[str, Any]:
    middle = {name: float(np.median(values)) for name, values in times.items()}
    return {
        "ours_to_fer": round(middle[OURS] / middle[FER], 2) if FER in middle else None,
        "batch_16_to_1": round(middle["in batches of 1"] / middle["in batches of 16"], 2),
    }


if __name__ == "__main__":
    main()
