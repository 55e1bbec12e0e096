"""The files in which processes count, kept so that a full disk costs figures and never a process."""

import os
from mmap import mmap
from pathlib import Path

from prometheus_client import mmap_dict, values

ROOM = mmap_dict._INITIAL_MMAP_SIZE  # noqa: SLF001 - as large as the package makes its files


class SafeFigures(mmap_dict.MmapedDict):
    """The package's dict in a mapped file, whose room is taken before it is written to.

    A mapped file has holes until then, and a process that writes into a hole for which the disk has no room is ended by
    SIGBUS. Where there is none, figures go to memory that nobody adds up.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode and not has_room(Path(filename)):
            filename = f"/proc/self/fd/{os.memfd_create('figures')}"
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        longest = len(key.encode()) + 40
        if self._used + longest > self._capacity and not take_room(self._f.fileno(), 2 * self._capacity):
            self._move_to_memory()
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _move_to_memory(self) -> None:
        memory = os.fdopen(os.memfd_create("figures"), "w+b")
        memory.write(self._m[:])
        memory.flush()
        self._f.close()
        self._f, self._m = memory, mmap(memory.fileno(), self._capacity)


def has_room(file: Path) -> bool:
    """Take the room of a new file, or leave no file behind where there is none."""
    try:
        with file.open("ab") as opened:
            if opened.tell() or take_room(opened.fileno(), ROOM):
                return True
        file.unlink(missing_ok=True)
    except OSError:  # not even a name: no inodes or quota left, or a folder of somebody else's
        pass
    return False


def take_room(descriptor: int, size: int) -> bool:
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        return False
    return True


def guard() -> None:
    """Have the package count in such files from now on, where the system can take room for them (Linux)."""
    if hasattr(os, "posix_fallocate") and hasattr(os, "memfd_create"):
        values.MmapedDict = SafeFigures  # type: ignore[attr-defined]
