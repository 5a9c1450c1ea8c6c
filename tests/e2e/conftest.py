import pytest

from cells import Pool
from harness import Sandbox, Site


@pytest.fixture
def make_sandbox(tmp_path):
    """Starts sandboxes and ends them with the test, which fails if any secret has been printed."""
    running = []

    def make(*arguments):
        directory = tmp_path / f"sandbox-{len(running)}"
        directory.mkdir()
        running.append(Sandbox(directory, *arguments))
        return running[-1]

    yield make
    leaks = [leak for sandbox in running if sandbox.outputs for leak in sandbox.leaks()]
    for sandbox in running:
        sandbox.stop()
    assert not leaks, "secrets in what the operator printed"


@pytest.fixture
def sandbox(make_sandbox):
    """Without simulated devices."""
    return make_sandbox("--no-devices")


@pytest.fixture
def site(tmp_path, sandbox):
    return Site(tmp_path / "site", sandbox).registry().fleet()


@pytest.fixture(scope="session")
def pool(tmp_path_factory):
    """Sandboxes shared by tests of many cells."""
    made = Pool(tmp_path_factory.mktemp("cells"))
    yield made
    made.stop()
