"""Compare the faces that emotune finds with those of the `mtcnn` package: on photographs, spoilt ones, and none.

EMOTUNE_DATA=FOLDER python -m benchmarks.recall [--faceless 200] [--seed 0]

FOLDER/faces holds photographs. Every face of the package, at 640 pixels on the longer side, is looked for among ours:
found means that the boxes overlap by 0.7 (intersection over union) and both eyes lie within 5 % of the face's width.
The rule by which we look was chosen on the pictures of the seed 0; other seeds make others.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.frames import Frame, faceless, photograph_folder, photographs, spoilt
from detection.vision.faces import Face, FaceFinder

OVERLAP, EYES = 0.7, 0.05
Package = Callable[[Frame], list[dict[str, Any]]]


@dataclass
class Tally:
    """What became of the package's faces in pictures of one kind."""

    theirs: int = 0
    found: int = 0
    ours: int = 0
    loosest: float = 1.0
    furthest: float = 0.0

    def add(self, faces: list[Face], package: list[dict[str, Any]]) -> list[str]:
        """Count one picture; returns what is wrong with it, in words."""
        self.ours += len(faces)
        self.theirs += len(package)
        wrong = []
        for known in package:
            overlap, face = max(
                ((iou(known["box"], face.box), face) for face in faces), default=(0.0, None), key=_first
            )
            eyes = eye_distance(known, face) if face else 1.0
            if overlap >= OVERLAP and eyes <= EYES:
                self.found += 1
                self.loosest, self.furthest = min(self.loosest, overlap), max(self.furthest, eyes)
            else:
                box = [round(float(side)) for side in known["box"]]
                wrong.append(f"{box} at {known['confidence']:.2f}: overlap {overlap:.2f}, eyes {eyes:.0%} of the width")
        return wrong


def _first(pair: tuple[float, Any]) -> float:
    return pair[0]


def iou(a: Any, b: Any) -> float:
    """Return the intersection over the union of two boxes as x, y, width, height."""
    across, down = (min(a[i] + a[i + 2], b[i] + b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    shared = max(across, 0) * max(down, 0)
    return float(shared / (a[2] * a[3] + b[2] * b[3] - shared))


def eye_distance(known: dict[str, Any], face: Face) -> float:
    """Return how far the further eye lies from the package's, as a share of the package's width."""
    points = known["keypoints"]
    apart = [np.hypot(*np.subtract(points[eye], face.landmarks[eye])) for eye in ("left_eye", "right_eye")]
    return float(max(apart) / known["box"][2])


def load_package() -> Package:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from mtcnn import MTCNN

    finder: Package = MTCNN().detect_faces
    return finder


def compare(finder: FaceFinder, package: Package, seed: int) -> tuple[dict[str, Tally], list[str]]:
    """Return a tally for each kind of picture, and a line for each face that was not found."""
    folder = photograph_folder()
    if folder is None:
        sys.exit("There are no photographs: let EMOTUNE_DATA name a folder with faces/*.jpg.")
    tallies: dict[str, Tally] = {}
    wrong = []
    for name, picture in tqdm(photographs(folder).items(), desc="photographs", leave=False, disable=None):
        for kind, frame in {"as they are": picture, **spoilt(picture, seed)}.items():
            pixels = np.asarray(frame)
            tally = tallies.setdefault(kind, Tally())
            wrong += [f"{name}, {kind}: {words}" for words in tally.add(finder.find(pixels), package(pixels))]
    return tallies, wrong


def false_faces(finder: FaceFinder, package: Package, count: int, seed: int) -> tuple[int, int, list[str]]:
    """Return the false faces of ours and of the package, and the names of pictures in which ours sees one."""
    ours = theirs = 0
    names = []
    for name, frame in tqdm(faceless(count, seed), total=count, desc="without faces", leave=False, disable=None):
        found = finder.find(frame)
        ours += len(found)
        theirs += len(package(frame))
        names += [f"{name} ({face.confidence:.2f})" for face in found]
    return ours, theirs, names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faceless", type=int, default=200, metavar="N", help="how many pictures without faces")
    parser.add_argument("--seed", type=int, default=0, help="which spoilt pictures and which without faces")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    finder, package = FaceFinder(), load_package()
    tallies, wrong = compare(finder, package, options.seed)
    ours, theirs, names = false_faces(finder, package, options.faceless, options.seed)
    if options.json:
        kinds = {kind: vars(tally) for kind, tally in tallies.items()}
        print(json.dumps({"kinds": kinds, "wrong": wrong, "false": {"ours": ours, "package": theirs, "in": names}}))
        return
    print(f"{'photographs':24}{'package':>9}{'found':>7}{'ours':>6}{'least overlap':>15}{'furthest eye':>14}")
    for kind, tally in tallies.items():
        print(f"{kind:24}{tally.theirs:9}{tally.found:7}{tally.ours:6}{tally.loosest:15.2f}{tally.furthest:14.1%}")
    print(*(f"not found: {words}" for words in wrong), sep="\n")
    print(
        f"\nfalse faces in {options.faceless} pictures without one: ours {ours}, package {theirs}; {', '.join(names)}"
    )


if __name__ == "__main__":
    main()
