"""What many tests begin with: databases that are brought into a state once a run, and copied by whoever needs one."""

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.servers import ROOT, Postgres, environment, manage

# The states of a database: tables alone; the demonstration too; and the person with a history of tests.showcase.
MIGRATED, DEMO, SHOWCASE = "migrated", "demo", "showcase"


class Prepared:
    """A folder that all processes of one run share. What lies in it is made by the first one that asks for it."""

    def __init__(self, folder: Path, audio: Path) -> None:
        """Share `folder`; keep the demonstration's audio in `audio`, where it may be from an earlier run."""
        self.folder, self._audio = folder, audio

    @property
    def audio(self) -> Path:
        """Where the demonstration's audio lies; composed when it is not there yet."""
        self._state(DEMO)
        return self._audio

    def lay(self, state: str, folder: Path) -> None:
        """Give emotune's processes that write below `folder` a SQLite database in that state."""
        shutil.copytree(self._state(state) / "data", folder / "data", dirs_exist_ok=True)

    def showcase(self) -> dict[str, str]:
        """Return the ids of what tests.showcase made."""
        ids: dict[str, str] = json.loads((self._state(SHOWCASE) / "ids.json").read_text())
        return ids

    def cluster(self) -> Path:
        """Return the folder of a PostgreSQL that was stopped; the states are databases in it, to be copied."""
        return self._once("postgresql", self._make_cluster)

    def _state(self, state: str) -> Path:
        makers = {MIGRATED: self._migrate, DEMO: self._load_demo, SHOWCASE: self._make_showcase}
        return self._once(state, makers[state])

    def _migrate(self, folder: Path) -> None:
        manage("migrate", "--verbosity=0", env=environment(folder))

    def _load_demo(self, folder: Path) -> None:
        self.lay(MIGRATED, folder)
        manage("load_demo", env=self._with_audio(folder))

    def _make_showcase(self, folder: Path) -> None:
        self.lay(DEMO, folder)
        made = subprocess.run(
            [sys.executable, "-m", "tests.showcase"],
            env=self._with_audio(folder),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=240,
        )
        (folder / "ids.json").write_text(made.stdout)

    def _make_cluster(self, folder: Path) -> None:
        server = Postgres(folder)
        try:
            env = environment(folder, DATABASE_URL=server.url(MIGRATED))
            manage("migrate", "--verbosity=0", env=env)
            env = self._with_audio(folder, DATABASE_URL=server.url(DEMO, like=MIGRATED))
            manage("load_demo", env=env)
        finally:
            server.shut_down()

    def _with_audio(self, folder: Path, **more: str) -> dict[str, str]:
        return environment(folder, EMOTUNE_AUDIO=str(self._audio), **more)

    def _once(self, name: str, make: Callable[[Path], Any]) -> Path:
        """Return what `make` made in a folder of that name, which the first of all processes has made."""
        made = self.folder / name
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                part = self.folder / f"{name}.part"
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir()
                make(part)
                part.rename(made)
        return made
