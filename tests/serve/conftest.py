"""A server in this process (`client`), and servers as processes of their own (`start`)."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from henkan.serve.settings import PACKAGES
from serving import RunningServer

HERE = Path(__file__).parent
INSTALLED = all(find_spec(name) is not None for name in (*PACKAGES, "httpx2"))
collect_ignore_glob = [] if INSTALLED else ["test_*.py"]


def pytest_collection_modifyitems(items):
    """Mark all tests of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.serve)


@pytest.fixture(scope="session")
def model(trained, tmp_path_factory):
    """The folder in which `trained` is saved."""
    folder = tmp_path_factory.mktemp("models") / "words"
    trained.save(folder)
    return folder


@pytest.fixture
def client_of(model):
    """Function that returns a client of a server in this process, with some settings and limits."""
    from fastapi.testclient import TestClient

    from henkan.serve import Limits, ServeSettings
    from henkan.serve.application import create_app

    opened = []

    def create(limits=None, **settings):
        settings = {"models": (model,), **settings}
        app = create_app(ServeSettings(limits=Limits(**(limits or {})), **settings))
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        return client

    yield create
    for each in opened:
        each.__exit__(None, None, None)


@pytest.fixture
def client(client_of):
    """A client with the default settings."""
    return client_of()


@pytest.fixture
def start(model, tmp_path):
    """Function that starts a server with some options."""
    running = []

    def run(*options, models=(model,), **environment):
        server = RunningServer([*models, "--port", "0", *options], environment, tmp_path)
        running.append(server)
        return server.started()

    yield run
    for server in running:
        if server.process.poll() is None:
            server.kill()
        server.process.stderr.close()
