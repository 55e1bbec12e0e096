"""One installation for all faults: each test finds it whole, and mends what it broke."""

from collections.abc import Iterator

import pytest

from tests.faults.installation import Installation
from tests.faults.stream import Stream
from tests.servers import Postgres, Redis, server_folder


@pytest.fixture(scope="session")
def running(demo_audio, model) -> Iterator[Installation]:
    with server_folder("faults") as folder:
        for name in ("postgres", "redis", "emotune"):
            (folder / name).mkdir(mode=0o755)
        postgres = Postgres(folder / "postgres", keeps_its_word=True)
        store = Redis(folder / "redis")
        installation = Installation(folder / "emotune", postgres, store, demo_audio)
        try:
            yield installation
            installation.stop_all()
            assert installation.strays() == [], "nothing is left of what was started"
        finally:
            installation.stop_all()
            store.stop()
            postgres.stop()


@pytest.fixture
def installation(running: Installation) -> Installation:
    running.make_whole()
    return running


@pytest.fixture
def stream(installation: Installation) -> Iterator[Stream]:
    """People who show their faces, from now on until the test ends or stops them."""
    people = Stream(installation)
    people.start()
    yield people
    people.stop()
