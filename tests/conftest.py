"""What all tests share: a Redis-protocol server in memory for the ordinary ones, real servers for those that ask."""

import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser

from emotune.celery import app
from emotune.embedded import embedded_server
from tests.browser import chromium
from tests.servers import Postgres, Redis, environment, manage, missing, server_folder
from tests.web_site import Site


@pytest.fixture(scope="session", autouse=True)
def redis_url() -> Iterator[str]:
    """Serve Redis's protocol in memory: services send their tasks and keep their pictures there for real."""
    with embedded_server() as url:
        settings.REDIS_URL = settings.CELERY_BROKER_URL = url
        app.conf.update(broker_url=url)
        yield url


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of shared data: photographs of faces, FER2013, a sample of MuSe."""
    folder = Path(os.environ.get("EMOTUNE_DATA", "nowhere"))
    if not folder.is_dir():
        missing("the folder that EMOTUNE_DATA names")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with server_folder("postgres") as folder:
        server = Postgres(folder)
        yield server
        server.stop(by=signal.SIGQUIT)


@pytest.fixture(scope="session")
def real_redis() -> Iterator[Redis]:
    with server_folder("redis") as folder:
        server = Redis(folder)
        yield server
        server.stop()


@pytest.fixture(scope="session")
def demo_audio(request: pytest.FixtureRequest) -> Path:
    """Where processes that tests start find the demonstration's audio: composed once, and kept from run to run."""
    folder = request.config.cache.mkdir("demonstration")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        env = environment(folder, EMOTUNE_AUDIO=str(folder / "audio"))
        manage("migrate", "--verbosity=0", env=env)
        manage("load_demo", env=env)
    return folder / "audio"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, demo_audio: Path, redis_url: str) -> Iterator[Site]:
    """emotune's web process without a worker, with the demonstration and a person who has a history."""
    running = Site(tmp_path_factory.mktemp("site"), demo_audio, redis_url)
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
