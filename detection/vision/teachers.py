"""What trained networks say of the training pictures, for a smaller network to learn from (Hinton et al. 2015)."""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detection.vision.augmentation import warp
from detection.vision.card import HEADS, softmax
from detection.vision.data import Split
from detection.vision.network import load_network, predict

Shares = dict[str, npt.NDArray[np.float32]]
# Pictures that go through a teacher at a time.
CHUNK = 1024
# How often and how far a picture is warped at random for a teacher (augmentation.warp), besides as it is and mirrored.
TURNS, STRENGTH = 4, 0.6
VIEWS = (TURNS, STRENGTH, CHUNK)


def fingerprint(folders: Sequence[Path]) -> list[int]:
    """Return a number for each folder, or file of weights, that changes with its weights.

    Raises OSError where there are none.
    """
    files = [folder if folder.is_file() else folder / "weights.npz" for folder in folders]
    return [zlib.crc32(file.read_bytes()) for file in files]


def lesson(
    folders: Sequence[Path], split: Split, cache: Path, progress: Callable[[int], object], *, mixed: bool = False
) -> Shares:
    """Return what the networks of `folders` say of each picture of a split: (n, 7) probabilities by head.

    They are the mean over the networks and over views of each picture, at temperature 1, which is what the networks
    were trained to say: a teacher is less sure of a picture that was turned than of one that it knows by heart.
    They are kept in the file `cache`, from where they come when the same networks are asked about the same pictures
    again. `progress` hears how many pictures were read. With `mixed` the networks compute in bfloat16. Raises
    ModelFileError.
    """
    pictures = zlib.crc32("\n".join(split.names).encode())
    known = json.dumps({"teachers": fingerprint(folders), "views": VIEWS, "mixed": mixed, "pictures": pictures})
    if cache.is_file():
        with np.load(cache, allow_pickle=False) as stored:
            if str(stored["known"]) == known:
                return {head: stored[head] for head in HEADS}
    said = {head: np.zeros((len(split), 7), np.float32) for head in HEADS}
    for folder in folders:
        network, _ = load_network(folder, mixed=mixed)
        for start in range(0, len(split), CHUNK):
            faces = split.pictures(range(start, min(start + CHUNK, len(split))))
            for seen in views(faces, start):
                for head, logits in predict(network, seen).items():
                    said[head][start : start + len(faces)] += softmax(logits) / ((2 + TURNS) * len(folders))
            progress(len(faces))
    cache.parent.mkdir(parents=True, exist_ok=True)
    part = cache.with_name("part-" + cache.name)
    np.savez(part, allow_pickle=False, known=np.array(known), **said)
    part.replace(cache)
    return said


def views(faces: npt.NDArray[np.uint8], seed: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Give (n, 48, 48) faces as they are, mirrored, and TURNS times warped at random by `seed`."""
    yield faces
    yield faces[:, :, ::-1]
    rng = np.random.default_rng(seed)
    for _ in range(TURNS):
        turned = warp(np.divide(faces, 255, dtype=np.float32), rng, STRENGTH)
        yield np.rint(turned * 255).astype(np.uint8)
