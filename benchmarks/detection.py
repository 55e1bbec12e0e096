"""Time the whole reading of one frame against the `mtcnn` package's detection alone, pair by pair in one run.

python -m benchmarks.detection [--image FILE] [--model DIR] [--pairs 40]

The frame has 640x480 pixels and shows one face. Ours is decode, find, align and classify on one core; the package runs
as it comes, on as many as it takes. Medians and ratios are over pairs that ran one after the other.
"""

import argparse
import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from detection.vision.alignment import align
from detection.vision.pictures import decode
from detection.vision.pyramid import Pyramid
from detection.vision.reader import FRAME_SIDE, Reader

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    options = parse()
    data, frame = prepare(options.image)
    package = load_package()
    start = time.perf_counter()
    reader = Reader.load(options.model)
    print(f"reader loaded and warm after {time.perf_counter() - start:.2f} s")
    reading = reader.read([decode(data, FRAME_SIDE)])
    faces = package(frame)
    print(f"ours: {reading.faces} face, {reading.emotion}; package: {len(faces)} face\n")
    ours, theirs = pairs(lambda: reader.read([decode(data, FRAME_SIDE)]), lambda: package(frame), options.pairs)
    print(f"{'':34}{'median':>8}{'p5':>8}{'p95':>8}  ms")
    show("ours: decode, find, align, classify", ours)
    show("mtcnn: detection alone", theirs)
    low, middle, high = np.percentile(theirs / ours, (5, 50, 95))
    print(f"\nmtcnn / ours: {middle:.1f} (p5 {low:.1f}, p95 {high:.1f})")
    print(f"p95 / median of ours: {np.percentile(ours, 95) / np.median(ours):.2f}\n")
    for name, step in steps(reader, data).items():
        show(name, np.array([timed(step) for _ in range(options.pairs)]))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, help="a photograph with one face (default: scikit-image's astronaut)")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "emotune")
    parser.add_argument("--pairs", type=int, default=40)
    return parser.parse_args()


def prepare(file: Path | None) -> tuple[bytes, np.ndarray]:
    """Return a frame as a camera sends it, JPEG of 640x480 pixels, and its pixels."""
    if file is None:
        from skimage.data import astronaut

        picture = Image.fromarray(astronaut())
    else:
        picture = Image.fromarray(decode(file.read_bytes(), 640))
    picture.thumbnail((640, 480))
    frame = Image.new("RGB", (640, 480), (90, 90, 90))
    frame.paste(picture, ((640 - picture.width) // 2, (480 - picture.height) // 2))
    out = io.BytesIO()
    frame.save(out, "JPEG", quality=90)
    return out.getvalue(), np.asarray(frame)


def load_package() -> Callable[[np.ndarray], list[Any]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from mtcnn import MTCNN

    return MTCNN().detect_faces


def pairs(one: Callable[[], Any], two: Callable[[], Any], count: int) -> tuple[np.ndarray, np.ndarray]:
    for _ in range(3):
        one(), two()
    times = np.array([(timed(one), timed(two)) for _ in range(count)])
    return times[:, 0], times[:, 1]


def timed(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


def steps(reader: Reader, data: bytes) -> dict[str, Callable[[], Any]]:
    finder = reader.finder
    frame = decode(data, FRAME_SIDE)
    pyramid = Pyramid(frame)
    face = finder.search(pyramid)[0]
    eyes = face.landmarks["left_eye"], face.landmarks["right_eye"]
    crops = align(pyramid, *eyes)[None]
    return {
        "  decode": lambda: decode(data, FRAME_SIDE),
        "  pyramid": lambda: Pyramid(frame),
        "  find": lambda: finder.search(pyramid),
        "  align": lambda: align(pyramid, *eyes),
        "  classify": lambda: reader.classifier.classify(crops),
    }


def show(name: str, times: np.ndarray) -> None:
    low, middle, high = np.percentile(times, (5, 50, 95))
    print(f"{name:34}{middle:8.1f}{low:8.1f}{high:8.1f}")


if __name__ == "__main__":
    main()
