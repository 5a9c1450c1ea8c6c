import pytest

from cells import Pool
from harness import Site
from sandboxes import make_sandbox, sandbox  # noqa: F401


@pytest.fixture
def site(tmp_path, sandbox):
    return Site(tmp_path / "site", sandbox).registry().fleet()


@pytest.fixture(scope="session")
def pool(tmp_path_factory):
    """Sandboxes shared by tests of many cells."""
    made = Pool(tmp_path_factory.mktemp("cells"))
    yield made
    made.stop()
