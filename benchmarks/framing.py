"""Measure how the training pictures are framed, and what each way of cutting faces out of frames costs.

python -m benchmarks.framing --data fer2013plus.zip [--model DIR] [--pictures 600]

Prints where the face finder sees the eyes in training pictures, as shares of the side: the constant EYES of
detection.vision.alignment. Then pastes test pictures into grey frames and prints how often the emotion is right when
the face is cut out by the box alone, and aligned by the eyes, beside the original picture of the same faces.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from detection.vision.alignment import align
from detection.vision.classifier import Classifier
from detection.vision.data import SIZE, Split, load_split
from detection.vision.faces import Face, FaceFinder
from detection.vision.pyramid import Pyramid

ROOT = Path(__file__).resolve().parent.parent
EDGE = 48
CONDITIONS = ((100, 0), (160, 0), (300, 0), (160, 15), (160, 30))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder or zip with the splits train and public_test")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "emotune")
    parser.add_argument("--pictures", type=int, default=600)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    finder = FaceFinder()
    show_eyes(finder, drawn(load_split(options.data, "train"), options.pictures, rng))
    test = drawn(load_split(options.data, "public_test"), options.pictures, rng)
    classifier = Classifier.load(options.model)
    print("\nface  turn   found  original  box  eyes   (share right of those found)")
    for size, turn in CONDITIONS:
        show_accuracy(finder, classifier, test, size, turn)


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


def show_accuracy(finder: FaceFinder, classifier: Classifier, test: Split, size: int, turn: float) -> None:
    crops: dict[str, list[np.ndarray]] = {"original": [], "box": [], "eyes": []}
    labels = []
    pictures = test.pictures(range(len(test)))
    for i, picture in enumerate(tqdm(pictures, desc=f"{size} pixels, {turn} degrees", leave=False)):
        frame = pasted(picture, size, turn if i % 2 else -turn)
        faces = finder.find(frame)
        if faces:
            labels.append(test.labels[i])
            crops["original"].append(picture)
            crops["box"].append(boxed(frame, faces[0]))
            eyes = faces[0].landmarks["left_eye"], faces[0].landmarks["right_eye"]
            crops["eyes"].append(align(Pyramid(frame), *eyes))
    right = [(classifier.classify(np.stack(cut)).argmax(axis=1) == labels).mean() for cut in crops.values()]
    print(f"{size:4} {turn:4}  {len(labels) / len(test):7.1%} " + " ".join(f"{share:7.1%}" for share in right))


def pasted(picture: np.ndarray, size: int, turn: float) -> np.ndarray:
    face = Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC)
    frame = Image.new("L", (640, 480), 110)
    frame.paste(face, ((640 - size) // 2, (480 - size) // 2))
    turned = frame.rotate(turn, Image.Resampling.BICUBIC, fillcolor=110)
    return np.asarray(turned.convert("RGB"))


def boxed(frame: np.ndarray, face: Face) -> np.ndarray:
    """Cut out the square about the centre of the box, 10 % smaller than the box is high."""
    x, y, width, height = face.box
    half = 0.45 * max(width, height)
    x, y = x + width / 2, y + height / 2
    square = (
        Image.fromarray(frame).convert("L").crop((round(x - half), round(y - half), round(x + half), round(y + half)))
    )
    return np.asarray(square.resize((SIZE, SIZE), Image.Resampling.BOX))


if __name__ == "__main__":
    main()
