"""The keys of a file's rows, remembered by hash: has this one been met before, and where?"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# The latest keys are held in a dict, which is quicker; when they are so many they become arrays.
FEW_KEYS = 1 << 17

Run = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]


class LinesByKey:
    """The line of every key so far: 100 bytes for each of the latest, 12 for each of the others.

    Keys are told apart by 64 bits of hash: one file in forty million, of a million rows each, loses a row to that.
    """

    def __init__(self) -> None:
        self._few: dict[int, int] = {}
        self._runs: list[Run] = []

    def add(self, key: str, line: int) -> int:
        """Remember `key` at `line` (from 1) and return 0, or return the line that had it before."""
        hashed = hash(key)
        if earlier := self._few.get(hashed) or self._in_runs(hashed):
            return earlier
        self._few[hashed] = line
        self._make_room()
        return 0

    def add_all(self, keys: Sequence[str], first: int) -> bool:
        """Remember the keys of lines from `first` on, and return True; or do nothing, when any was met before."""
        hashes = [*map(hash, keys)]
        new = dict(zip(hashes, range(first, first + len(keys)), strict=True))
        if len(new) < len(keys) or not self._few.keys().isdisjoint(new):
            return False
        if self._runs:
            wanted = np.array(hashes, np.int64)
            if any((run[np.searchsorted(run, wanted).clip(max=len(run) - 1)] == wanted).any() for run, _ in self._runs):
                return False
        self._few |= new
        self._make_room()
        return True

    def _in_runs(self, hashed: int) -> int:
        for run, lines in self._runs:
            place = int(np.searchsorted(run, hashed))
            if place < len(run) and run[place] == hashed:
                return int(lines[place])
        return 0

    def _make_room(self) -> None:
        if len(self._few) < FEW_KEYS:
            return
        hashes = np.fromiter(self._few.keys(), np.int64, len(self._few))
        lines = np.fromiter(self._few.values(), np.uint32, len(self._few))
        order = np.argsort(hashes)
        self._runs.append((hashes[order], lines[order]))
        self._few.clear()
