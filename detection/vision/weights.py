"""The file of a network's weights, `weights.npz`: kernels in 16 bits, everything else in 32."""

import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detection.vision.card import ModelFileError

Array = npt.NDArray[np.float32]
# What NumPy and zipfile raise on a file that is missing, was cut off, or in which bits are wrong.
BROKEN = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    AttributeError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def write_weights(folder: Path, weights: Iterable[npt.ArrayLike], ranges: Array | None = None) -> None:
    """Write a network's weights in Keras' order, to a part file first, so that a reader sees a whole one.

    `ranges` are the lowest and highest values (n, 2) by which it is laid out with eight bits (see classifier.observe).
    Kernels lose what is below a two-thousandth of each number, which is a tenth of what eight bits lose.
    """
    stored: dict[str, Any] = {}
    for i, values in enumerate(weights):
        exact = np.asarray(values, np.float32)
        stored[f"w{i:03d}"] = exact.astype(np.float16) if exact.ndim > 1 else exact
    if ranges is not None:
        stored["ranges"] = ranges
    part = folder / "weights.part.npz"
    np.savez(part, allow_pickle=False, **stored)
    part.replace(folder / "weights.npz")


def read_weights(folder: Path) -> tuple[list[Array], Array | None]:
    """Return a folder's weights in Keras' order and its ranges, if it has any.

    Raises ModelFileError where they are missing, were cut off or hold something else.
    """
    file = folder / "weights.npz"
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            names = [name for name in sorted(stored.files) if name != "ranges"]
            weights = [stored[name].astype(np.float32) for name in names]
            return weights, stored["ranges"] if "ranges" in stored.files else None
    except BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error).replace("\n", " ") or "cut off"
        raise ModelFileError(f"{file} cannot be read ({reason}); train again, or fetch it anew") from error
