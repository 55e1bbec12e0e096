"""Measure how the training pictures are framed, and what each way of cutting faces out of frames costs.

python -m benchmarks.framing --data fer2013plus.zip [--model DIR] [--pictures 600] [--ablation] [--plain]

Prints where the face finder sees the eyes in training pictures, as shares of the side: the constant EYES of
detection.vision.alignment. Then puts test pictures into grey frames, of several sizes, tilted, blurred and in low
light, and prints how often the emotion is right when the face is cut out as the box comes (stretched to a square), as
the square about the box, and aligned by the eyes, beside the original picture. A face that was missed is wrong: that is
what a person meets. The second figure is of the faces that were found. "upright" is the square where no tilted face is
looked for: the reader without anything that is there for tilted faces. --ablation leaves the places of the eyes out,
--plain what is tilted, blurred or in low light.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from detection.vision.alignment import align
from detection.vision.classifier import Classifier
from detection.vision.data import SIZE, Split, load_split
from detection.vision.faces import Face, FaceFinder
from detection.vision.framing import framed
from detection.vision.pyramid import Pyramid
from detection.vision.systems import boxed, grey

ROOT = Path(__file__).resolve().parent.parent
EDGE = 48
# Pixels that a picture is wide in its frame, and what else is done to it.
CONDITIONS: tuple[tuple[int, dict[str, float]], ...] = (
    *((size, {}) for size in (48, 72, 100, 160, 300)),
    *((160, {"turn": turn}) for turn in (15, 30)),
    *((160, {"blur": blur}) for blur in (2, 4)),
    *((160, {"light": light}) for light in (0.3, 0.12)),
)
WAYS = ("upright", "stretched", "square", "eyes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder or zip with the splits train and public_test")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "emotune")
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--plain", action="store_true", help="sizes alone: no face tilted, blurred or in low light")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    finder, upright = FaceFinder(), FaceFinder(turns=())
    if not options.ablation:
        show_eyes(finder, drawn(load_split(options.data, "train"), options.pictures, rng))
    test = drawn(load_split(options.data, "public_test"), options.pictures, rng)
    classifier = Classifier.load(options.model)
    pictures = test.pictures(range(len(test)))
    original = classifier.classify(pictures).argmax(axis=1) == test.labels
    sample = Sample(pictures, test.labels, original)
    print(f"\nright of {len(test)} original pictures: {original.mean():.1%}")
    print("in frames: right of all (right of those found)")
    print(
        f"{'face':>4} {'':12} {'missed':>7} {'upright':>7}  {'original of found':>17} "
        + " ".join(f"{way:>16}" for way in WAYS)
    )
    for size, how in CONDITIONS:
        if options.plain and how:
            continue
        show_accuracy(Finders(finder, upright), classifier, sample, size, how)


@dataclass(frozen=True)
class Sample:
    """Test pictures, their labels, and whether the network is right about each as it is."""

    pictures: np.ndarray
    labels: np.ndarray
    original: np.ndarray


@dataclass(frozen=True)
class Finders:
    """The face finder as it is, and one that looks for no tilted face."""

    whole: FaceFinder
    upright: FaceFinder

    def find(self, frame: np.ndarray) -> tuple[Face | None, bool]:
        """Return the largest face, and whether it was found without looking for tilted ones."""
        faces = self.upright.find(frame)
        if faces:
            return faces[0], True
        return next(iter(self.whole.find(frame)), None), False


def drawn(split: Split, count: int, rng: np.random.Generator) -> Split:
    return split.subset(np.sort(rng.choice(len(split), min(count, len(split)), replace=False)))


def show_eyes(finder: FaceFinder, split: Split) -> None:
    side = 4 * SIZE
    places = []
    for picture in split.pictures(range(len(split))):
        large = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))
        faces = finder.find(np.pad(large, EDGE, mode="edge")[..., None].repeat(3, axis=2))
        if faces:
            eyes = faces[0].landmarks["left_eye"], faces[0].landmarks["right_eye"]
            places.append([(value - EDGE) / side for eye in eyes for value in eye])
    left_x, left_y, right_x, right_y = np.median(places, axis=0)
    print(f"{len(places)} of {len(split)} training pictures have a face that is found; medians of the eyes:")
    print(f"left {left_x:.3f} {left_y:.3f}, right {right_x:.3f} {right_y:.3f}")


def show_accuracy(finders: Finders, classifier: Classifier, sample: Sample, size: int, how: dict[str, float]) -> None:
    crops: dict[str, list[np.ndarray]] = {way: [] for way in WAYS}
    found, first = np.zeros((2, len(sample.labels)), bool)
    name = " ".join(f"{key} {value:g}" for key, value in how.items())
    for i, picture in enumerate(tqdm(sample.pictures, desc=f"{size} pixels {name}", leave=False)):
        turned = {**how, "turn": how["turn"] * (1 if i % 2 else -1)} if "turn" in how else how
        frame = framed(picture, size, **turned, seed=i)
        face, first[i] = finders.find(frame)
        if face:
            found[i] = True
            crops["upright"].extend([grey(boxed(frame, face))] if first[i] else [])
            crops["stretched"].append(grey(stretched(frame, face)))
            crops["square"].append(grey(boxed(frame, face)))
            crops["eyes"].append(align(Pyramid(frame), *(face.landmarks[eye] for eye in ("left_eye", "right_eye"))))
    cells = []
    for way, cut in crops.items():
        labels = sample.labels[first if way == "upright" else found]
        right = classifier.classify(np.stack(cut)).argmax(axis=1) == labels if cut else np.zeros(1)
        cells.append(f"{right.sum() / len(sample.labels):7.1%} ({right.mean():6.1%})")
    of_found = sample.original[found].mean() if found.any() else 0
    missed = f"{1 - found.mean():7.1%} {1 - first.mean():7.1%}"
    print(f"{size:4} {name:12} {missed}  {of_found:17.1%} " + " ".join(cells), flush=True)


def stretched(frame: np.ndarray, face: Face) -> np.ndarray:
    x, y, width, height = face.box
    return np.asarray(Image.fromarray(frame).crop((round(x), round(y), round(x + width), round(y + height))))


if __name__ == "__main__":
    main()
