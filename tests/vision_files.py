"""What the tests of the vision modules share: pictures of known content and a network with random weights."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from detection.vision.card import Architecture, Card
from detection.vision.weights import write_weights
from emotune.emotions import EMOTIONS

SMALL = Architecture(stem=4, widths=(4, 6), blocks=2)


def encoded(image: Image.Image, kind: str = "PNG", **how) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def on_canvas(picture: np.ndarray, width: int, height: int, x: int, y: int) -> np.ndarray:
    """Lay a picture on a grey frame, as far as it fits."""
    frame = Image.new("RGB", (width, height), (90, 90, 90))
    frame.paste(Image.fromarray(picture), (x, y))
    return np.asarray(frame)


def random_weights(architecture: Architecture, seed: int = 0) -> list[np.ndarray]:
    """Return weights in the order in which Keras keeps them, as the file of a trained network has them."""
    rng = np.random.default_rng(seed)

    def kernel(*shape: int) -> np.ndarray:
        return rng.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape)

    def normalization(width: int) -> Iterator[np.ndarray]:
        yield from (rng.uniform(0.8, 1.2, width), rng.normal(0, 0.1, width))
        yield from (rng.normal(0, 0.1, width), rng.uniform(0.8, 1.2, width))

    weights = [kernel(3, 3, 1, architecture.stem), *normalization(architecture.stem)]
    width = architecture.stem
    for block in architecture.blocks_in_order():
        weights += [kernel(3, 3, width, block.width), *normalization(block.width)]
        shortcut = [kernel(1, 1, width, block.width)] if block.stride > 1 else []
        second = [kernel(3, 3, block.width, block.width)]
        weights += second + shortcut if architecture.squeeze else shortcut + second
        weights += [*(normalization(block.width) if shortcut else ()), *normalization(block.width)]
        if architecture.squeeze:
            narrow = max(1, block.width // architecture.squeeze)
            weights += [kernel(block.width, narrow), rng.normal(0, 0.1, narrow)]
            weights += [kernel(narrow, block.width), rng.normal(0, 0.1, block.width)]
        width = block.width
    for _ in range(2):
        weights += [kernel(width, len(EMOTIONS)), rng.normal(0, 0.1, len(EMOTIONS))]
    return [values.astype(np.float32) for values in weights]


def write_model(folder: Path, architecture: Architecture = SMALL, **card) -> Path:
    """Write a folder as `save_network` does, without Keras."""
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder, random_weights(architecture))
    text = json.dumps(Card("test-1", architecture, **card).to_json())
    (folder / "card.json").write_text(text, encoding="utf-8")
    return folder


def write_faces(folder: Path, splits: dict[str, int], seed: int = 0) -> Path:
    """Write noise as labelled pictures: so many of each emotion for each split."""
    rng = np.random.default_rng(seed)
    for split, count in splits.items():
        for emotion in EMOTIONS:
            target = folder / split / emotion
            target.mkdir(parents=True)
            for i in range(count):
                Image.fromarray(rng.integers(0, 256, (48, 48), np.uint8)).save(target / f"{i:05d}.png")
    return folder
