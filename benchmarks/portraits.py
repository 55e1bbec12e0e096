"""Count tight portraits, whose face fills the picture, in which no face is found; and what looking twice costs.

EMOTUNE_DATA=FOLDER python -m benchmarks.portraits [--faceless 200]

FOLDER/faces holds photographs. Around every face that the `mtcnn` package finds in them, a square is cut out: as high
as the face's box, a sixth and a third higher, and brought to several sizes, as it is and mirrored. Faces under 40
pixels and those that the package doubts are left out. Found is a face whose box overlaps that one by 0.4 (intersection
over union).
Pictures without faces tell how many are seen in them, and how long it takes to find none, with and without the second
look, in frames turned by 30 degrees.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.frames import faceless, photograph_folder, photographs
from benchmarks.recall import iou, load_package
from detection.vision.faces import FaceFinder

HEIGHTS = (1.0, 7 / 6, 4 / 3)
SIDES = (96, 240, 480, 640)
SMALLEST, SURE = 40, 0.95
OVERLAP = 0.4
Box = tuple[float, float, float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faceless", type=int, default=200, metavar="N", help="how many pictures without faces")
    options = parser.parse_args()
    folder = photograph_folder()
    if folder is None:
        sys.exit("There are no photographs: let EMOTUNE_DATA name a folder with faces/*.jpg.")
    finder, upright = FaceFinder(), FaceFinder(turns=())
    count_portraits(folder, finder, upright)
    for words, looks in (("with the second look", finder), ("without it", upright)):
        seen, middle = without_faces(looks, options.faceless)
        print(f"{options.faceless} pictures without faces, {words}: {seen} seen, median {middle:.1f} ms")


def count_portraits(folder: Path, finder: FaceFinder, upright: FaceFinder) -> None:
    made: Counter[float] = Counter()
    missed: Counter[float] = Counter()
    first: Counter[float] = Counter()
    package = load_package()
    for picture in photographs(folder).values():
        for known in package(np.asarray(picture)):
            if known["box"][3] < SMALLEST or known["confidence"] < SURE:
                continue
            for height in HEIGHTS:
                for portrait, box in portraits(picture, known["box"], height):
                    made[height] += 1
                    missed[height] += not sees(finder, portrait, box)
                    first[height] += not sees(upright, portrait, box)
    for height in HEIGHTS:
        share = missed[height] / made[height]
        words = f"{missed[height]} of {made[height]} missed ({share:.1%})"
        print(f"{height:.2f} times the height of the box: {words}; {first[height]} without looking for tilted faces")
    print(f"together: {sum(missed.values()) / sum(made.values()):.1%} (at most 2 %)")


def without_faces(finder: FaceFinder, count: int) -> tuple[int, float]:
    """Return how many faces are seen in pictures without any, and the median milliseconds of a picture."""
    seen, times = 0, []
    for _, frame in faceless(count):
        start = time.perf_counter()
        seen += len(finder.find(frame))
        times.append(1000 * (time.perf_counter() - start))
    return seen, float(np.median(times))


def sees(finder: FaceFinder, portrait: np.ndarray, box: Box) -> bool:
    return any(iou(box, face.box) >= OVERLAP for face in finder.find(portrait))


def portraits(picture: Image.Image, box: Box, height: float) -> Iterator[tuple[np.ndarray, Box]]:
    """Yield squares about a face's box of a picture, and where the box, which stays in their middle, lies in them."""
    x, y, width, tall = box
    half = height * tall / 2
    middle, centre = x + width / 2, y + tall / 2
    square = picture.crop((round(middle - half), round(centre - half), round(middle + half), round(centre + half)))
    for side in SIDES:
        scale = side / (2 * half)
        within = ((half - width / 2) * scale, (half - tall / 2) * scale, width * scale, tall * scale)
        sized = square.resize((side, side), Image.Resampling.BICUBIC)
        for one in (sized, ImageOps.mirror(sized)):
            yield np.asarray(one), within


if __name__ == "__main__":
    main()
