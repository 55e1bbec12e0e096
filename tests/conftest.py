"""What all tests share: a Redis-protocol server in memory for the ordinary ones, real servers for those that ask."""

import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from playwright.sync_api import Browser

from emotune.celery import app
from emotune.embedded import embedded_server
from tests.browser import chromium
from tests.prepared import Prepared
from tests.servers import Postgres, Redis, missing, server_folder
from tests.web_site import Site

# The folder of what all processes of a run share, said in their environment.
PREPARED = "EMOTUNE_PREPARED"
# The same examples each time, however slow the machine is: what fails here fails everywhere.
hypothesis.settings.register_profile("emotune", deadline=None, derandomize=True)
hypothesis.settings.load_profile("emotune")
# The fixtures that cost seconds.
STARTING = frozenset({"browser", "demo_audio", "postgres", "prepared", "real_redis"})


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder in the process that starts the others; PostgreSQL's user may pass through it."""
    if not hasattr(config, "workerinput"):
        os.environ[PREPARED] = tempfile.mkdtemp(prefix="emotune-prepared-")
        Path(os.environ[PREPARED]).chmod(0o755)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[PREPARED], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count what is short as slow, and begin with the files that start most servers, lest a long one is the last."""
    for item in items:
        if item.get_closest_marker("short"):
            item.add_marker(pytest.mark.slow)
    starts = Counter(item.path for item in items if not STARTING.isdisjoint(getattr(item, "fixturenames", ())))
    items.sort(key=lambda item: -starts[item.path])


@pytest.fixture(scope="session", autouse=True)
def redis_url() -> Iterator[str]:
    """Serve Redis's protocol in memory: services send their tasks and keep their pictures there for real."""
    with embedded_server() as url:
        settings.REDIS_URL = settings.CELERY_BROKER_URL = url
        app.conf.update(broker_url=url)
        yield url


@pytest.fixture(scope="session", autouse=True)
def _answers_at_once() -> None:
    """Do not hold answers in this process; tests/test_accounts_answer_times.py does."""
    settings.ACCOUNT_ANSWERS_EVERY = 0


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of shared data: photographs of faces, FER2013, a sample of MuSe."""
    folder = Path(os.environ.get("EMOTUNE_DATA", "nowhere"))
    if not folder.is_dir():
        missing("the folder that EMOTUNE_DATA names")
    return folder


@pytest.fixture(scope="session")
def prepared(request: pytest.FixtureRequest) -> Prepared:
    """Databases in several states, to be copied; all processes of the run share them."""
    folder = Path(os.environ[PREPARED])
    kept = request.config.pluginmanager.has_plugin("cacheprovider")
    return Prepared(folder, (request.config.cache.mkdir("demonstration") if kept else folder) / "audio")


@pytest.fixture(scope="session")
def postgres(prepared: Prepared) -> Iterator[Postgres]:
    with server_folder("postgres") as folder:
        server = Postgres(folder, copy_of=prepared.cluster())
        yield server
        server.stop(by=signal.SIGQUIT)


@pytest.fixture(scope="session")
def real_redis() -> Iterator[Redis]:
    with server_folder("redis") as folder:
        server = Redis(folder)
        yield server
        server.stop()


@pytest.fixture(scope="session")
def demo_audio(prepared: Prepared) -> Path:
    """Where processes that tests start find the demonstration's audio."""
    return prepared.audio


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared, redis_url: str) -> Iterator[Site]:
    """emotune's web process without a worker, with the demonstration and a person who has a history."""
    running = Site(tmp_path_factory.mktemp("site"), prepared.audio, redis_url, prepared)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def model() -> Path:
    """The folder of the trained network that workers load."""
    folder: Path = settings.MODEL_DIR
    if not (folder / "card.json").is_file():
        missing(f"a trained network in {folder}")
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium for one module: while it runs, Django's models cannot be used in the same thread."""
    with chromium(tmp_path_factory.mktemp("browser")) as running:
        yield running
