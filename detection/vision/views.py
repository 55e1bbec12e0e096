"""Changed copies of the training pictures, drawn once: what a teacher says of a copy is learned from that copy."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from detection.vision.augmentation import augment
from detection.vision.data import SIZE, Split
from detection.vision.recipe import Recipe

# (views, n, 48, 48): the nth picture as it looks in each view.
Views = npt.NDArray[np.uint8]
# Pictures that are changed at a time.
CHUNK = 1024


def draw_views(split: Split, recipe: Recipe, file: Path) -> Views:
    """Return `recipe.views` copies of each picture of a split, changed by its augmentation and seed.

    They lie in `file`, from where they are read as they are asked for, and where they are found the next time.
    """
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name("part-" + file.name)
        shape = (recipe.views, len(split), SIZE, SIZE)
        drawn = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
        for start in range(0, len(split), CHUNK):
            faces = np.divide(split.pictures(range(start, min(start + CHUNK, len(split)))), 255, dtype=np.float32)
            for view in range(recipe.views):
                changed = augment(faces, np.random.default_rng((recipe.seed, view, start)), recipe.augmentation)
                drawn[view, start : start + len(faces)] = np.rint(changed * 255)
        drawn.flush()
        part.replace(file)
    drawn_before: Views = np.load(file, mmap_mode="r")
    return drawn_before
