"""Near-duplicate face pictures, which a collection from the web is full of."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from detection.vision.data import SIZE, Split

# Cosine similarity of two shrunken pictures from which they count as twins.
SIMILAR = 0.93
_SHRUNK = 12
_CHUNK = 512


def without_twins(held: Split, kept: Split, similar: float = SIMILAR) -> Split:
    """Return the pictures of `held` that have no near-duplicate in `kept`.

    A network is surer of a picture whose twin it was trained on than it will be of a stranger's face, so twins must
    not take part in its calibration: 19 % of a random twentieth of FER2013's training split have one.
    """
    found = strangers(held, kept, similar)
    return held.subset(np.flatnonzero(found)) if found.any() else held


def strangers(held: Split, kept: Split, similar: float = SIMILAR) -> npt.NDArray[np.bool_]:
    """Return (n,) of the n pictures of `held` whether each has no near-duplicate in `kept`."""
    return np.concatenate(list(_nearest(held, kept))) <= similar


def _nearest(held: Split, kept: Split) -> Iterator[npt.NDArray[np.float32]]:
    """Yield for a chunk of `held` after the other how similar the most similar picture of `kept` is."""
    known = _fingerprints(kept).T
    fingerprints = _fingerprints(held)
    for start in range(0, len(fingerprints), _CHUNK):
        yield (fingerprints[start : start + _CHUNK] @ known).max(axis=1)


def _fingerprints(split: Split) -> npt.NDArray[np.float32]:
    """Return (n, 144) float32 rows of unit length: pictures shrunk to 12 x 12 without their mean."""
    factor = SIZE // _SHRUNK
    rows = np.empty((len(split), _SHRUNK * _SHRUNK), np.float32)
    for start in range(0, len(split), _CHUNK):
        faces = split.pictures(range(start, min(start + _CHUNK, len(split)))).astype(np.float32)
        small = faces.reshape(len(faces), _SHRUNK, factor, _SHRUNK, factor).mean(axis=(2, 4)).reshape(len(faces), -1)
        small -= small.mean(axis=1, keepdims=True)
        rows[start : start + len(faces)] = small / (np.linalg.norm(small, axis=1, keepdims=True) + 1e-6)
    return rows
