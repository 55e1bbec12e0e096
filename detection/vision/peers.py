"""The systems that emotune is compared with, each a process in an environment of its own (`make peers`)."""

import contextlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SCRIPT = Path(__file__).with_name("peer_process.py")
NAMES = ("deepface", "fer-haar", "fer-mtcnn")


class PeerMissing(Exception):
    """A peer is not installed or has no weights; the message says what to do."""


class PeerBroken(Exception):
    """A peer ended in the middle of its work; the message has its last words."""


class PeerError(Exception):
    """A peer broke on one picture and goes on with the next; the message says how."""


@dataclass(frozen=True)
class Answer:
    """What a peer read of one picture: scores by emotion of the largest face, None where it found no face."""

    scores: dict[str, float] | None
    faces: int
    milliseconds: float


class Peer:
    """One running peer: "deepface", "fer-haar", "fer-mtcnn", or "mtcnn", which finds faces and reads nothing."""

    def __init__(self, name: str, *, crops: bool = False) -> None:
        """Start the peer and wait until it has loaded. Raises PeerMissing."""
        if not PYTHON.exists():
            raise PeerMissing(f"{name} is not installed; `make peers` installs it")
        command = [str(PYTHON), "-P", str(SCRIPT), name, *(["--crops"] if crops else [])]
        self.name = name
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words
        )
        self._pictures, self._answers = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        try:
            started = self._answer()
        except PeerBroken as error:
            raise PeerMissing(f"{error}; `make peers` installs it anew") from None
        if "missing" in started:
            self.close()
            raise PeerMissing(started["missing"])
        self.parameters: int = started["parameters"]

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, picture: npt.NDArray[np.uint8]) -> Answer:
        """Let the peer read one RGB picture (h, w, 3). Raises PeerError when it breaks on it, PeerBroken if it ends."""
        try:
            self._pictures.write(json.dumps(picture.shape[:2]).encode() + b"\n")
            self._pictures.write(np.ascontiguousarray(picture).tobytes())
            self._pictures.flush()
        except BrokenPipeError:
            self._answer()
        answer = self._answer()
        if "error" in answer:
            raise PeerError(answer["error"])
        return Answer(**answer)

    def _answer(self) -> Any:
        line = self._answers.readline()
        if not line:
            status = self._process.wait()
            self._words.seek(0)
            last = self._words.read().decode(errors="replace").strip().splitlines()[-1:] or [f"status {status}"]
            self.close()
            raise PeerBroken(f"{self.name} ended: {last[0]}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._words.close()
        with contextlib.suppress(BrokenPipeError):
            self._pictures.close()
        self._answers.close()
        self._process.wait()
