import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from cluster import Cluster, programs
from installation import Installation
from proxy import Proxy
from sandboxes import make_sandbox, sandbox  # noqa: F401

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kubernetes():
    """The folder with the programs of a cluster."""
    return programs()


@pytest.fixture(scope="session")
def cluster(kubernetes, tmp_path_factory):
    """One API server for all tests, in namespaces of their own."""
    running = Cluster(tmp_path_factory.mktemp("cluster"), kubernetes)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture
def make_cluster(kubernetes, tmp_path_factory):
    """Starts API servers, with flags of their own, for a test that stops or freezes them."""
    running = []

    def make(*flags):
        running.append(Cluster(tmp_path_factory.mktemp("cluster"), kubernetes, *flags))
        return running[-1].start()

    yield make
    for each in running:
        each.stop()


@pytest.fixture
def make_proxy():
    """Starts proxies before API servers."""
    running = []

    def make(cluster):
        running.append(Proxy(cluster.port))
        return running[-1]

    yield make
    for each in running:
        each.stop()


@pytest.fixture
def namespace(cluster):
    return cluster.add_namespace(f"test-{next(_numbers)}")


@pytest.fixture
def make_installation(tmp_path, make_sandbox):  # noqa: F811
    """Namespaces with objects for a sandbox; their replicas end with the test, before the sandboxes that search what they said."""
    made = []

    def make(cluster, namespace, sandbox):
        made.append(Installation(tmp_path, cluster, namespace, sandbox))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def installation(make_installation, cluster, namespace, sandbox):  # noqa: F811
    return make_installation(cluster, namespace, sandbox).registry()
